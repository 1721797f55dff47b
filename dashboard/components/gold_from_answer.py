"""Save as gold question: under an answer, prefilled from its correction or its citations, to be edited first."""

import streamlit as st

from core.evaluation import kept
from dashboard import resources, state
from dashboard.components import figures
from dashboard.components.safe_text import label
from storage.gold import GoldDraft


def show(message_id: int) -> None:
    """A button; behind it the form, which is made when it is opened."""
    with st.popover(
        "Save as gold question",
        key=f"open-gold-{message_id}",
        icon=":material/bookmark_add:",
        type="tertiary",
        on_change="rerun",
    ) as popover:
        if popover.open:
            _form(message_id)


def _form(message_id: int) -> None:
    draft = kept.draft(resources.workspace(), message_id)
    st.caption("A question whose right answer is known. The modes are measured by it, and nothing is trained on it.")
    with st.form(f"gold-from-{message_id}", border=False):
        st.text_area("Question", draft.question, key=f"gold-question-{message_id}", max_chars=2000, height=80)
        st.text_area(
            "The right answer",
            draft.answer,
            key=f"gold-answer-{message_id}",
            max_chars=4000,
            height=120,
            placeholder="Leave empty if the documents do not hold it",
        )
        st.text_area("Evidence, in the document's words", draft.evidence, key=f"gold-evidence-{message_id}", height=100)
        if draft.documents:
            st.caption(_where(draft))
        st.form_submit_button("Save", type="primary", icon=":material/check:", on_click=_save, args=(message_id, draft))


def _where(draft: GoldDraft) -> str:
    page = f", page {draft.page}" if draft.page else ""
    return f":material/description: {label(', '.join(draft.documents), 120)}{page}"


@state.reported
def _save(message_id: int, draft: GoldDraft) -> None:
    typed = {name: str(st.session_state[f"gold-{name}-{message_id}"]).strip() for name in ("question", "answer")}
    evidence = str(st.session_state[f"gold-evidence-{message_id}"]).strip()
    there = bool(typed["answer"])
    edited = GoldDraft(
        typed["question"],
        typed["answer"],
        there,
        draft.documents if there else [],
        draft.page if there else None,
        evidence if there else "",
        origin=kept.ORIGIN,
    )
    done = kept.keep(resources.workspace(), message_id, edited)
    said = "Saved among the gold questions."
    if done.withdrawn:
        said += f" {figures.count(done.withdrawn, 'proposed example')} on the same question went, so nothing learns it."
    if done.accepted:
        said += f" {figures.count(done.accepted, 'accepted example')} asks the same: reject it on the Fine-tune page."
    st.toast(said, icon=":material/bookmark_added:")
