"""What a person thinks of an answer: thumbs, and the answer it should have been."""

import streamlit as st

from core.finetuning import corrections, votes
from dashboard import resources, state

VERDICTS = ("down", "up")


def show(message_id: int) -> None:
    """Thumbs and the correction, filled with what was given before."""
    given = resources.workspace().conversations.feedback(message_id)
    key = f"thumbs-{message_id}"
    st.session_state[key] = VERDICTS.index(given.verdict) if given else None
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        st.feedback("thumbs", key=key, on_change=_thumb, args=(message_id, key))
        with st.popover(
            "Correct", key=f"open-correction-{message_id}", icon=":material/edit:", type="tertiary", on_change="rerun"
        ) as popover:
            if popover.open:
                _correction(message_id, given.corrected_answer if given else "")
        if given and given.corrected_answer:
            st.caption(":material/check: corrected", width="content")


def _correction(message_id: int, before: str) -> None:
    key = f"correction-{message_id}"
    with st.form(f"correct-{message_id}", border=False):
        st.text_area("What should the answer have been?", value=before, key=key, max_chars=4000, height=140)
        st.caption("Kept with the question, and proposed as an example to learn from.")
        st.form_submit_button("Save", type="primary", on_click=_correct, args=(message_id, key))


@state.reported
def _thumb(message_id: int, key: str) -> None:
    conversations = resources.workspace().conversations
    chosen = st.session_state[key]
    given = conversations.feedback(message_id)
    if chosen is not None:
        conversations.give_feedback(message_id, VERDICTS[chosen], given.corrected_answer if given else "")


@state.reported
def _correct(message_id: int, key: str) -> None:
    workspace = resources.workspace()
    proposed = corrections.correct(workspace, message_id, st.session_state[key].strip())
    talk = workspace.conversations.get(workspace.conversations.message(message_id).conversation_id)
    if talk.comparison_id is not None:
        votes.propose(workspace, talk.comparison_id)  # the better answer is the correction now
    where = ", and proposed as an example on the Fine-tune page" if proposed else ""
    st.toast(f"Thank you, the correction is stored{where}.", icon=":material/check:")
