"""Every question of an evaluation with its scores; each opens to what the modes said and why it scored so."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.evaluation.questions import Gold
from dashboard import resources
from dashboard.components import answer_opened, figures, modes
from dashboard.components.safe_text import label
from storage.rows import EvaluationAnswerRow, EvaluationRow

PER_PAGE = 10
ORDERS = ("in order", "where modes differ most", "worst first")
Said = Mapping[str, EvaluationAnswerRow]


def show(row: EvaluationRow) -> None:
    """The questions, a page at a time; each opens."""
    said: dict[str, dict[str, EvaluationAnswerRow]] = defaultdict(dict)
    for answer in resources.workspace().evaluations.answers(row.id):
        said[answer.question_id][answer.mode] = answer
    judged: dict[str, list[str]] = defaultdict(list)
    for finding in resources.workspace().evaluations.findings(row.id, "judgement"):
        judged[finding.content["question"]].append(_judgement(finding.content))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input("Find a question", key=f"find-asked-{row.id}", placeholder="Part of it").strip().lower()
        order = st.segmented_control("Order", ORDERS, default=ORDERS[0], key=f"order-asked-{row.id}")
    asked = [each for each in row.questions if search in each["question"].lower() and said.get(each["id"])]
    asked = _sorted(asked, said, order or ORDERS[0])
    st.caption(f"{figures.count(len(asked), 'question')} answered of {len(row.questions):,}")
    pages = max(1, -(-len(asked) // PER_PAGE))
    page = min(st.session_state.get(f"asked-page-{row.id}", 1), pages)
    for gold in asked[(page - 1) * PER_PAGE : page * PER_PAGE]:
        _question(gold, row, said[gold["id"]], judged[gold["id"]])
    if pages > 1:
        st.pagination(pages, key=f"asked-page-{row.id}")


def _judgement(content: Mapping[str, Any]) -> str:
    """What the judge model made of two answers."""
    first, second = (modes.look(content[name]).title for name in ("first", "second"))
    if content["verdict"] == "tie":
        return f"{first} and {second} tie" + (", swayed by their order" if content["swayed"] else "")
    better, worse = (first, second) if content["verdict"] == "first" else (second, first)
    return f"{better} over {worse}"


def _sorted(asked: list[dict[str, Any]], said: Mapping[str, Said], order: str) -> list[dict[str, Any]]:
    def scores(gold: dict[str, Any]) -> list[float]:
        return [_score(each) for each in said[gold["id"]].values()]

    if order == "worst first":
        return sorted(asked, key=lambda gold: max(scores(gold)))
    if order == "where modes differ most":
        return sorted(asked, key=lambda gold: min(scores(gold)) - max(scores(gold)))
    return asked


def _score(answer: EvaluationAnswerRow) -> float:
    """What the question is ordered by: token F1, or whether an unanswerable question was refused."""
    return float(answer.scores.get("token_f1", answer.scores.get("right_refusal", 0.0)))


def _question(gold: dict[str, Any], row: EvaluationRow, said: Said, judged: Sequence[str]) -> None:
    """Closed, its title alone: what is in it is read when it is opened."""
    shown = {mode: said[mode] for mode in row.modes if mode in said}
    scores = " · ".join(f"{modes.look(mode).title} {100 * _score(each):.0f}" for mode, each in shown.items())
    key = f"asked-{row.id}-{row.questions.index(gold)}"
    opened = st.expander(f"{label(gold['question'], 160)} — {scores}", key=key, on_change="rerun")
    if opened.open:
        with opened:
            answer_opened.show(Gold.of(gold), shown, judged, key)
