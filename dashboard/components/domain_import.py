"""A domain from its file: what it is, and whether it takes the place of one's own or stands beside it."""

from collections.abc import Callable

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.domains import ORDER, Domain, written
from core.errors import TriptychError
from dashboard import resources
from dashboard.components import domain_form, figures
from dashboard.components.safe_text import label

BESIDE, REPLACE = "Add it beside that one", "Replace what that one says"


def show(keep: Callable[[Callable[[], Domain]], None]) -> None:
    """The way in; `keep` is given what adds or replaces the domain."""
    st.caption("One TOML file, as *Export* in a domain's menu writes it.")
    upload = st.file_uploader("Domain file", type=["toml"], key="domain-file", max_upload_size=1)
    if upload is not None:
        _read(upload, keep)


def _read(upload: UploadedFile, keep: Callable[[Callable[[], Domain]], None]) -> None:
    domains = resources.workspace().domains
    try:
        text = written.decoded(upload.getvalue())
        found = written.read(text)
    except TriptychError as error:
        st.error(label(f"{error}", 600))
        return
    taken = found.name in {each.name for each in domains.all()}
    st.markdown(f"**{label(found.title, 60)}**, by its name {label(found.name, 40)}.")
    replace = taken and _replaces(found)
    if replace is None:
        return
    name = "" if replace else domain_form.name_field(domains.free(found.title) if taken else found.name, "import-name")
    if st.button("Replace" if replace else "Import", type="primary", icon=":material/upload:"):
        given = name or (domains.free(found.title) if taken and not replace else "")
        keep(lambda: domains.take_in(text, name=given, replace=replace))


def _replaces(found: Domain) -> bool | None:
    """Whether the file replaces the domain of its name; None until that was chosen. The four are never replaced."""
    if found.name in ORDER:
        st.caption("The built-in domain of that name stays; this one is added beside it.")
        return False
    chosen = st.radio(f"You have a domain called {label(found.name, 40)} already.", (BESIDE, REPLACE), index=None)
    if chosen == REPLACE:
        used = sum(corpus.domain == found.name for corpus in resources.workspace().corpora.list())
        st.warning(
            "What it says now is lost: export it first to keep it. "
            f"{figures.count(used, 'corpus', 'corpora')} of it will answer as the file says."
        )
    return None if chosen is None else chosen == REPLACE
