"""What people prefer side by side comes to review, and goes again with the vote."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.assistants import comparing
from core.finetuning import votes
from core.finetuning.corrections import correct
from core.settings import Settings
from core.workspace import Workspace
from storage.gold import GoldDraft
from storage.rows import ComparisonRow

QUESTION = "When may the tenant leave?"


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "workspace")) as opened:
        yield opened


@pytest.fixture
def row(ws: Workspace) -> ComparisonRow:
    corpus = ws.corpora.create("Leases", "legal").id
    panels = [("rag", "", ""), ("hybrid", "a7", "grounded v2")]
    made = ws.comparisons.begin(corpus, QUESTION, panels, blind=False)
    for panel, text in zip(made.panels, ("On 1 March 2027.", "Never."), strict=True):
        ws.conversations.add_question(panel.conversation_id, QUESTION)
        begun = ws.conversations.begin_answer(panel.conversation_id, panel.mode)
        ws.conversations.finish_answer(begun.id, text)
    return made


def proposed(ws: Workspace, row: ComparisonRow) -> list[tuple[str, str, str]]:
    return [(each.answer, each.origin, each.status) for each in ws.examples.list(row.corpus_id)]


def test_the_best_answer_is_proposed_and_follows_the_vote(ws: Workspace, row: ComparisonRow) -> None:
    comparing.vote(ws, row.id, "rag")
    assert proposed(ws, row) == [("On 1 March 2027.", "vote", "proposed")]
    comparing.vote(ws, row.id, "hybrid#a7")
    assert proposed(ws, row) == [("Never.", "vote", "proposed")]
    comparing.vote(ws, row.id, comparing.TIE)
    assert proposed(ws, row) == []


def test_what_was_reviewed_stays_while_the_vote_does(ws: Workspace, row: ComparisonRow) -> None:
    comparing.vote(ws, row.id, "rag")
    (example,) = ws.examples.list(row.corpus_id)
    ws.examples.set_status([example.id], "accepted")
    comparing.vote(ws, row.id, "rag")
    assert proposed(ws, row) == [("On 1 March 2027.", "vote", "accepted")]


def test_a_corrected_answer_is_proposed_by_its_correction_alone(ws: Workspace, row: ComparisonRow) -> None:
    comparing.vote(ws, row.id, "rag")
    best = ws.conversations.messages(row.panels[0].conversation_id)[-1]
    correct(ws, best.id, "On 2 March 2027.")
    assert not votes.propose(ws, row.id)
    assert proposed(ws, row) == [("On 2 March 2027.", "corrected", "proposed")]


def test_a_gold_question_and_a_refusal_are_never_proposed(ws: Workspace, row: ComparisonRow) -> None:
    ws.gold.add(row.corpus_id, GoldDraft(QUESTION, "On 1 March 2027."))
    comparing.vote(ws, row.id, "rag")
    assert proposed(ws, row) == []
    ws.gold.delete([each.id for each in ws.gold.list(row.corpus_id)])
    best = ws.conversations.messages(row.panels[0].conversation_id)[-1]
    ws.conversations.finish_answer(best.id, "Not in the documents.", refused=True)
    comparing.vote(ws, row.id, "rag")
    assert proposed(ws, row) == []
