"""A gold question is prefilled from the answer, its correction and its citations, and keeps training away."""

import pytest

from core.assistants import live
from core.errors import BadInput
from core.evaluation import kept
from core.finetuning.corrections import correct
from core.ingestion import intake
from core.workspace import Workspace
from storage.examples import ExampleDraft
from storage.gold import GoldDraft

LEASE = b"""# Lease of Unit 7

The rent is 2,400 pounds a month, payable on the first day of each month.

The tenant may end this lease on 1 March 2027.
"""
QUESTION = "What is the monthly rent?"


@pytest.fixture
def corpus(ws: Workspace) -> int:
    found = intake.create_corpus(ws, "Leases", "legal")
    intake.add_files(ws, found.id, [("lease.md", LEASE)])
    ws.dispatcher.run_one()
    return found.id


@pytest.fixture
def answer(ws: Workspace, corpus: int) -> int:
    message = live.start(ws, ws.conversations.create(corpus).id, QUESTION, "rag")
    list(live.follow(ws, message))
    return message


def test_the_form_begins_from_the_answer_and_the_words_it_cites(ws: Workspace, answer: int) -> None:
    draft = kept.draft(ws, answer)
    assert draft.question == QUESTION
    assert draft.answer == "The rent is 2,400 pounds a month."
    assert list(draft.documents) == ["lease.md"]
    assert draft.page == 1
    assert draft.evidence in LEASE.decode()
    assert "2,400 pounds" in draft.evidence


def test_a_correction_is_the_answer_and_its_passage_the_evidence(ws: Workspace, corpus: int, answer: int) -> None:
    correct(ws, answer, "The rent is 2,400 pounds a month, payable on the first day.")
    draft = kept.draft(ws, answer)
    assert draft.answer.endswith("payable on the first day.")
    assert "payable on the first day of each month" in draft.evidence


def test_a_refusal_is_a_question_that_the_documents_do_not_answer(ws: Workspace, answer: int) -> None:
    ws.conversations.finish_answer(answer, "The documents do not hold it.", refused=True)
    draft = kept.draft(ws, answer)
    assert (draft.answerable, draft.answer, list(draft.documents)) == (False, "", [])


def test_saving_takes_proposals_back_and_counts_what_was_accepted(ws: Workspace, corpus: int, answer: int) -> None:
    correct(ws, answer, "2,400 pounds.")
    ws.examples.add(corpus, [ExampleDraft("What is the monthly rent", "2,400.", status="accepted")])
    done = kept.keep(ws, answer, GoldDraft(QUESTION, "2,400 pounds", documents=["lease.md"], origin=kept.ORIGIN))
    assert (done.withdrawn, done.accepted) == (1, 1)
    assert [row.status for row in ws.examples.list(corpus)] == ["accepted"]
    (row,) = ws.gold.list(corpus)
    assert (row.question, row.answer, row.origin) == (QUESTION, "2,400 pounds", "chat")
    with pytest.raises(BadInput, match="already"):
        kept.keep(ws, answer, GoldDraft("what is  the monthly RENT?", "x"))
    with pytest.raises(BadInput, match="empty"):
        kept.keep(ws, answer, GoldDraft("  ", "x"))
