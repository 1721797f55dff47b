"""Dialogs that make, import, change, export and delete a domain of one's own."""

from typing import Any

import streamlit as st

from core.domains import Domain, domain, written
from core.errors import TriptychError
from core.keeping import downloads
from dashboard import resources, state
from dashboard.components import cutting_fields, figures
from dashboard.components.safe_text import label

PERSONAL = {
    "warn": "Mark the places",
    "redact": "Replace by markers, and keep no original",
    "refuse": "Do not take the document",
    "off": "Do not look",
}
CUT_SINCE = (
    "Corpora that are indexed already stay as they are, files added to them included; *Change index* on a corpus's "
    "page has all of it cut anew."
)


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
    {"Edit": _edit, "Export": _export, "Delete": _delete}[action](about)


@st.dialog("New domain", icon=":material/add_circle:", width="large")
def new() -> None:
    """Describe a domain, or import one from its file."""
    write_it, take_in = st.tabs(["Describe it", "Import a file"])
    with write_it:
        values = _form(domain("support"), new=True)
        if values is not None:
            values["name"] = written.name_of(values["title"])
            _keep(lambda: resources.workspace().domains.add(written.made(values)))
    with take_in:
        st.caption("One TOML file, as *Export* in a domain's menu writes it.")
        upload = st.file_uploader("Domain file", type=["toml"], key="domain-file", max_upload_size=1)
        if upload is not None and st.button("Import", type="primary", icon=":material/upload:"):
            text = upload.getvalue().decode("utf-8", errors="replace")
            _keep(lambda: resources.workspace().domains.take_in(text))


@st.dialog("Edit domain", icon=":material/edit:", width="large")
def _edit(about: Domain) -> None:
    values = _form(about, new=False)
    if values is not None:
        _keep(lambda: resources.workspace().domains.change(about.name, written.made(values | {"name": about.name})))


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
    st.markdown(f"**{label(about.title, 60)}** will be lost: persona, cutting and refusal. Export it first to keep it.")
    if st.button("Delete domain", type="primary", icon=":material/delete:"):
        _keep(lambda: resources.workspace().domains.delete(about.name))


def _form(about: Domain, *, new: bool) -> dict[str, Any] | None:
    """The fields of a domain; their values once they are sent, as `written.made` takes them."""
    with st.form(f"domain-{'new' if new else about.name}", border=False):
        values = _speech(about, new) | {
            "chunking": cutting_fields.show(about.chunking, CUT_SINCE, f"cut-{'new' if new else about.name}"),
            "refusal": _refusing(about),
        }
        questions = st.text_area(
            "Example questions, one a line (at most 3)", "" if new else "\n".join(about.example_questions), height=100
        )
        values["personal"] = st.selectbox(
            "Personal data in documents",
            written.POLICIES,
            index=written.POLICIES.index(about.personal),
            format_func=lambda each: PERSONAL.get(each, each),
            help="Looked for when a document is indexed: e-mail, phone, card, IBAN, US and UK health and social "
            "security numbers, dates of birth that are called so. Names and addresses are not found. Documents that "
            "are indexed already stay as they are.",
        )
        values["example_questions"] = [line.strip() for line in questions.splitlines() if line.strip()]
        sent = st.form_submit_button("Create" if new else "Save", type="primary", icon=":material/check:")
    return values if sent else None


def _speech(about: Domain, new: bool) -> dict[str, Any]:
    title, icon = st.columns([3, 1])
    return {
        "title": title.text_input("Title", "" if new else about.title, max_chars=60, placeholder="Building law"),
        "icon": icon.selectbox(
            "Icon",
            written.ICONS,
            index=0 if new or about.icon not in written.ICONS else written.ICONS.index(about.icon),
            format_func=lambda each: each.removeprefix(":material/").strip(":").replace("_", " "),
        ),
        "summary": st.text_input("Summary", "" if new else about.summary, max_chars=160),
        "persona": st.text_area(
            "Persona",
            "" if new else about.persona,
            max_chars=2000,
            placeholder="You are a careful surveyor. You answer from the building codes you are given, and keep "
            "paragraph numbers exactly as they are written.",
            help="What the base model is told about who it is.",
        ),
        "disclaimer": st.text_input(
            "Disclaimer", "" if new else about.disclaimer, max_chars=400, help="Shown with answers; may be empty."
        ),
    }


def _refusing(about: Domain) -> dict[str, Any]:
    threshold = st.slider(
        "Refuses below",
        0.0,
        1.0,
        about.refusal.threshold,
        0.01,
        help="How sure it has to be that the documents hold the answer: 0 never refuses.",
    )
    sentence = st.text_input("What it says then", about.refusal.sentence, max_chars=400)
    return {"threshold": threshold, "sentence": sentence}


def _keep(change: Any) -> None:
    """Make a change and close the dialog, or say what is wrong and keep what was typed."""
    try:
        made = change()
    except TriptychError as error:
        st.error(label(f"{error}", 600))
        return
    if made is not None:
        state.choose_domain(made.name)
    st.rerun()
