"""Two runs are compared by every measure that both have, and each question says what it moved by, and which way."""

from collections.abc import Callable, Mapping

import pytest
from langchain_core.messages import BaseMessage

from core.evaluation import running
from core.evaluation.comparing import Moved, between, change, measures
from core.evaluation.questions import Gold
from core.generation.scripted import ScriptedChat
from core.workspace import Workspace
from storage.rows import CorpusRow, EvaluationRow

RENT, END, PAID = "What is the monthly rent?", "When may the tenant end the lease?", "When is the rent payable?"
GOLD = [
    Gold("rent", RENT, "2,400 pounds a month"),
    Gold("end", END, "On 1 March 2027"),
    Gold("paid", PAID, "first day of each month"),
    Gold("league", "Which football team won the league?", "", answerable=False),
]
BEFORE = {RENT: "2,400 pounds a month", END: "In May", PAID: "first day of each week"}
NOW = {RENT: "A lot", END: "On 1 March 2027", PAID: "first day of each month"}


def says(answers: Mapping[str, str]) -> Callable[[list[BaseMessage]], str]:
    """What a scripted engine answers to a question that stands in its prompt."""
    return lambda messages: next(
        (said for asked, said in answers.items() if asked in str(messages[-1].content)), "Arsenal"
    )


def run(ws: Workspace, corpus: CorpusRow, answers: Mapping[str, str], *modes: str) -> EvaluationRow:
    assert isinstance(ws.engine, ScriptedChat)
    ws.engine.answers = says(answers)
    row = running.start(ws, corpus.id, GOLD, modes or ("base",))
    done = ws.dispatcher.run_one()
    assert done is not None
    assert done.status == "done"
    return ws.evaluations.get(row.id)


def test_better_and_worse_questions_are_told_apart_with_what_they_were_and_are(
    ws: Workspace, corpus: CorpusRow
) -> None:
    before, now = run(ws, corpus, BEFORE), run(ws, corpus, NOW)
    found = change("token_f1", between(ws, now, before)["base"]["token_f1"])
    assert found.better == (Moved(END, 0.0, 1.0), Moved(PAID, pytest.approx(0.8), 1.0))
    assert found.worse == (Moved(RENT, 1.0, 0.0),)
    assert [round(each.by, 6) for each in (*found.better, *found.worse)] == [1.0, 0.2, -1.0]
    assert found.difference.mean == pytest.approx(0.2 / 3)
    assert found.difference.low < 0 < found.difference.high
    assert found.difference.n == 3


def test_turned_around_what_was_better_is_worse(ws: Workspace, corpus: CorpusRow) -> None:
    first, second = run(ws, corpus, BEFORE), run(ws, corpus, NOW)
    back = change("token_f1", between(ws, first, second)["base"]["token_f1"])
    assert [each.question for each in back.better] == [RENT]
    assert [each.question for each in back.worse] == [END, PAID]


def test_each_mode_has_every_measure_that_both_runs_have(ws: Workspace, corpus: CorpusRow) -> None:
    before, now = run(ws, corpus, BEFORE, "base", "quote"), run(ws, corpus, NOW, "base", "quote", "rag")
    found = between(ws, now, before)
    assert list(found) == ["base", "quote"]
    assert {"token_f1", "answer_recall", "rouge_l", "numeric_match", "right_refusal", "seconds"} <= found["base"].keys()
    assert measures(found)[:2] == ["token_f1", "answer_recall"]
    assert measures(found)[-2:] == ["right_refusal", "seconds"]
    assert len(found["base"]["seconds"]) == 4
    assert len(found["base"]["right_refusal"]) == 1


def test_where_less_is_better_a_rise_is_worse() -> None:
    moved = [Moved("a", 0.0, 1.0), Moved("b", 1.0, 0.5)]
    found = change("unsupported", moved)
    assert ([m.question for m in found.better], [m.question for m in found.worse]) == (["b"], ["a"])
    assert found.difference.mean == 0.25


def test_seconds_count_when_they_are_a_quarter_more_or_less() -> None:
    moved = [Moved("far slower", 2.0, 9.0), Moved("as before", 10.0, 12.0), Moved("faster", 4.0, 3.0),
             Moved("slower", 1.0, 2.0), Moved("the same", 0.0, 0.0)]  # fmt: skip
    found = change("seconds", moved)
    assert [each.question for each in found.worse] == ["far slower", "slower"]
    assert [each.question for each in found.better] == ["faster"]
    assert found.difference.mean == pytest.approx(1.8)


def test_the_largest_moves_come_first_and_small_ones_are_noise() -> None:
    moved = [Moved("little", 0.5, 0.59), Moved("enough", 0.5, 0.6), Moved("most", 0.1, 0.9), Moved("more", 0.1, 0.4)]
    assert [each.question for each in change("token_f1", moved).better] == ["most", "more", "enough"]
