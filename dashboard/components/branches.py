"""The ways a conversation branched: which version of a question or an answer is shown, and the steps to the others."""

from collections.abc import Sequence

import streamlit as st

from dashboard import resources, state
from storage.branches import siblings
from storage.rows import MessageRow


def walk(messages: Sequence[MessageRow], message: MessageRow) -> None:
    """`2 of 3` with a step to each side; nothing when there is only one version."""
    versions = siblings(messages, message)
    if len(versions) < 2:
        return
    at = next(number for number, each in enumerate(versions) if each.id == message.id)
    what = "question" if message.role == "user" else "answer"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
        _step(f"Previous {what}", "chevron_left", message.id, versions[at - 1].id if at else None)
        st.caption(f"{at + 1} of {len(versions)}", width="content")
        last = at + 1 == len(versions)
        _step(f"Next {what}", "chevron_right", message.id, None if last else versions[at + 1].id)


def _step(name: str, icon: str, here: int, to: int | None) -> None:
    st.button(
        f":material/{icon}:",
        key=f"{icon}-{here}",
        help=name,
        type="tertiary",
        disabled=to is None,
        on_click=_show,
        args=(to,),
    )


@state.reported
def _show(message_id: int) -> None:
    resources.workspace().conversations.show(message_id)
    state.go(message=None)
