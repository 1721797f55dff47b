"""An evaluation's cost is always told before it begins, from the nearest that was measured, and from what is said."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.commands.evaluate import evaluate
from core.evaluation import fingerprints, running
from core.evaluation.estimating import ALONE, ROUGH_S, Estimate, estimate, span
from core.generation.scripted import NAME
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace
from storage.rows import CorpusRow
from tests.core.evaluation.conftest import ASKED, LEASE


def measured(ws: Workspace, corpus_id: int, wall_s: dict[str, float], **depended: str) -> None:
    """A run that is over, as its row says, whatever machine and base model it had."""
    facts = {"machine": fingerprints.machine(), "base_model": NAME} | depended
    row = ws.evaluations.begin(corpus_id, list(wall_s), [], {}, name="", fingerprints=facts, created_by="")
    job = ws.jobs.claim("test", 60, datetime.now(UTC), ["evaluate"])
    assert job is not None
    ws.evaluations.conclude(job, row.id, {"wall_s": wall_s}, facts["machine"])
    ws.jobs.finish(job)


def chatted(ws: Workspace, corpus_id: int, mode: str, base_model: str, total_s: float) -> None:
    """An answer in chat that took so long, a fifth of it to retrieve."""
    talk = ws.conversations.create(corpus_id, mode)
    question = ws.conversations.add_question(talk.id, "What is the rent?")
    answer = ws.conversations.begin_answer(talk.id, mode, base_model, question.id)
    ws.conversations.finish_answer(answer.id, "So.", timings={"total_s": total_s, "retrieve_s": total_s / 5})


def test_where_nothing_was_measured_it_is_rough_and_says_so(ws: Workspace, corpus: CorpusRow) -> None:
    found = estimate(ws, corpus.id, 100, ["base", "rag"])
    assert found.answers == 200
    assert found.seconds == pytest.approx(100 * (ROUGH_S["base"] + ROUGH_S["rag"]))
    assert found.said == "about 2 minutes (rough: not measured yet)"


def test_where_the_quotation_is_the_answer_retrieval_takes_no_longer_than_quoting(
    ws: Workspace, corpus: CorpusRow
) -> None:
    ws.assistants.choose_reading(corpus.id, "quote")
    assert estimate(ws, corpus.id, 100, ["rag"]).seconds == pytest.approx(100 * ROUGH_S["quote"])
    ws.assistants.choose_reading(corpus.id, "words")
    assert estimate(ws, corpus.id, 100, ["rag"]).seconds == pytest.approx(100 * ROUGH_S["rag"])


def test_what_the_modes_took_last_time_here_comes_first(ws: Workspace, corpus: CorpusRow) -> None:
    running.start(ws, corpus.id, ASKED, ["base", "quote"])
    ws.dispatcher.run_one()
    (row,) = ws.evaluations.list(corpus.id)
    chatted(ws, corpus.id, "base", NAME, 60.0)
    found = estimate(ws, corpus.id, 10, ["base", "quote"])
    assert found.seconds == pytest.approx(10 * sum(row.summary["wall_s"].values()))
    assert found.said.endswith("(measured here)")
    mixed = estimate(ws, corpus.id, 10, ["base", "quote", "hybrid"])
    assert mixed.said.endswith("(Base, Quote measured here; Hybrid rough: not measured yet)")


def test_a_run_that_another_machine_answered_tells_nothing_of_this_one(
    ws: Workspace, corpus: CorpusRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.start(ws, corpus.id, ASKED, ["quote"])
    with monkeypatch.context() as there:  # a worker of a cluster
        there.setattr(fingerprints, "machine", lambda: "another, 64 cores")
        ws.dispatcher.run_one()
    (row,) = ws.evaluations.list(corpus.id)
    assert row.fingerprints["machine"] == "another, 64 cores"
    assert estimate(ws, corpus.id, 10, ["quote"]).said.endswith("(rough: not measured yet)")


def test_else_it_is_what_another_corpus_took_with_the_same_base_model(ws: Workspace, corpus: CorpusRow) -> None:
    other = intake.create_corpus(ws, "Contracts", "legal")
    measured(ws, other.id, {"base": 2.0, "rag": 3.0})
    measured(ws, other.id, {"base": 50.0, "quote": 1.5}, base_model="a far larger one")
    found = estimate(ws, corpus.id, 10, ["base", "rag"])
    assert (found.seconds, found.bases) == (50.0, {"base": "elsewhere", "rag": "elsewhere"})
    assert estimate(ws, corpus.id, 10, ["quote"]).seconds == 15.0  # no base model is in it
    assert estimate(ws, other.id, 10, ["base"]).bases == {"base": "here"}


def test_what_another_machine_took_says_nothing_of_this_one(ws: Workspace, corpus: CorpusRow) -> None:
    measured(ws, corpus.id, {"base": 2.0}, machine="mill, 1 wheel")
    assert estimate(ws, corpus.id, 10, ["base"]).bases == {"base": "rough"}


def test_else_it_is_what_answers_in_chat_took_by_that_base_model_and_its_adapters(
    ws: Workspace, corpus: CorpusRow
) -> None:
    for seconds in (6.0, 9.0, 90.0):
        chatted(ws, corpus.id, "rag", NAME, seconds)
    chatted(ws, corpus.id, "finetuned", f"{NAME} + closed-book v1", 3.0)
    chatted(ws, corpus.id, "base", "a far larger one", 300.0)
    found = estimate(ws, corpus.id, 10, ["rag", "finetuned", "quote"])
    assert found.bases == dict.fromkeys(("quote", "rag", "finetuned"), "chats")
    assert found.seconds == pytest.approx(10 * (9.0 + 3.0 + 9.0 / 5) / ALONE)
    assert estimate(ws, corpus.id, 10, ["base"]).bases == {"base": "rough"}


def test_spans_are_said_as_people_say_them() -> None:
    assert [span(each) for each in (0.2, 40.4, 89.6, 150, 5399, 9000)] == [
        "1 second", "40 seconds", "90 seconds", "2 minutes", "90 minutes", "2.5 hours",
    ]  # fmt: skip
    assert Estimate(1, 1.0, {"rag": "chats"}).said == "about 1 second (measured in chats)"


def test_the_command_says_what_it_will_take_before_it_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings.load(tmp_path / "workspace")
    with Workspace.open(settings) as opened:
        made = intake.create_corpus(opened, "Leases", "legal")
        intake.add_files(opened, made.id, [("lease.md", LEASE)])
        opened.dispatcher.run_one()
    file = tmp_path / "test.csv"
    file.write_text("question,answer\nWhat is the rent?,2\nWho pays?,The tenant\n")
    evaluate(settings, "Leases", file, "quote,hybrid", None)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "2 answers, about 1 second (rough: not measured yet)"
    evaluate(settings, "Leases", file, "quote", 1)
    again = capsys.readouterr().err.splitlines()[0]
    assert again.startswith("1 answer, about ")
    assert again.endswith(" (measured here)")
