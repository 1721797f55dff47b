"""The conversations of a corpus, in the sidebar of the chat: new, find, choose, pin, rename, export, delete."""

from typing import Literal

import streamlit as st

from dashboard import resources, state
from dashboard.components import conversation_dialogs, figures
from dashboard.components.browser_files import script
from dashboard.components.conversation_dialogs import NEW
from dashboard.components.safe_text import label
from storage.rows import ConversationRow, FoundTalk

_put_away = st.components.v2.component(
    "triptych_put_away", html='<span id="put-away" hidden></span>', js=script("put_away")
)
SHOWN = 30
FIND_FROM = 3


def show(corpus_id: int, current: int | None) -> None:
    """List them: the pinned ones, then the one used last first; or what a search finds."""
    conversations = resources.workspace().conversations
    rows = conversations.list(corpus_id)
    with st.sidebar.container(gap="xsmall"):
        st.space("small")
        st.button(
            NEW,
            key="new-talk",
            icon=":material/add:",
            width="stretch",
            on_click=state.choose_conversation,
            args=(corpus_id, None),
        )
        _put_away(key="put-away", width=1, height=1)
        wanted = ""
        if len(rows) >= FIND_FROM:
            wanted = st.text_input("Find a conversation", key="find-conversation", placeholder="Words in it").strip()
        if wanted:
            _found(conversations.search(corpus_id, wanted, SHOWN), current)
            return
        for row in rows[:SHOWN]:
            _row(row, row.id == current)
        if len(rows) > SHOWN:
            st.caption(f"and {len(rows) - SHOWN} more; find them by their words")


def _found(found: list[FoundTalk], current: int | None) -> None:
    """What a search found, with the words around what matched; pressing goes to the very message."""
    for each in found:
        _row(each.conversation, each.conversation.id == current, each.message_id)
        if each.excerpt:
            st.caption(label(each.excerpt, 120))
    if not found:
        st.caption("No conversation holds all of these words. Try fewer of them.")


def _row(row: ConversationRow, chosen: bool, message_id: int | None = None) -> None:
    kind: Literal["secondary", "tertiary"] = "secondary" if chosen else "tertiary"
    icon = ":material/keep:" if row.pinned else ":material/chat_bubble:" if chosen else None
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        st.button(
            label(row.title or NEW, 60),
            key=f"talk-{row.id}",
            type=kind,
            width="stretch",
            icon=icon,
            wrap=False,
            on_click=state.choose_conversation,
            args=(row.corpus_id, row.id, message_id),
            help=f"last used {figures.ago(row.updated_at)}",
        )
        if chosen:
            _menu(row)


def _menu(row: ConversationRow) -> None:
    pin = "Unpin" if row.pinned else "Pin"
    action = st.menu_button("More", [pin, "Rename", "Export", "Delete"], key=f"talk-menu-{row.id}", type="tertiary")
    if action == pin:
        resources.workspace().conversations.pin(row.id, not row.pinned)
        st.rerun()
    elif action == "Rename":
        conversation_dialogs.rename(row)
    elif action == "Export":
        conversation_dialogs.export_as(row)
    elif action == "Delete":
        conversation_dialogs.delete(row)
