"""The panels of a comparison: what each mode answers, with its sources and cost, and the vote."""

from collections.abc import Sequence
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.assistants import comparing
from core.assistants.answer import Timings
from core.assistants.differing import Stretch, only_here
from core.finetuning import votes
from dashboard import resources, state
from dashboard.components import (
    answer,
    answer_checks,
    feedback,
    figures,
    gold_from_answer,
    live_answer,
    modes,
    transcript,
)
from dashboard.components.safe_text import label
from storage.examples import Filter
from storage.rows import ComparisonRow, MessageRow, PanelRow

LETTERS = "ABCDEFGH"
A_ROW = 4


def show(comparison: ComparisonRow) -> None:
    """The question, a panel for each mode, and the vote."""
    st.subheader(label(comparison.question, 300), anchor=False)
    hidden = comparison.blind and not comparison.choice
    answers = [_answer(panel) for panel in comparison.panels]
    ended = all(message is not None and message.status != "streaming" for message in answers)
    marks = _differences(answers) if ended else [[] for _ in answers]
    columns = _columns(len(comparison.panels))
    for number, (column, panel, message) in enumerate(zip(columns, comparison.panels, answers, strict=True)):
        with column, st.container(border=True):
            _panel(comparison, panel, message, LETTERS[number] if hidden else "", marks[number])
    if ended:
        _vote(comparison)


def _columns(panels: int) -> list[DeltaGenerator]:
    """A column for each panel, so many in a row that each can be read."""
    a_row = min(panels, A_ROW)
    return [column for _ in range(0, panels, A_ROW) for column in st.columns(a_row)][:panels]


def _differences(answers: Sequence[MessageRow | None]) -> list[list[Stretch]]:
    """What to mark in each answer: nothing until somebody asks for it."""
    wanted = st.toggle(
        "Mark what differs", key="mark-differences", help="Words that only one of the answers has, whatever their case"
    )
    texts = [message.text if message else "" for message in answers]
    if not wanted:
        return [[] for _ in texts]
    st.caption("Marked and underlined: words that only this answer has. Other words may mean the same.")
    return only_here(texts)


def _answer(panel: PanelRow) -> MessageRow | None:
    messages = resources.workspace().conversations.messages(panel.conversation_id)
    return next((message for message in reversed(messages) if message.role == "assistant"), None)


def _panel(
    comparison: ComparisonRow, panel: PanelRow, message: MessageRow | None, letter: str, marks: Sequence[Stretch]
) -> None:
    if letter:
        st.badge(f"Answer {letter}", color="gray")
    else:
        modes.badge(panel.mode, panel.name)
    if message is None:
        st.caption("It was not begun; ask again.")
        return
    if message.status == "streaming":
        live_answer.show(message.id)
        return
    if message.status == "failed":
        st.error(label(message.error, 300), title="No answer this time", icon=":material/error:")
    citations = resources.workspace().conversations.citations(message.id)
    if message.text:
        answer.show(
            message.text,
            citations,
            key=f"answer-{message.id}",
            quoted_until=message.quoted_until,
            refused=message.refused,
            marks=marks,
            on_cited=transcript.open_citation,
        )
    answer_checks.show(message)
    st.caption(" · ".join(_facts(message, {c.document_id for c in citations if c.document_id is not None}, letter)))
    st.button(
        "Best",
        key=f"best-{comparison.id}-{panel.conversation_id}",
        icon=":material/thumb_up:",
        type="primary" if comparison.choice == panel.key else "secondary",
        on_click=_choose,
        args=(comparison.id, panel.key),
    )
    if message.status in ("done", "stopped"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            feedback.show(message.id)
            gold_from_answer.show(message.id)


def _facts(message: MessageRow, documents: set[int], letter: str) -> list[str]:
    """Base model (it would tell the mode, so not while blind), sources, refused or not, and cost."""
    said = [label(message.base_model, 60)] if message.base_model and not letter else []
    said.append("declined" if message.refused else figures.count(len(documents), "source"))
    return said if letter else [*said, *figures.cost(Timings(**message.timings))]


def _vote(comparison: ComparisonRow) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        for choice, words in ((comparing.TIE, "A tie"), (comparing.BAD, "All bad")):
            kind: Literal["primary", "secondary"] = "primary" if comparison.choice == choice else "secondary"
            st.button(words, key=f"vote-{choice}", type=kind, on_click=_choose, args=(comparison.id, choice))
        if comparison.choice:
            st.caption(f":material/check: {_stored(comparison)} Press another to change it.")


def _stored(comparison: ComparisonRow) -> str:
    examples = resources.workspace().examples.list(comparison.corpus_id, Filter(origin=votes.ORIGIN))
    proposed = any(each.meta.get("comparison") == comparison.id for each in examples)
    return "Your vote is stored" + (", its answer proposed on the Fine-tune page." if proposed else ".")


@state.reported
def _choose(comparison_id: int, choice: str) -> None:
    comparing.vote(resources.workspace(), comparison_id, choice)
