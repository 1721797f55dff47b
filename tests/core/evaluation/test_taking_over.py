"""A run that is repeated asks only what changed; what an answer depends on decides."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from langchain_core.messages import BaseMessage

from core.evaluation import running
from core.evaluation.options import Options
from core.generation.scripted import ScriptedChat
from core.ingestion import intake
from core.workspace import Workspace
from storage.rows import CorpusRow, EvaluationRow
from tests.core.evaluation.conftest import ASKED, LEASE

MODES = ["base", "quote", "rag"]


def evaluated(ws: Workspace, corpus: CorpusRow, questions: object = ASKED, reuse: bool = True) -> EvaluationRow:
    row = running.start(ws, corpus.id, questions, MODES, options=Options(reuse=reuse))  # type: ignore[arg-type]
    done = ws.dispatcher.run_one()
    assert done is not None
    assert done.status == "done"
    return ws.evaluations.get(row.id)


def taken(ws: Workspace, row: EvaluationRow) -> set[tuple[str, str]]:
    return {(a.question_id, a.mode) for a in ws.evaluations.answers(row.id) if a.taken_from is not None}


def test_a_repeated_run_takes_everything_over_and_says_from_where(ws: Workspace, corpus: CorpusRow) -> None:
    first = evaluated(ws, corpus)
    assert taken(ws, first) == set()
    again = running.repeat(ws, first)
    ws.dispatcher.run_one()
    third = running.repeat(ws, again)
    ws.dispatcher.run_one()
    assert len(taken(ws, third)) == 6
    assert {a.taken_from for a in ws.evaluations.answers(third.id)} == {first.id}
    before = {(a.question_id, a.mode): (a.text, a.scores) for a in ws.evaluations.answers(first.id)}
    assert {(a.question_id, a.mode): (a.text, a.scores) for a in ws.evaluations.answers(third.id)} == before
    assert ws.evaluations.get(third.id).summary == ws.evaluations.get(first.id).summary


def test_a_changed_document_has_all_that_retrieves_asked_again_and_the_base_model_not(
    ws: Workspace, corpus: CorpusRow
) -> None:
    evaluated(ws, corpus)
    intake.add_files(ws, corpus.id, [("lease.md", LEASE.replace(b"2,400", b"2,500"))])
    ws.dispatcher.run_one()
    assert running.unchanged(ws, corpus.id, ASKED, MODES) == 2
    row = evaluated(ws, corpus)
    assert {mode for _, mode in taken(ws, row)} == {"base"}
    rent = next(a for a in ws.evaluations.answers(row.id) if (a.question_id, a.mode) == ("rent", "quote"))
    assert "2,500" in rent.text


def test_a_changed_gold_answer_is_asked_again_and_an_id_means_nothing(ws: Workspace, corpus: CorpusRow) -> None:
    evaluated(ws, corpus)
    other = [replace(ASKED[0], id="rent-2"), replace(ASKED[1], answer="In March 2027")]
    assert taken(ws, evaluated(ws, corpus, other)) == {("rent-2", mode) for mode in MODES}


def test_a_word_changed_by_hand_in_a_chunk_counts_as_a_change(ws: Workspace, corpus: CorpusRow) -> None:
    from core.ingestion import editing

    evaluated(ws, corpus)
    (document,) = ws.corpora.documents(corpus.id)
    chunk = ws.corpora.chunks(document.id)[-1]
    editing.edit(ws, chunk.id, chunk.said.replace("2,400", "2,500"))
    assert running.unchanged(ws, corpus.id, ASKED, MODES) == 2


def test_nothing_is_taken_over_unasked(ws: Workspace, corpus: CorpusRow) -> None:
    evaluated(ws, corpus)
    assert taken(ws, evaluated(ws, corpus, reuse=False)) == set()


class Scoring(ScriptedChat):
    """Says how probable an answer is, as engines with weights do."""

    def log_likelihood(self, messages: Sequence[BaseMessage], answer: str) -> list[float] | None:
        return [-1.0, -3.0] if "rent" in str(messages[-1].content) else None


def test_the_likelihood_of_the_gold_answer_is_measured_where_it_is_given(ws: Workspace, corpus: CorpusRow) -> None:
    ws._parts["engine"] = Scoring(answers=["The rent is 2,400 pounds a month."])
    assert running.unchanged(ws, corpus.id, ASKED, MODES) == 0
    row = running.start(ws, corpus.id, ASKED, MODES, options=Options(likelihood=True))
    ws.dispatcher.run_one()
    found = {(a.question_id, a.mode): a.scores.get("gold_likelihood") for a in ws.evaluations.answers(row.id)}
    assert found["rent", "base"] == found["rent", "rag"] == pytest.approx(math.exp(-2))
    assert found["rent", "quote"] is found["end", "base"] is None
    assert ws.evaluations.get(row.id).summary["modes"]["base"]["gold_likelihood"]["n"] == 1
    assert running.unchanged(ws, corpus.id, ASKED, MODES) == 0  # what was measured is not the same
    assert running.unchanged(ws, corpus.id, ASKED, MODES, likelihood=True) == 6
