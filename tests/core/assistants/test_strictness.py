"""How sure it must be: a corpus's own threshold, and what a threshold does to gold questions that were asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.assistants import strictness
from core.assistants.answer import Answer
from core.assistants.ask import Assistant
from core.assistants.strictness import Declined, Judged, declined, suggested
from core.errors import BadInput, NotFound
from core.evaluation import fingerprints, running
from core.evaluation.questions import of_rows
from core.generation.scripted import ScriptedChat
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace
from storage.gold import GoldDraft

LEASE = b"# Lease of Unit 7\n\nThe rent is 2,400 pounds a month, payable on the first day of each month.\n"
ASKED = "What is the rent of Unit 7 a month?"
ABSENT = [Judged(0.1, False), Judged(0.2, False), Judged(0.6, False)]
PRESENT = [Judged(0.3 + number / 20, True) for number in range(10)]


def test_a_threshold_declines_what_is_below_it() -> None:
    assert declined([*ABSENT, *PRESENT], 0.3) == Declined(2, 3, 0, 10)
    assert declined([*ABSENT, *PRESENT], 0.0) == Declined(0, 3, 0, 10)
    assert declined([*ABSENT, *PRESENT], 1.0) == Declined(3, 3, 10, 10)


def test_the_suggested_threshold_declines_one_in_ten_of_the_answered_at_most() -> None:
    assert suggested([*ABSENT, *PRESENT]) == 0.21
    mixed = [Judged(0.05, True), *[Judged(0.9, True)] * 9, *[Judged(0.5, False)] * 5]
    assert suggested(mixed) == 0.51
    assert declined(mixed, 0.51) == Declined(5, 5, 1, 10)


def test_nothing_is_suggested_without_questions_of_both_kinds_or_where_it_does_no_good() -> None:
    assert suggested([]) is None
    assert suggested(PRESENT) is None
    assert suggested(ABSENT) is None
    assert suggested([Judged(0.9, False), *[Judged(0.1, True)] * 10]) is None


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    given = {"engine": ScriptedChat(answers=["The rent is 2,400 pounds a month."])}
    with Workspace.open(Settings.load(tmp_path / "workspace"), given=given) as opened:
        corpus = intake.create_corpus(opened, "Leases", "legal")
        intake.add_files(opened, corpus.id, [("lease.md", LEASE)])
        opened.dispatcher.run_one()
        yield opened


def refused(ws: Workspace, corpus_id: int) -> bool:
    *_, answer = Assistant.of(ws, corpus_id).ask(ASKED)
    assert isinstance(answer, Answer)
    return answer.refused


def test_a_corpus_is_answered_by_its_own_threshold_until_that_is_taken_back(ws: Workspace) -> None:
    corpus = ws.corpora.list()[0]
    assert not refused(ws, corpus.id)
    strictness.choose(ws, corpus.id, 1.0)
    assert refused(ws, corpus.id)
    strictness.choose(ws, corpus.id, None)
    assert not refused(ws, corpus.id)


def test_another_threshold_makes_earlier_answers_of_an_evaluation_old(ws: Workspace) -> None:
    corpus = ws.corpora.list()[0]
    before = fingerprints.of_answering(ws, corpus.id), fingerprints.of_modes(ws, corpus.id, ["rag"])
    strictness.choose(ws, corpus.id, 0.9)
    after = fingerprints.of_answering(ws, corpus.id), fingerprints.of_modes(ws, corpus.id, ["rag"])
    assert fingerprints.differing(after[0], before[0]) == ["domain"]
    assert after[1] != before[1]
    strictness.choose(ws, corpus.id, None)
    assert (fingerprints.of_answering(ws, corpus.id), fingerprints.of_modes(ws, corpus.id, ["rag"])) == before


def test_what_is_no_probability_or_no_corpus_is_refused(ws: Workspace) -> None:
    corpus = ws.corpora.list()[0]
    for below in (-0.1, 1.5, float("nan")):
        with pytest.raises(BadInput, match="not between 0 and 1"):
            strictness.choose(ws, corpus.id, below)
    with pytest.raises(NotFound):
        strictness.choose(ws, corpus.id + 1, 0.5)
    assert ws.assistants.of(corpus.id).refuse_below is None


def test_an_evaluation_keeps_how_answerable_each_question_seemed(ws: Workspace) -> None:
    corpus = ws.corpora.list()[0]
    gold = [GoldDraft(ASKED, "2,400 pounds", documents=["lease.md"]), GoldDraft("Who won the cup?", answerable=False)]
    ws.gold.add_many(corpus.id, gold)
    row = running.start(ws, corpus.id, of_rows(ws.gold.list(corpus.id)), ["base", "rag"])
    ws.dispatcher.run_one()
    kept = {(each.mode, each.question_id): each.answerability for each in ws.evaluations.answers(row.id)}
    trial = Assistant.of(ws, corpus.id).trial(ASKED)
    first, second = (each.id for each in of_rows(ws.gold.list(corpus.id)))
    assert kept["base", first] is None
    assert kept["rag", first] == pytest.approx(trial.probability)
    found = strictness.judged(ws, ws.evaluations.get(row.id))
    assert {each.answerable: each.probability for each in found} == {
        True: kept["rag", first],
        False: kept["rag", second],
    }
    assert kept["rag", first] > kept["rag", second]


def test_an_evaluation_of_the_base_model_alone_says_nothing_of_thresholds(ws: Workspace) -> None:
    corpus = ws.corpora.list()[0]
    ws.gold.add_many(corpus.id, [GoldDraft(ASKED, "2,400 pounds", documents=["lease.md"])])
    row = running.start(ws, corpus.id, of_rows(ws.gold.list(corpus.id)), ["base"])
    ws.dispatcher.run_one()
    assert strictness.judged(ws, ws.evaluations.get(row.id)) == []
