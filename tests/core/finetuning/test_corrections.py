"""What people correct in chat comes to review, once for each answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.finetuning.corrections import correct
from core.settings import Settings
from core.workspace import Workspace
from storage.examples import ExampleDraft
from storage.gold import GoldDraft

QUESTION = "When may the tenant leave?"


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "workspace")) as opened:
        yield opened


@pytest.fixture
def corpus(ws: Workspace) -> int:
    return ws.corpora.create("Leases", "legal").id


@pytest.fixture
def answer(ws: Workspace, corpus: int) -> int:
    talk = ws.conversations.create(corpus)
    ws.conversations.add_question(talk.id, QUESTION)
    begun = ws.conversations.begin_answer(talk.id, "rag")
    ws.conversations.finish_answer(begun.id, "In 2030.", searched_for="When may the tenant of Unit 7 leave?")
    return begun.id


def test_a_corrected_answer_is_proposed_with_the_question_as_it_was_searched(
    ws: Workspace, corpus: int, answer: int
) -> None:
    assert correct(ws, answer, "On 1 March 2027.")
    (row,) = ws.examples.list(corpus)
    assert (row.question, row.answer) == ("When may the tenant of Unit 7 leave?", "On 1 March 2027.")
    assert (row.origin, row.status) == ("corrected", "proposed")
    feedback = ws.conversations.feedback(answer)
    assert feedback is not None
    assert (feedback.verdict, feedback.corrected_answer) == ("down", "On 1 March 2027.")


def test_a_correction_that_changes_is_reviewed_again_and_stays_one(ws: Workspace, corpus: int, answer: int) -> None:
    correct(ws, answer, "On 1 March 2027.")
    (row,) = ws.examples.list(corpus)
    ws.examples.set_status([row.id], "accepted")
    correct(ws, answer, "On 1 March 2027.")
    assert ws.examples.counts(corpus) == {"accepted": 1}
    correct(ws, answer, "On 2 March 2027.")
    (row,) = ws.examples.list(corpus)
    assert (row.answer, row.status) == ("On 2 March 2027.", "proposed")
    assert not correct(ws, answer, "")
    assert ws.examples.list(corpus) == []


def test_a_pair_that_is_there_already_is_not_doubled(ws: Workspace, corpus: int, answer: int) -> None:
    ws.examples.add(corpus, [ExampleDraft("When may the tenant of Unit 7 leave?", "On 2 March 2027.")])
    correct(ws, answer, "On 1 March 2027.")
    correct(ws, answer, "On 2 March 2027.")
    assert [row.origin for row in ws.examples.list(corpus)] == ["upload"]


def test_a_gold_question_is_corrected_but_never_proposed(ws: Workspace, corpus: int, answer: int) -> None:
    ws.gold.add(corpus, GoldDraft("When may the tenant of Unit 7 leave?", "On 1 March 2027."))
    assert not correct(ws, answer, "On 1 March 2027.")
    assert ws.examples.list(corpus) == []
    assert ws.conversations.feedback(answer) is not None
