"""A question in the conversation: its words, and a way to ask it differently."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard import state
from dashboard.components import attention, branches
from storage.rows import MessageRow

LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Doing:
    """What one can do in a conversation; `state.failed` tells whether it could be done.

    Attributes:
        ask: ask a question behind a message, None at the beginning.
        again: answer a question once more, given it or an answer to it, or go on with an answer that was cut off;
            alone, where it is asked as typed, without what was said before.
    """

    ask: Callable[[str, int | None], None]
    again: Callable[..., None]


def show(messages: Sequence[MessageRow], message: MessageRow, doing: Doing, writing: bool) -> None:
    """The words, or the form that changes them; `messages` are those of all branches."""
    if state.editing() == message.id:
        _form(message, doing, writing)
        attention.focus(f"edited-{message.id}")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.text(message.text, width="stretch")
        st.button(
            "Edit",
            key=f"edit-{message.id}",
            icon=":material/edit:",
            type="tertiary",
            disabled=writing,
            help="Ask it differently; this version stays",
            on_click=state.edit,
            args=(message.id,),
        )
        branches.walk(messages, message)
        if state.take_edit_left(message.id):
            attention.focus(f"edit-{message.id}")
        if state.place().message_id == message.id:
            attention.bring_here(f"message-{message.id}")


def unanswered(message: MessageRow, doing: Doing) -> None:
    """Under a question that no answer was begun to: the way to one."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(":material/power_off: It was not answered.", width="content")
        st.button(
            "Answer", key=f"again-{message.id}", icon=":material/refresh:", on_click=doing.again, args=(message.id,)
        )


def _form(message: MessageRow, doing: Doing, writing: bool) -> None:
    key = f"edited-{message.id}"
    with st.form(f"edit-form-{message.id}", border=False):
        st.text_area("Your question", value=message.text, key=key, max_chars=LONGEST, height=100)
        with st.container(horizontal=True):
            st.form_submit_button(
                "Ask",
                type="primary",
                icon=":material/send:",
                disabled=writing,
                help="Wait for the answer, or stop it" if writing else None,
                on_click=_resend,
                args=(message, key, doing),
            )
            st.form_submit_button("Leave it", on_click=state.edit, args=(None,))


def _resend(message: MessageRow, key: str, doing: Doing) -> None:
    """Ask the edited question in the place of the old one; one that could not be asked stays in its form.

    Unchanged it is answered once more.
    """
    text = st.session_state[key].strip()
    if text == message.text:
        doing.again(message.id)
    elif text:
        doing.ask(text, message.parent_id)
    if not state.failed():
        state.edit(None)
