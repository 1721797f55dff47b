"""An evaluation against an earlier one: what got better, what got worse, and what was not the same."""

from collections.abc import Sequence

import streamlit as st

from core.evaluation.comparing import Change, between, differing
from dashboard import resources
from dashboard.components import figures, modes
from dashboard.components.safe_text import label, one_line
from storage.rows import EvaluationRow

NAMED = 5


def show(row: EvaluationRow, rows: Sequence[EvaluationRow]) -> None:
    """Choose another evaluation to hold this one against; nothing where there is no other."""
    others = {each.id: each for each in rows if each.id != row.id and each.summary}
    if not others or not row.summary:
        return
    chosen = st.selectbox(
        "Compare with another evaluation",
        list(others),
        index=None,
        format_func=lambda key: one_line(f"{others[key].name} · {figures.ago(others[key].created_at)}"),
        placeholder="What got better, and what got worse?",
        key=f"compare-{row.id}",
    )
    if chosen is None:
        return
    changes = between(resources.workspace(), row, others[chosen])
    if not changes:
        st.caption("The two asked no question in the same mode.")
    for change in changes:
        _change(change)
    if names := differing(row, others[chosen]):
        st.caption(f"Not the same in both: {', '.join(name.replace('_', ' ') for name in names)}.")


def _change(change: Change) -> None:
    found = change.difference
    with st.container(border=True, gap="xsmall"):
        modes.badge(change.mode)
        st.markdown(
            f"{100 * found.mean:+z.0f} points of F1 (95 %: {100 * found.low:+z.0f} to {100 * found.high:+z.0f}) on "
            f"{figures.count(found.n, 'question')} that both asked"
        )
        for word, questions in (("Better", change.better), ("Worse", change.worse)):
            if questions:
                named = "; ".join(label(each, 90) for each in questions[:NAMED])
                more = f"; and {len(questions) - NAMED} more" if len(questions) > NAMED else ""
                st.caption(f"{word} on {len(questions)}: {named}{more}")
