"""Dialogs that make, copy, import, change, export and delete a domain of one's own."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from core.domains import Domain, domain, written
from core.errors import TriptychError
from core.keeping import downloads
from dashboard import resources, state
from dashboard.components import domain_form, domain_import, figures
from dashboard.components.safe_text import label

BELONG = "Gold questions and training pairs belong to a corpus: *Evaluate* and *Fine-tune* take them in, of any domain."


def want(name: str) -> None:
    """Remember what was chosen in a domain's menu; for a callback."""
    action = st.session_state.get(f"domain-menu-{name}")
    if action:
        st.session_state["domain-wanted"] = (action, name)


def wanted() -> tuple[str, str] | None:
    """What was chosen in a menu, once: the action and the domain's name."""
    chosen: tuple[str, str] | None = st.session_state.pop("domain-wanted", None)
    return chosen


def open_dialog(chosen: tuple[str, str]) -> None:
    """Open the dialog of an action; raises NotFound when the domain is gone."""
    action, name = chosen
    about = resources.workspace().domains.get(name)
    {"Edit": _edit, "Copy": _copy, "Export": _export, "Delete": _delete}[action](about)


@st.dialog("New domain", icon=":material/add_circle:", width="large")
def new() -> None:
    """Describe a domain, or import one from its file."""
    write_it, take_in = st.tabs(["Describe it", "Import a file"])
    with write_it:
        _add(domain_form.show(domain("support"), "domain-new", "Create", blank=True))
    with take_in:
        domain_import.show(_keep)


@st.dialog("Copy domain", icon=":material/content_copy:", width="large")
def _copy(about: Domain) -> None:
    copied = replace(about, title=f"{about.title[:50].rstrip()} (copy)")
    _add(domain_form.show(copied, f"copy-of-{about.name}", "Create"))


@st.dialog("Edit domain", icon=":material/edit:", width="large")
def _edit(about: Domain) -> None:
    values = domain_form.show(about, f"domain-{about.name}", "Save", named=False)
    if values is not None:
        _keep(lambda: resources.workspace().domains.change(about.name, written.made(values, form=True)))


@st.dialog("Export domain", icon=":material/download:")
def _export(about: Domain) -> None:
    st.write("One file with everything the domain says. Import it here or elsewhere; its documents stay here.")
    st.download_button(
        "Download",
        downloads.told(resources.workspace(), lambda: written.write(about), "domain", name=about.name),
        file_name=f"{about.name}.toml",
        mime="application/toml",
        icon=":material/download:",
        type="primary",
    )


@st.dialog("Delete domain?", icon=":material/delete:")
def _delete(about: Domain) -> None:
    corpora = [corpus for corpus in resources.workspace().corpora.list() if corpus.domain == about.name]
    if corpora:
        used = figures.count(len(corpora), "corpus", "corpora")
        st.warning(f"{used} of this domain would lose it. Delete those corpora first.")
        return
    st.markdown(
        f"**{label(about.title, 60)}** will be lost: persona, cutting, refusal and checks. Export it first to keep it."
    )
    if st.button("Delete domain", type="primary", icon=":material/delete:"):
        _keep(lambda: resources.workspace().domains.delete(about.name))


def _add(values: dict[str, Any] | None) -> None:
    """Add the domain that was described, by the name that was typed or a free one."""
    st.caption(BELONG)
    if values is not None:
        domains = resources.workspace().domains
        values["name"] = values["name"] or domains.free(values["title"])
        _keep(lambda: domains.add(written.made(values, form=True)))


def _keep(change: Callable[[], Domain | None]) -> None:
    """Make a change and close the dialog, or say what is wrong and keep what was typed."""
    try:
        made = change()
    except TriptychError as error:
        st.error(label(f"{error}", 600))
        return
    if made is not None:
        state.choose_domain(made.name)
    st.rerun()
