"""In which mode the next question is answered; it can be changed in mid-conversation."""

from typing import cast

import streamlit as st

from core.assistants.answer import Mode
from core.finetuning.serving import OF_MODE
from dashboard import resources, state
from dashboard.components import modes
from storage.rows import ConversationRow

DEFAULT: Mode = "rag"


def chosen(corpus_id: int, conversation: ConversationRow | None) -> Mode:
    """The mode of the conversation; of a new one, the one that was picked last in this corpus."""
    there = available(corpus_id)
    wanted = conversation.mode if conversation else st.session_state.get(f"mode-{corpus_id}", DEFAULT)
    return cast("Mode", wanted) if wanted in there else DEFAULT


def available(corpus_id: int) -> list[Mode]:
    """Retrieval always, the others once an adapter of theirs serves; the base model alone as the control."""
    adapters = resources.workspace().adapters
    served: list[Mode] = [mode for mode, kind in OF_MODE.items() if adapters.promoted(corpus_id, kind) is not None]
    return ["rag", *served, "base"]


def show(corpus_id: int, conversation: ConversationRow | None) -> None:
    """The choice, or the badge alone while there is only one mode to speak of."""
    there = available(corpus_id)
    now = chosen(corpus_id, conversation)
    key = f"pick-mode-{corpus_id}-{conversation.id if conversation else 0}"
    st.session_state[key] = now
    st.segmented_control(
        "Mode",
        there,
        key=key,
        required=True,
        format_func=lambda mode: f"{modes.look(mode).icon} {modes.look(mode).title}",
        label_visibility="collapsed",
        help="Fine-tuned and hybrid appear once an adapter of theirs has been promoted on the Fine-tune page.",
        on_change=_pick,
        args=(corpus_id, conversation.id if conversation else None, key),
    )


@state.reported
def _pick(corpus_id: int, conversation_id: int | None, key: str) -> None:
    mode = st.session_state[key] or DEFAULT
    st.session_state[f"mode-{corpus_id}"] = mode
    if conversation_id is not None:
        resources.workspace().conversations.set_mode(conversation_id, mode)
