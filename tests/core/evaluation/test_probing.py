"""Who notices a changed document, and what training made the model forget, is measured and said."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from core.assistants.answer import Mode
from core.assistants.ask import Voice
from core.assistants.reading import CLOSED_BOOK, GROUNDED
from core.evaluation import beside, forgetting, freshness, known, running
from core.evaluation.freshness import Learned, Probe
from core.evaluation.options import Options
from core.evaluation.summary import SCORES, Interval
from core.finetuning.general import GENERAL
from core.generation.scripted import ScriptedChat
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace
from storage.gold import GoldDraft
from storage.rows import CorpusRow, EvaluationRow
from tests.core.evaluation.conftest import ASKED, LEASE

GOLD = GoldDraft(
    "What is the monthly rent?", "2,400 pounds a month", documents=["lease.md"],
    evidence="The rent is 2,400 pounds a month",
)  # fmt: skip


def finished(ws: Workspace, row: EvaluationRow) -> EvaluationRow:
    done = ws.dispatcher.run_one()
    assert done is not None
    assert done.status == "done", done.error
    return ws.evaluations.get(row.id)


def test_one_figure_is_changed_where_it_stands_once() -> None:
    pair = Learned("How much?", "2,400 pounds", "a.md", "The rent is 2,400 pounds.")
    found = freshness.generated(pair, "The rent is 2,400 pounds. The fee is 3,511 pounds.")
    assert found == Probe("How much?", "a.md", "2,400", "4,622", "2,400 pounds", "4,622 pounds")
    assert freshness.generated(pair, "2,400 pounds here, 2,400 pounds there") is None
    assert freshness.generated(Learned("Who?", "Anna", "a.md"), "Anna") is None


def test_an_answer_gives_the_new_value_the_old_one_or_neither() -> None:
    probe = Probe("How much?", "a.md", "2,400", "4,622")
    said = {
        "It is 4,622 pounds.": "new",
        "It is 2,400 pounds.": "old",
        "From 2,400 to 4,622.": "both",
        "Much: 12,400.": "neither",
    }
    assert {text: freshness.outcome(text, False, probe) for text in said} == said
    assert freshness.outcome("Not in the documents.", True, probe) == "refused"


def test_a_change_that_was_made_up_reaches_the_modes_and_never_the_corpus(ws: Workspace, corpus: CorpusRow) -> None:
    ws.gold.add(corpus.id, GOLD)
    before = [(chunk.text, chunk.edited) for d in ws.corpora.documents(corpus.id) for chunk in ws.corpora.chunks(d.id)]
    row = running.start(ws, corpus.id, ASKED, ["base", "quote"], options=Options(freshness=True))
    found = finished(ws, row).summary["fresh"]
    after = [(chunk.text, chunk.edited) for d in ws.corpora.documents(corpus.id) for chunk in ws.corpora.chunks(d.id)]
    assert after == before
    assert [d.name for d in ws.corpora.documents(corpus.id)] == ["lease.md"]
    assert (found["real"], found["probes"]) == (False, 1)
    assert found["modes"]["quote"]["new"] == 1
    assert found["modes"]["base"]["old"] == 1
    answers = {f.content["mode"]: f.content["answer"] for f in ws.evaluations.findings(row.id, "fresh")}
    assert "3,511 pounds" in answers["quote"]
    section = beside.sections(ws.evaluations.get(row.id).summary)[-1]
    assert "the corpus itself was not touched" in section["said"][0]
    assert ["Quote", "100 (0 to 100, 1)", "0", "0", "0", "0"] in section["rows"]


def adapter(ws: Workspace, corpus: CorpusRow, pairs: list[tuple[str, str]]) -> None:
    """A promoted closed-book adapter that learned these pairs of the lease as it is now."""
    job = ws.jobs.enqueue("finetune", corpus.id, {})
    ws.jobs.request_cancel(job.id)
    row = ws.adapters.begin(corpus.id, "closed-book", job.id, "SmolLM2", documents=dict(ws.corpora.contents(corpus.id)))
    folder = ws.serving.folder(row)
    folder.mkdir(parents=True)
    lines = [{"part": "train", "question": q, "answer": a, "document": "lease.md", "evidence": ""} for q, a in pairs]
    (folder / "examples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ws.adapters.change(row.id, status="candidate")
    ws.adapters.promote(row.id)


def test_what_an_adapter_learned_of_a_document_that_says_something_else_now_is_asked(
    ws: Workspace, corpus: CorpusRow
) -> None:
    learned = freshness._answers_now(ws, corpus.id, {"lease.md"})
    pairs = [(question, answer) for (_, question), answer in learned.items() if "2,400" in answer]
    assert pairs
    adapter(ws, corpus, pairs)
    assert not any(probe.real for probe in freshness.probes(ws, corpus.id))
    intake.add_files(ws, corpus.id, [("lease.md", LEASE.replace(b"2,400", b"2,900"))])
    while ws.dispatcher.run_one() is not None:
        continue  # the cancelled training is first in the queue
    found = freshness.probes(ws, corpus.id)
    assert found
    assert {(probe.old, probe.new, probe.real) for probe in found} == {("2,400", "2,900", True)}


class Trained:
    """Adapters whose engines say what they were told to say."""

    def voice(self, _corpus_id: int, mode: Mode) -> Voice:
        forgot = mode == "finetuned"
        answers = ["The rent."] if forgot else right
        return Voice(lambda: ScriptedChat(answers=answers), CLOSED_BOOK if forgot else GROUNDED, f"scripted {mode}")


def right(messages: Any) -> str:
    return dict(GENERAL).get(messages[-1].text, "2,400 pounds a month")


def test_what_was_forgotten_is_told_by_mode_in_report_and_verdict(tmp_path: Path) -> None:
    given = {"engine": ScriptedChat(answers=right), "serving": Trained()}
    with Workspace.open(Settings.load(tmp_path / "workspace"), given=given) as ws:
        corpus = intake.create_corpus(ws, "Leases", "legal")
        intake.add_files(ws, corpus.id, [("lease.md", LEASE)])
        ws.dispatcher.run_one()
        modes = ["rag", "finetuned", "hybrid"]
        row = finished(ws, running.start(ws, corpus.id, ASKED, modes, options=Options(forgetting=True)))
        said = " ".join(known.verdict(ws, corpus.id, row).phrases)
    found = row.summary["general"]
    assert found["modes"]["base"]["score"]["mean"] == 1.0
    assert found["lost"]["finetuned"]["score"]["mean"] == -1.0
    assert found["lost"]["hybrid"]["score"]["mean"] == 0.0
    assert "likelihood" not in found["modes"]["base"]
    section = beside.sections(row.summary)[-1]
    assert section["rows"][1][:2] == ["Base, before", "100 (79 to 100, 12)"]
    assert section["rows"][2][2:4] == ["-100 (-100 to -61, 12)", "not given by this engine"]
    assert "On general questions fine-tuned has forgotten: -100 points against the base model" in said
    assert "On general questions hybrid shows no sure loss: +0 points" in said


@pytest.mark.parametrize(
    ("answer", "score"), [("Paris, of course.", 1.0), ("The capital of France is Berlin.", 0.0), ("", 0.0)]
)
def test_only_words_that_the_question_does_not_give_away_count(answer: str, score: float) -> None:
    assert forgetting.score(answer, *GENERAL[0]) == score


def test_the_verdict_says_who_gave_the_new_value() -> None:
    interval = asdict(Interval.of([1.0, 0.0], SCORES))
    fresh = {"modes": {"finetuned": {"new": 0, "old": 2, "noticed": interval}}}
    facts = known.probed(known.Facts(), {"fresh": fresh})
    assert facts.noticed == {"finetuned": (0, 2, 2)}
