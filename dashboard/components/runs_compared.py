"""An evaluation against an earlier one: what got better, what got worse, by how much, and what was not the same."""

from collections.abc import Mapping, Sequence

import streamlit as st

from core.evaluation.comparing import MEASURES, SECONDS, Change, Moved, Shared, between, change, measures
from core.evaluation.fingerprints import NAMES, differing
from core.evaluation.scoring import LESS_IS_BETTER
from core.evaluation.summary import Interval
from dashboard import resources
from dashboard.components import figures, modes
from dashboard.components.safe_text import escaped, label, one_line
from storage.rows import EvaluationRow

LONGEST = 200
"""Characters of a question in the tables."""


def show(row: EvaluationRow, rows: Sequence[EvaluationRow]) -> None:
    """Choose another evaluation to hold this one against; nothing where there is no other."""
    others = {each.id: each for each in rows if each.id != row.id and each.summary}
    if not others or not row.summary:
        return
    chosen = st.selectbox(
        "Compare with another evaluation",
        list(others),
        index=None,
        format_func=lambda key: one_line(f"{others[key].name} · {figures.ago(others[key].created_at)} · run {key}"),
        placeholder="What got better, and what got worse?",
        key=f"compare-{row.id}",
    )
    if chosen is None:
        return
    shared = between(resources.workspace(), row, others[chosen])
    if not shared:
        st.caption("The two asked no question in the same mode.")
    else:
        _changes(shared, f"{row.id}-{chosen}")
    if names := differing(row.fingerprints, others[chosen].fingerprints):
        st.caption(f"Not the same in both: {', '.join(NAMES[name] for name in names)}.")


def _changes(shared: Shared, key: str) -> None:
    """By one measure with the questions it is made of; by all of them as a table, made when it is opened."""
    known = measures(shared)
    measure = st.selectbox("Compared by", known, format_func=_title, key=f"compared-by-{key}") or known[0]
    for mode, found in shared.items():
        if measure in found:
            _mode(mode, measure, change(measure, found[measure]), f"{key}-{mode}-{measure}")
    every = st.expander("By every measure", icon=":material/table:", key=f"compared-all-{key}", on_change="rerun")
    if every.open:
        with every:
            columns = {modes.look(mode).title: [_cell(found, name) for name in known] for mode, found in shared.items()}
            st.table({"Measure": [_title(name) for name in known], **columns})
            st.caption("Now less before, with 95 % intervals. Scores are points of 100.")


def _title(measure: str) -> str:
    less = measure in LESS_IS_BETTER or measure == SECONDS
    return f"{MEASURES[measure]} (less is better)" if less else MEASURES[measure]


def _mode(mode: str, measure: str, found: Change, key: str) -> None:
    with st.container(border=True, gap="xsmall"):
        modes.badge(mode)
        unit = "seconds an answer" if measure == SECONDS else f"points of {MEASURES[measure]}"
        st.markdown(f"{_difference(found.difference, measure, unit)} on "
                    f"{figures.count(found.difference.n, 'question')} that both asked")  # fmt: skip
        for word, moved in (("Better", found.better), ("Worse", found.worse)):
            if moved:
                _questions(f"{word} on {figures.count(len(moved), 'question')}", moved, measure, f"{word}-{key}")


def _questions(title: str, moved: Sequence[Moved], measure: str, key: str) -> None:
    """All of them, the largest change first; the table is made when it is opened."""
    opened = st.expander(title, key=f"moved-{key}", on_change="rerun")
    if opened.open:
        with opened:
            st.table(
                {
                    "Change": [_amount(each.by, measure, "+z") for each in moved],
                    "Before": [_amount(each.before, measure) for each in moved],
                    "Now": [_amount(each.now, measure) for each in moved],
                    "Question": [label(each.question, LONGEST) for each in moved],
                }
            )


def _cell(found: Mapping[str, Sequence[Moved]], measure: str) -> str:
    moved = found.get(measure)
    return escaped(_difference(change(measure, moved).difference, measure)) if moved else "–"


def _difference(found: Interval, measure: str, unit: str = "") -> str:
    mean, low, high = (_amount(each, measure, "+z") for each in (found.mean, found.low, found.high))
    return f"{mean}{unit and ' '}{unit} (95 %: {low} to {high})"


def _amount(value: float, measure: str, sign: str = "") -> str:
    """Points of 100, or seconds."""
    return f"{value:{sign}.1f}" if measure == SECONDS else f"{100 * value:{sign}.0f}"
