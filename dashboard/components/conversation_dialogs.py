"""Dialogs that rename, export and delete a conversation; deleting says what will be lost."""

from contextlib import suppress
from functools import partial

import streamlit as st

from core.assistants.naming import title_of
from core.conversations import export, files
from core.errors import NotFound as NoSuchThing
from dashboard import resources, state
from dashboard.components import erasing, figures
from dashboard.components.safe_text import label, one_line
from storage.errors import NotFound
from storage.rows import ConversationRow

NEW = "New conversation"


@st.dialog("Rename conversation", icon=":material/edit:")
def rename(row: ConversationRow) -> None:
    """Give it another title; without one it is called by its first question, once it has one."""
    with st.form("rename-conversation", border=False):
        title = st.text_input("Title", value=row.title, max_chars=80)
        if not st.form_submit_button("Rename", type="primary"):
            return
    with suppress(NotFound):  # deleted meanwhile, in another tab: the page says so
        resources.workspace().conversations.rename(row.id, one_line(title, 80) or _by_question(row))
    st.rerun()


def _by_question(row: ConversationRow) -> str:
    asked = next((each for each in resources.workspace().conversations.messages(row.id) if each.role == "user"), None)
    return title_of(asked.text) if asked else ""


@st.dialog("Export conversation", icon=":material/download:")
def export_as(row: ConversationRow) -> None:
    """A button for each kind of file; it is written when it is asked for."""
    workspace = resources.workspace()
    st.markdown(f"**{label(row.title or NEW)}** with its sources, as it is shown; JSON holds every branch.")
    with st.container(horizontal=True):
        for each in export.FORMATS:
            st.download_button(
                each.title,
                partial(export.export, workspace, row.id, each),
                file_name=export.file_name(row.title or NEW, each),
                mime=each.media_type,
                key=f"export-{each.ending}",
                icon=":material/download:",
                on_click="ignore",
            )


@st.dialog("Delete conversation?", icon=":material/delete:")
def delete(row: ConversationRow) -> None:
    """Say what goes with it, then delete it."""
    workspace = resources.workspace()
    asked = sum(message.role == "user" for message in workspace.conversations.messages(row.id))
    own = len(files.attached(workspace, row.files_corpus_id))
    with_files = f", and {figures.count(own, 'file')} attached to it" if own else ""
    st.markdown(
        f"**{label(row.title or NEW)}**: {figures.count(asked, 'question')}, the answers and what you thought of "
        f"them{with_files}."
    )
    st.caption("The documents of the corpus stay. This cannot be undone.")
    erase = erasing.made_of_answers(workspace.conversations.made_of(row.id))
    erasing.learned_from_examples(row.corpus_id, workspace.conversations.examples_of(row.id))
    if st.button("Delete conversation", type="primary", icon=":material/delete:"):
        with suppress(NoSuchThing):  # deleted meanwhile, in another tab: that is what was wanted
            files.delete(workspace, row.id, erase=erase)
        state.choose_conversation(row.corpus_id, None)
        st.rerun()
