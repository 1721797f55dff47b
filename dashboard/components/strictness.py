"""How sure it must be before it answers: what a threshold declines of the gold questions, and choosing one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from core.assistants import strictness
from core.assistants.strictness import STEPS, Declined, curve, strict, suggested
from dashboard import resources, state
from dashboard.components import chart_looks, figures
from storage.rows import CorpusRow, EvaluationRow

FEW = 10
"""Questions of a kind below which their share says little."""
NOT_ANSWERED = "questions that the documents do not answer"
ABSENT, PRESENT = "not in the documents", "in the documents"
COLOURS = alt.Scale(domain=[ABSENT, PRESENT])


@dataclass(frozen=True, slots=True)
class Seen:
    """What the slider stands among; `usual` is the domain's threshold where the corpus has one of its own."""

    curve: Mapping[float, Declined]
    suggested: float | None
    serving: float
    usual: float | None


def show(corpus: CorpusRow, row: EvaluationRow) -> None:
    """What it declined in this evaluation and would at another threshold; read when it is opened."""
    opened = st.expander("When it declines", icon=":material/block:", key=f"strictness-{row.id}", on_change="rerun")
    if opened.open:
        with opened:
            _opened(corpus, row)


def _opened(corpus: CorpusRow, row: EvaluationRow) -> None:
    workspace = resources.workspace()
    questions = strictness.judged(workspace, row)
    if not questions:
        st.caption("This evaluation did not keep how sure it was: it is of an earlier version, or searched nothing.")
        return
    domain, chosen = workspace.domains.get(corpus.domain), workspace.assistants.of(corpus.id)
    usual, serving = domain.refusal.threshold, strict(domain, chosen).refusal.threshold
    own = chosen.refuse_below is not None
    st.caption(
        "A question is declined when it seems less probable than this that the documents hold its answer. "
        f"{'This corpus was given' if own else 'The domain says'} {serving:.2f}"
        f"{f' where its domain says {usual:.2f}' if own else ''}."
    )
    seen = Seen(curve(questions), suggested(questions), serving, usual if own else None)
    st.fragment(_weighed, key=f"weighed-{row.id}")(corpus.id, row.id, seen)


def _weighed(corpus_id: int, row_id: int, seen: Seen) -> None:
    """The threshold that is looked at, what it does, and the ways to take it: all that a move of the slider draws."""
    key = f"below-{row_id}"
    if key not in st.session_state:
        st.session_state[key] = round(seen.serving, 2)
    below = st.slider("Answer only what is at least so probable", 0.0, 1.0, step=1 / STEPS, key=key)
    found = seen.curve[round(below * STEPS) / STEPS]
    said = []
    if found.absent:
        named = figures.count(found.absent, "question that the documents do not answer", NOT_ANSWERED)
        said.append(f"Declines **{found.rightly} of {named}**, as it should")
    if found.present:
        named = figures.count(found.present, "question that they do answer", "questions that they do answer")
        said.append(f"{', and' if said else 'Declines'} **{found.wrongly} of {named}**, as it should not")
    st.markdown(f"{''.join(said)}.")
    st.altair_chart(chart(seen.curve, below), width="stretch")
    few = [name for name, number in ((ABSENT, found.absent), (PRESENT, found.present)) if number < FEW]
    if few:
        st.caption(
            f"Fewer than {FEW} questions are {' or '.join(few)}: that share says little. Add such gold questions."
        )
    with st.container(horizontal=True):
        if seen.suggested is not None:
            st.button(f"Suggest ({seen.suggested:.2f})", key=f"suggest-{row_id}", icon=":material/lightbulb:",
                      on_click=_look_at, args=(key, seen.suggested),
                      help="Tells the two kinds apart best while it declines at most one in ten of what is answered.",
                      )  # fmt: skip
        if round(below, 2) != round(seen.serving, 2) and st.button(
            f"Use {below:.2f} for this corpus", key=f"use-{row_id}", type="primary", icon=":material/check:",
            on_click=_choose, args=(corpus_id, below),
        ):  # fmt: skip
            st.rerun()
        if seen.usual is not None and st.button(
            f"Back to the domain's {seen.usual:.2f}", key=f"usual-{row_id}", icon=":material/undo:",
            on_click=_back, args=(corpus_id, key, seen.usual),
        ):  # fmt: skip
            st.rerun()


def chart(curve: Mapping[float, Declined], below: float) -> Any:
    """The share of each kind that is declined, by threshold; a line where `below` is."""
    rows = []
    for threshold, found in curve.items():
        for kind, part, whole in ((ABSENT, found.rightly, found.absent), (PRESENT, found.wrongly, found.present)):
            if whole:
                rows.append({"threshold": threshold, "declined": 100 * part / whole, "kind": kind})
    lines = (
        alt.Chart(pd.DataFrame(rows))
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=alt.X("threshold:Q", title="answers only what is at least so probable", scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("declined:Q", title="declined of 100", scale=alt.Scale(domain=[0, 100])),
            color=alt.Color("kind:N", scale=COLOURS, legend=alt.Legend(title=None, orient="top", columns=1)),
            strokeDash=alt.StrokeDash("kind:N", scale=COLOURS, legend=None),
            tooltip=["kind", "threshold", alt.Tooltip("declined:Q", format=".0f")],
        )
    )
    here = (
        alt.Chart(pd.DataFrame([{"threshold": below}]))
        .mark_rule(strokeDash=[4, 4], color=chart_looks.GREY)
        .encode(x="threshold:Q")
    )
    return alt.layer(lines, here).properties(height=260)


def _look_at(key: str, below: float) -> None:
    st.session_state[key] = below


@state.reported
def _choose(corpus_id: int, below: float) -> None:
    strictness.choose(resources.workspace(), corpus_id, round(below, 2))
    st.toast(f"From the next question on, what is below {below:.2f} is declined here.", icon=":material/check:")


@state.reported
def _back(corpus_id: int, key: str, usual: float) -> None:
    strictness.choose(resources.workspace(), corpus_id, None)
    st.session_state[key] = round(usual, 2)
