"""What is wrong with the examples before training, each with a button that mends it."""

import streamlit as st

from core.finetuning.checks import Finding, findings
from dashboard import resources, state
from dashboard.components import figures
from dashboard.components.safe_text import label
from storage.examples import Filter

SHOWN = 5


def show(corpus_id: int) -> None:
    """The findings, or that there are none."""
    workspace = resources.workspace()
    rows = workspace.examples.list(corpus_id, Filter(status="accepted"))
    gold = [row.question for row in workspace.gold.list(corpus_id)]
    found = findings(rows, gold)
    if not any(one.kind == "gold leaks" for one in found):
        said = (
            f"none asks what one of the {figures.count(len(gold), 'gold question')} asks"
            if gold
            else "there are no gold questions yet"
        )
        st.markdown(f":green[:material/check:] No leakage: {said}.")
    texts = {row.id: (row.question, row.answer) for row in rows}
    for one in found:
        _finding(one, texts)
    if not found:
        st.markdown(
            ":green[:material/check:] No conflicts, no duplicates, nothing empty or overlong, no personal data."
        )


def _finding(one: Finding, texts: dict[int, tuple[str, str]]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":orange[:material/warning:] {label(one.words, 300)}", width="content")
        if one.rejects:
            words = f"Reject {'it' if len(one.rejects) == 1 else f'these {len(one.rejects):,}'}"
            st.button(words, key=f"mend-{one.kind}", on_click=_reject, args=(list(one.rejects),))
    with st.expander(f"Show {one.kind}", type="compact"):
        for key in one.ids[:SHOWN]:
            question, answer = texts[key]
            st.markdown(f"**{label(question, 200)}**  \n{label(answer, 240)}")
            if not one.rejects:
                st.button("Reject this one", key=f"reject-{one.kind}-{key}", on_click=_reject, args=([key],))
        if len(one.ids) > SHOWN:
            st.caption(f"and {len(one.ids) - SHOWN:,} more")


@state.reported
def _reject(ids: list[int]) -> None:
    resources.workspace().examples.set_status(ids, "rejected")
