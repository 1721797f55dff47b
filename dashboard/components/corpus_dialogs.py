"""Dialogs that make, rename and delete a corpus, and delete documents; each says what will be lost."""

from collections.abc import Sequence

import streamlit as st

from core.errors import UNSTORABLE, TriptychError
from core.ingestion import intake
from dashboard import resources, state
from dashboard.components import erasing, figures
from dashboard.components.safe_text import label, one_line
from storage.errors import Exists, Unstorable
from storage.rows import CorpusRow

LONGEST = 80
NAMED = 10
"""Documents that a dialog names one by one."""


@st.dialog("New corpus", icon=":material/create_new_folder:")
def new_corpus(chosen_domain: str | None = None) -> None:
    """Ask for a name and a domain, make the corpus, and go there."""
    domains = {each.name: each for each in resources.workspace().domains.all()}
    names = list(domains)
    with st.form("new-corpus", border=False):
        name = st.text_input("Name", max_chars=LONGEST, placeholder="Contracts 2026")
        where = st.selectbox(
            "Domain",
            names,
            index=names.index(chosen_domain) if chosen_domain in names else 0,
            format_func=lambda each: one_line(f"{domains[each].title}: {domains[each].summary}", 160),
            help="It decides how documents are cut into passages, how the assistant speaks, and when it refuses.",
        )
        if not st.form_submit_button("Create", type="primary", icon=":material/add:"):
            return
    try:
        corpus = intake.create_corpus(resources.workspace(), name, where)
    except TriptychError as error:
        st.error(label(f"{error}", 300))
        return
    except Unstorable:
        st.error(" ".join(UNSTORABLE))
        return
    state.choose_domain(where)
    st.switch_page("app_pages/corpus.py", query_params={"corpus": str(corpus.id)})


@st.dialog("Rename corpus", icon=":material/edit:")
def rename_corpus(corpus: CorpusRow) -> None:
    """Give a corpus another name."""
    with st.form("rename-corpus", border=False):
        name = st.text_input("Name", value=corpus.name, max_chars=LONGEST).strip()
        if not st.form_submit_button("Rename", type="primary"):
            return
    if not name:
        st.error("A corpus needs a name.")
        return
    try:
        resources.workspace().corpora.rename(corpus.id, name)
    except Exists:
        st.error("There is a corpus of that name already. Choose another one.")
        return
    except Unstorable:
        st.error(" ".join(UNSTORABLE))
        return
    st.rerun()


@st.dialog("Delete corpus?", icon=":material/delete:")
def delete_corpus(corpus: CorpusRow) -> None:
    """Say what goes with the corpus, then delete it."""
    workspace = resources.workspace()
    numbers = workspace.corpora.statistics(corpus.id)
    talks = len(workspace.conversations.list(corpus.id))
    st.markdown(f"**{label(corpus.name)}** and everything in it will be lost:")
    st.markdown(
        f"- {figures.count(numbers.documents, 'document')} with {figures.count(numbers.chunks, 'chunk')}\n"
        f"- {figures.count(talks, 'conversation')} with their answers and feedback\n"
        "- its examples and adapters, its search index and the stored files"
    )
    st.caption("The files you uploaded from stay where they are. This cannot be undone.")
    if st.button("Delete corpus", type="primary", icon=":material/delete:"):
        intake.delete_corpus(workspace, corpus.id)
        state.choose_corpus(None)
        st.rerun()


@st.dialog("Delete documents?", icon=":material/delete:")
def delete_documents(ids: Sequence[int]) -> None:
    """Say which documents go, the first of them by name, then delete them; they may be thousands."""
    workspace = resources.workspace()
    for row in workspace.corpora.documents_by_ids(ids[:NAMED]).values():
        st.markdown(f"- **{label(row.name)}**, {figures.count(row.page_count, 'page')}")
    if len(ids) > NAMED:
        st.markdown(f"- and {len(ids) - NAMED:,} more")
    st.caption("Their text, vectors and stored files are deleted, down to the last byte. This cannot be undone.")
    if followed := workspace.sources.count_followed(ids):
        st.info(
            f"From a source: {figures.count(followed, 'document')}. What is deleted here stays away although its file "
            "is still there, until the file changes or *Take again* is pressed on the source.",
            icon=":material/sync_disabled:",
        )
    erase = erasing.made_of_documents(ids)
    erasing.name_learners(ids)
    # The callback runs first; a button that then said "Delete 0" would be another one, which nobody pressed.
    if st.button(
        f"Delete {figures.count(len(ids), 'document')}",
        type="primary",
        icon=":material/delete:",
        on_click=intake.delete_documents,
        args=(workspace, ids),
        kwargs={"erase": erase},
    ):
        st.rerun()  # puts the dialog away
