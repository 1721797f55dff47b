"""An evaluation asks every question in every mode once, goes on after a kill, and ends in a report."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.assistants.answer import Mode
from core.assistants.ask import Voice
from core.assistants.reading import CLOSED_BOOK, GROUNDED
from core.commands.evaluate import evaluate, readable, write
from core.errors import BadInput, NotFound
from core.evaluation import fingerprints, running
from core.evaluation.comparing import between, change
from core.evaluation.fingerprints import differing
from core.evaluation.html import page
from core.evaluation.options import Options
from core.evaluation.questions import Gold, from_file, of_rows, read_gold
from core.evaluation.report import cited_at, report
from core.generation.scripted import ScriptedChat
from core.ingestion import editing, intake
from core.settings import Settings
from core.workspace import Workspace
from storage.gold import GoldDraft
from storage.rows import CorpusRow
from tests.core.domains.test_known import toml

LEASE = b"""# Lease of Unit 7

## 4. Break

The tenant may end this lease on 1 March 2027 by giving the landlord six months' written notice.

## 5. Rent

The rent is 2,400 pounds a month, payable on the first day of each month.
"""
QUESTIONS = [
    GoldDraft("What is the monthly rent?", "2,400 pounds a month", documents=["lease.md"],
              evidence="The rent is 2,400 pounds a month"),
    GoldDraft("When may the tenant end the lease?", "On 1 March 2027", documents=["lease.md"]),
    GoldDraft("Which football team won the league?", answerable=False),
]  # fmt: skip


class ScriptedServing:
    """Adapters whose engines say what they were told to say."""

    def voice(self, _corpus_id: int, mode: Mode) -> Voice:
        reading = GROUNDED if mode == "hybrid" else CLOSED_BOOK
        return Voice(lambda: ScriptedChat(answers=["2,400 pounds a month"]), reading, f"scripted {mode}")


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    engine = ScriptedChat(answers=["The rent is 2,400 pounds a month."])
    settings = Settings.load(tmp_path / "workspace")
    with Workspace.open(settings, given={"engine": engine}) as opened:
        yield opened


@pytest.fixture
def corpus(ws: Workspace) -> CorpusRow:
    found = intake.create_corpus(ws, "Leases", "legal")
    intake.add_files(ws, found.id, [("lease.md", LEASE)])
    ws.dispatcher.run_one()
    ws.gold.add_many(found.id, QUESTIONS)
    return found


def golds(ws: Workspace, corpus: CorpusRow) -> list[Gold]:
    return of_rows(ws.gold.list(corpus.id))


def test_modes_without_an_adapter_are_left_out_with_a_note(ws: Workspace, corpus: CorpusRow) -> None:
    row = running.start(ws, corpus.id, golds(ws, corpus), ["base", "rag", "hybrid"])
    assert row.modes == ["base", "rag"]
    assert "no promoted grounded adapter" in row.left_out["hybrid"]
    with pytest.raises(BadInput, match="None of these modes can answer"):
        running.start(ws, corpus.id, golds(ws, corpus), ["hybrid"])


def test_every_question_is_answered_once_in_every_mode_and_scored(ws: Workspace, corpus: CorpusRow) -> None:
    row = running.start(ws, corpus.id, golds(ws, corpus), ["base", "quote", "rag"])
    done = ws.dispatcher.run_one()
    assert done is not None
    assert (done.status, done.progress_done, done.progress_total) == ("done", 9, 9)
    answers = {(a.question_id, a.mode): a for a in ws.evaluations.answers(row.id)}
    assert len(answers) == 9
    rent = golds(ws, corpus)[0].id
    assert "2,400 pounds" in answers[rent, "quote"].text
    assert answers[rent, "quote"].scores["evidence"] == 1.0
    assert answers[rent, "quote"].scores["citation_precision"] == 1.0
    assert answers[rent, "quote"].base_model == ""
    assert answers[rent, "base"].scores["answer_recall"] == 1.0
    assert not {"evidence", "citation_recall"} & answers[rent, "base"].scores.keys()
    assert set(answers[golds(ws, corpus)[2].id, "rag"].scores) == {"right_refusal"}


def test_the_report_has_scores_differences_the_verdict_and_every_answer(ws: Workspace, corpus: CorpusRow) -> None:
    row = running.start(ws, corpus.id, golds(ws, corpus), ["base", "quote", "rag"])
    ws.dispatcher.run_one()
    found = report(ws, ws.evaluations.get(row.id))
    assert found["modes"]["rag"]["token_f1"].keys() == {"mean", "low", "high", "n", "sd"}
    assert set(found["paired"]) == {"quote-base", "rag-base", "rag-quote"}
    assert found["verdict"]["headline"].startswith("Start with retrieval")
    answer = found["questions"][0]["answers"]["quote"]
    assert answer["citations"][0]["quote"] in LEASE.decode()
    assert answer["passages"][0]["text"]
    assert json.loads(json.dumps(found)) == found


def test_a_deleted_document_takes_its_words_out_of_the_report(ws: Workspace, corpus: CorpusRow) -> None:
    row = running.start(ws, corpus.id, golds(ws, corpus), ["quote"])
    ws.dispatcher.run_one()
    intake.delete_documents(ws, [d.id for d in ws.corpora.documents(corpus.id)])
    answer = report(ws, ws.evaluations.get(row.id))["questions"][0]["answers"]["quote"]
    assert {p["text"] for p in answer["passages"]} == {""}


def test_what_was_read_as_a_person_edited_it_is_told_in_those_words(ws: Workspace, corpus: CorpusRow) -> None:
    [document] = ws.corpora.documents(corpus.id)
    rent = next(each for each in ws.corpora.chunks(document.id) if "2,400" in each.text)
    editing.edit(ws, rent.id, "The monthly rent is 2,500 crowns.")
    row = running.start(ws, corpus.id, golds(ws, corpus)[:1], ["quote"])
    ws.dispatcher.run_one()
    found = report(ws, ws.evaluations.get(row.id))
    answer = found["questions"][0]["answers"]["quote"]
    [cited] = [(each["quote"], each["edited"]) for each in answer["citations"] if "2,500" in each["sentence"]]
    assert cited == ("The monthly rent is 2,500 crowns.", True)
    assert "lease.md, page 1 (edited)" in cited_at(answer)
    assert "lease.md, page 1 (edited)" in page(found)
    assert [each["text"] for each in answer["passages"] if each.get("edited")] == [cited[0]]
    assert all("edited" not in each for each in answer["passages"] if each["text"] != cited[0])
    editing.undo(ws, rent.id)
    answer = report(ws, ws.evaluations.get(row.id))["questions"][0]["answers"]["quote"]
    assert {each["quote"] for each in answer["citations"] if each.get("edited")} == {""}


def test_trained_modes_are_compared_with_retrieval_pair_by_pair(tmp_path: Path) -> None:
    given = {"engine": ScriptedChat(answers=["I do not know."]), "serving": ScriptedServing()}
    with Workspace.open(Settings.load(tmp_path / "workspace"), given=given) as ws:
        corpus = intake.create_corpus(ws, "Leases", "legal")
        intake.add_files(ws, corpus.id, [("lease.md", LEASE)])
        ws.dispatcher.run_one()
        asked = [Gold(f"q{n}", f"What is the monthly rent in year {n}?", "2,400 pounds a month") for n in range(9)]
        row = running.start(ws, corpus.id, asked, ["rag", "finetuned", "hybrid"])
        ws.dispatcher.run_one()
        found = report(ws, ws.evaluations.get(row.id))
    assert row.modes == ["rag", "finetuned", "hybrid"]
    assert found["paired"]["hybrid-rag"]["token_f1"]["n"] == 9
    assert found["verdict"]["measured"] in ("better", "enough", "unclear")


def test_every_mode_that_retrieves_counts_the_same_retrieval(ws: Workspace, corpus: CorpusRow) -> None:
    row = running.start(ws, corpus.id, golds(ws, corpus), ["base", "quote", "rag"])
    ws.dispatcher.run_one()
    spent = {a.mode: a.timings["retrieve_s"] for a in ws.evaluations.answers(row.id) if a.question_id == "gold-1"}
    assert spent["quote"] == spent["rag"] > spent["base"] == 0
    read = {a.mode: a.passages for a in ws.evaluations.answers(row.id) if a.question_id == "gold-1"}
    assert read["quote"] == read["rag"]


def test_two_runs_are_compared_question_by_question(ws: Workspace, corpus: CorpusRow) -> None:
    first = running.start(ws, corpus.id, golds(ws, corpus), ["base", "quote"])
    ws.dispatcher.run_one()
    second = running.start(ws, corpus.id, golds(ws, corpus)[:2], ["quote"])
    ws.dispatcher.run_one()
    shared = between(ws, second, first)
    assert list(shared) == ["quote"]
    found = change("token_f1", shared["quote"]["token_f1"])
    assert (found.difference.n, found.difference.mean) == (2, 0.0)
    assert (found.better, found.worse) == ((), ())
    assert differing(second.fingerprints, first.fingerprints) == ["questions"]


def test_a_run_that_was_killed_asks_only_what_is_missing(ws: Workspace, corpus: CorpusRow) -> None:
    row = running.start(ws, corpus.id, golds(ws, corpus), ["base", "quote"])
    now = datetime.now(UTC)
    job = ws.jobs.claim("one that dies", 0.001, now, ["evaluate"])
    assert job is not None
    asked = running.answering.Asked(ws, corpus.id, row.modes)
    ws.evaluations.keep(job, row.id, asked.answer(golds(ws, corpus)[0], "base"))
    (kept,) = ws.evaluations.answers(row.id)
    ws.jobs.heartbeat(job, -1, now - timedelta(seconds=60))
    done = ws.dispatcher.run_one()
    assert done is not None
    assert done.status == "done"
    after = ws.evaluations.answers(row.id)
    assert len(after) == 6
    assert after[0] == kept


def test_a_cancelled_run_keeps_its_answers_and_their_numbers(
    ws: Workspace, corpus: CorpusRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "AT_ONCE", 1)
    row = running.start(ws, corpus.id, golds(ws, corpus), ["base"])
    first = threading.Event()
    keep = ws.evaluations.keep

    def keep_and_cancel(*given: Any) -> None:
        keep(*given)
        if not first.is_set():
            first.set()
            ws.jobs.request_cancel(row.job_id or 0)

    monkeypatch.setattr(ws.evaluations, "keep", keep_and_cancel)
    done = ws.dispatcher.run_one()
    assert done is not None
    assert done.status == "cancelled"
    assert len(ws.evaluations.answers(row.id)) == 1
    assert ws.evaluations.get(row.id).summary["modes"]["base"]["token_f1"]["n"] == 1


def test_what_the_domain_checks_is_counted_by_mode_and_stands_in_the_reports(
    ws: Workspace, corpus: CorpusRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"finetuned": "It is 9,999 pounds.", "hybrid": "It is a guaranteed win of 2,400 pounds a month."}

    class Serving:
        def voice(self, _corpus_id: int, mode: Mode) -> Voice:
            reading = replace(GROUNDED, writes="all", sure=None, agrees=False) if mode == "hybrid" else CLOSED_BOOK
            return Voice(lambda: ScriptedChat(answers=[said[mode]]), reading, f"scripted {mode}")

        def close(self) -> None:
            pass

    monkeypatch.setitem(ws._parts, "serving", Serving())
    modes = ["base", "quote", "rag", "finetuned", "hybrid"]
    row = running.start(ws, corpus.id, of_rows(ws.gold.list(corpus.id))[:2], modes)
    ws.dispatcher.run_one()
    found = report(ws, ws.evaluations.get(row.id))
    passed = {mode: found["modes"][mode]["check_figures"]["mean"] for mode in modes[1:]}
    assert passed == {"quote": 1.0, "rag": 1.0, "finetuned": 0.0, "hybrid": 1.0}
    assert "check_figures" not in found["modes"]["base"]  # it has nothing to be held against
    assert found["modes"]["finetuned"]["checks"]["mean"] == 0.0
    assert "Check: figures are in the sources" in page(found)


def test_other_checks_of_the_domain_ask_again_and_are_told(ws: Workspace) -> None:
    ws.domains.take_in(toml(checks={"figures": True}))
    made = intake.create_corpus(ws, "Codes", "building_law")
    before = fingerprints.of_answering(ws, made.id), fingerprints.of_modes(ws, made.id, ["rag"])
    ws.domains.take_in(toml(checks={"cited": True}), replace=True)
    after = fingerprints.of_answering(ws, made.id), fingerprints.of_modes(ws, made.id, ["rag"])
    assert differing(after[0], before[0]) == ["checks"]
    assert after[1] != before[1]


def test_questions_come_from_files_in_the_format_of_the_data_sets(tmp_path: Path) -> None:
    file = tmp_path / "test.jsonl"
    lines = [
        {"id": "a:1", "question": "How much?", "answer": "5 %", "doc_ids": ["a"], "evidence": None, "meta": {}},
        {"id": "a:2", "question": "Who?", "answer": None, "doc_ids": [], "evidence": None},
    ]
    file.write_text("\n".join(map(json.dumps, lines)))
    found = from_file(file)
    assert [(g.id, g.answerable, g.documents) for g in found] == [("a:1", True, ("a",)), ("a:2", False, ())]
    assert Gold.of(json.loads(json.dumps(found[0].json()))) == found[0]


def test_a_row_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    file = tmp_path / "gold.csv"
    file.write_text("question,answer,answerable\nHow much?,5,\nWho?,,no\nWhen?,,\n")
    read = read_gold(file)
    assert [(d.question, d.answerable) for d in read.drafts] == [("How much?", True), ("Who?", False)]
    assert [(bad.number, bad.reason[:19]) for bad in read.bad] == [(3, "the answer is empty")]
    with pytest.raises(BadInput, match=r"Row 3 of gold\.csv"):
        from_file(file)


def test_the_command_asks_the_questions_of_a_file_and_says_what_came_of_it(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path / "workspace")
    with Workspace.open(settings) as ws:
        made = intake.create_corpus(ws, "Leases", "legal")
        intake.add_files(ws, made.id, [("lease.md", LEASE)])
        ws.dispatcher.run_one()
    file = tmp_path / "test.jsonl"
    file.write_text(json.dumps({"id": "l:1", "question": "What is the monthly rent?", "answer": "2,400 pounds"}))
    found = evaluate(settings, "Leases", file, "quote,hybrid", limit=1)
    assert "2,400 pounds" in found["questions"][0]["answers"]["quote"]["answer"]
    assert "hybrid: left out" in readable(found)
    again = evaluate(settings, "Leases", file, "quote", None, Options(reuse=True))
    assert again["questions"][0]["answers"]["quote"] == found["questions"][0]["answers"]["quote"]
    for name, beginning in (("report.pdf", b"%PDF"), ("report.html", b"<!doctype html>"), ("report.json", b"{")):
        write(again, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(beginning)
    with pytest.raises(BadInput, match="no mode called"):
        evaluate(settings, "Leases", file, "rga", limit=None)
    with pytest.raises(NotFound, match="no base model 'Solomon'"):
        evaluate(settings, "Leases", file, "quote", None, judge="Solomon")


def test_beside_a_running_server_the_server_does_the_work(ws: Workspace, corpus: CorpusRow) -> None:
    ws.dispatcher.start()
    found = evaluate(ws.settings, "Leases", None, "quote,rag,hybrid", limit=2)
    assert list(found["modes"]) == ["quote", "rag"]
    assert "hybrid" in found["left_out"]


def test_a_report_is_written_whole(tmp_path: Path) -> None:
    write({"name": "é"}, tmp_path / "deep" / "report.json")
    assert json.loads((tmp_path / "deep" / "report.json").read_text("utf-8")) == {"name": "é"}
    with pytest.raises(BadInput, match="cannot be written"):
        write({}, tmp_path / "deep" / "report.json" / "below")
