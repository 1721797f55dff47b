"""The conversations of a corpus, in the sidebar of the chat: new, choose, rename, delete."""

from typing import Literal

import streamlit as st

from dashboard import resources, state
from dashboard.components import figures
from dashboard.components.safe_text import label, one_line
from storage.rows import ConversationRow

SHOWN = 30
FIND_FROM = 8
NEW = "New conversation"


def show(corpus_id: int, current: int | None) -> None:
    """List them, the one used last first."""
    rows = resources.workspace().conversations.list(corpus_id)
    with st.sidebar.container(gap="xsmall"):
        st.space("small")
        st.button(
            NEW, icon=":material/add:", width="stretch", on_click=state.choose_conversation, args=(corpus_id, None)
        )
        if len(rows) >= FIND_FROM:
            wanted = st.text_input("Find a conversation", key="find-conversation", placeholder="Part of a title")
            rows = [row for row in rows if wanted.casefold() in row.title.casefold()]
        for row in rows[:SHOWN]:
            _row(row, row.id == current)
        if len(rows) > SHOWN:
            st.caption(f"and {len(rows) - SHOWN} more; find them by title")


def _row(row: ConversationRow, chosen: bool) -> None:
    kind: Literal["secondary", "tertiary"] = "secondary" if chosen else "tertiary"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        st.button(
            label(row.title or NEW, 60),
            key=f"talk-{row.id}",
            type=kind,
            width="stretch",
            icon=":material/chat_bubble:" if chosen else None,
            wrap=False,
            on_click=state.choose_conversation,
            args=(row.corpus_id, row.id),
            help=f"last used {figures.ago(row.updated_at)}",
        )
        if chosen:
            action = st.menu_button("More", ["Rename", "Delete"], key=f"talk-menu-{row.id}", type="tertiary")
            if action == "Rename":
                _rename(row)
            elif action == "Delete":
                _delete(row)


@st.dialog("Rename conversation", icon=":material/edit:")
def _rename(row: ConversationRow) -> None:
    with st.form("rename-conversation", border=False):
        title = st.text_input("Title", value=row.title, max_chars=80)
        if not st.form_submit_button("Rename", type="primary"):
            return
    resources.workspace().conversations.rename(row.id, one_line(title, 80) or NEW)
    st.rerun()


@st.dialog("Delete conversation?", icon=":material/delete:")
def _delete(row: ConversationRow) -> None:
    conversations = resources.workspace().conversations
    asked = sum(message.role == "user" for message in conversations.messages(row.id))
    st.markdown(
        f"**{label(row.title or NEW)}**: {figures.count(asked, 'question')}, the answers and what you thought of them."
    )
    st.caption("The documents stay. This cannot be undone.")
    if st.button("Delete conversation", type="primary", icon=":material/delete:"):
        conversations.delete(row.id)
        state.choose_conversation(row.corpus_id, None)
        st.rerun()
