"""The verdict in plain words with the figures behind it, and the five questions it weighs."""

import streamlit as st

from core.evaluation.considerations import Considered
from core.evaluation.verdict import Verdict
from dashboard import resources, state
from dashboard.components import modes
from dashboard.components.safe_text import label

SURE = {
    "better": (":material/verified:", "measured"),
    "enough": (":material/verified:", "measured"),
    "unclear": (":material/help:", "not enough evidence"),
    "nothing": (":material/hourglass_empty:", "nothing compared yet"),
}


def show(corpus_id: int, verdict: Verdict) -> None:
    """What to use, why, and what speaks for it."""
    icon, word = SURE[verdict.measured]
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            modes.badge(verdict.mode)
            st.badge(word, icon=icon, color="gray")
        st.subheader(label(verdict.headline, 600), anchor=False)
        for phrase in verdict.phrases:
            st.markdown(label(phrase, 400))
        for limit in verdict.limits:
            st.caption(label(limit, 600))
        answered = sum(bool(each.answer) for each in verdict.considered)
        with st.expander(f"Five questions: {answered} of {len(verdict.considered)} answered", icon=":material/quiz:"):
            _weights()
            for each in verdict.considered:
                _topic(corpus_id, each)


def _weights() -> None:
    st.caption(
        "Filled in from what is measured where that is possible; correct what is wrong. One point is a reason, two "
        "are a strong one, a measured difference counts three. The weights are a judgement."
    )


def _topic(corpus_id: int, each: Considered) -> None:
    # The key holds the answer: what is stored is the truth, and the control begins from it anew.
    key = f"topic-{corpus_id}-{each.topic.key}-{each.answer}"
    st.segmented_control(
        each.topic.question,
        list(each.topic.answers),
        default=each.answer or None,
        key=key,
        on_change=_say,
        args=(corpus_id, each.topic.key, key),
    )
    whose = "" if not each.answer else "From the figures." if each.answer == each.measured else "Your answer."
    moved = f"Moves: {each.moved}." if each.moved else "Moves nothing." if each.answer else ""
    st.caption(label(" ".join(part for part in (each.evidence, whose, moved) if part) or "Nobody knows yet.", 300))


@state.reported
def _say(corpus_id: int, topic: str, key: str) -> None:
    resources.workspace().evaluations.consider(corpus_id, topic, st.session_state.get(key))
