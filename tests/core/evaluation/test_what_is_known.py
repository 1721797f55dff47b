"""What is filled into the five questions, which evaluation a verdict stands on, and what changed since it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.evaluation import fingerprints, known, running
from core.evaluation.questions import Gold
from core.evaluation.saying import ENOUGH
from core.ingestion import editing, intake
from core.workspace import Workspace
from storage.examples import ExampleDraft
from storage.gold import GoldDraft
from storage.rows import CorpusRow, EvaluationRow
from tests.core.evaluation.conftest import ASKED, LEASE

ROOT = Path(__file__).parents[3]


def later(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def test_a_young_corpus_has_not_shown_how_much_it_changes(ws: Workspace, corpus: CorpusRow) -> None:
    assert known.measured(ws, corpus.id)["change"] == (
        "",
        "The corpus is 0 days old: too young to show how much it changes.",
    )
    assert known.measured(ws, corpus.id, later(60))["change"] == (
        "hardly ever",
        "0 of 1 documents came or changed in the last 30 days.",
    )


def test_what_came_lately_is_counted_against_all(ws: Workspace, corpus: CorpusRow) -> None:
    # Seen from twenty days on, all that came after the corpus's first day came lately.
    assert known._change(ws, corpus.id, later(20))[0] == "hardly ever"
    old = replace(ws.corpora.get(corpus.id), created_at=later(-20))

    class Older:
        """The same corpora, this one made earlier."""

        def __getattr__(self, name: str) -> Any:
            return getattr(ws.corpora, name)

        def get(self, _: int) -> CorpusRow:
            return old

    class Seen:
        corpora = Older()

    answer, evidence = known._change(Seen(), corpus.id, datetime.now(UTC))  # type: ignore[arg-type]
    assert (answer, evidence) == ("often", "1 of 1 documents came or changed in the last 20 days.")


def test_means_are_examples_questions_and_the_machine(ws: Workspace, corpus: CorpusRow) -> None:
    answer, evidence = known.measured(ws, corpus.id)["means"]
    assert answer == "few"
    assert evidence.startswith("0 examples (about 200 are needed) and 0 gold questions; ")
    ws.gold.add(corpus.id, GoldDraft("What is the rent?", "2,400 pounds"))
    ws.examples.add(corpus.id, [ExampleDraft(f"What is part {n}?", f"It is {n}.") for n in range(400)])
    answer, evidence = known.measured(ws, corpus.id)["means"]
    assert answer == "plenty"
    assert evidence.startswith("400 examples (about 200 are needed) and 1 gold question; ")


def test_how_alike_the_answers_are_is_evidence_and_no_answer(ws: Workspace, corpus: CorpusRow) -> None:
    assert known.measured(ws, corpus.id)["style"] == ("", "")
    drafts = [ExampleDraft(f"What is part {n}?", "word " * (3 if n % 2 else 9)) for n in range(60)]
    ws.examples.add(corpus.id, drafts)
    assert known.measured(ws, corpus.id)["style"] == ("", "Half of the 60 example answers have 3 to 9 words.")


def test_what_is_followed_tells_how_critical_freshness_is(ws: Workspace, corpus: CorpusRow) -> None:
    assert known.measured(ws, corpus.id)["freshness"] == ("", "No folder and no web address is followed.")
    source = ws.sources.add(corpus.id, "folder", {"path": "/nowhere"}, every_minutes=600)
    ws.sources.change(source.id, enabled=True)
    assert known.measured(ws, corpus.id)["freshness"] == ("somewhat", "1 source is followed, every 600 minutes.")
    ws.sources.change(source.id, every_minutes=30)
    assert known.measured(ws, corpus.id)["freshness"] == ("very", "1 source is followed, every 30 minutes.")


def run(ws: Workspace, corpus: CorpusRow) -> EvaluationRow:
    row = running.start(ws, corpus.id, ASKED, ["base", "rag"])
    ws.dispatcher.run_one()
    return ws.evaluations.get(row.id)


def comparing(row: EvaluationRow, number: int, questions: int) -> EvaluationRow:
    """The evaluation as if it had compared so many questions with hybrid."""
    interval = {"mean": 0.2, "low": 0.1, "high": 0.3, "n": questions, "sd": 0.2}
    return replace(row, id=number, summary=row.summary | {"paired": {"hybrid-rag": {"token_f1": interval}}})


def test_a_verdict_stands_on_what_compares_enough_and_not_on_what_is_merely_newer(
    ws: Workspace, corpus: CorpusRow
) -> None:
    row = run(ws, corpus)
    under_way = replace(row, id=4, summary={})
    few, whole, older = comparing(row, 3, 3), comparing(row, 2, 60), comparing(row, 1, 60)
    rows = [under_way, few, replace(row, id=5), whole, older]
    assert known.decisive(rows, under_way) is whole
    assert known.decisive(rows, few) is whole
    assert known.decisive(rows, older) is older  # somebody looks at it
    assert known.decisive([under_way, few], under_way) is few
    assert known.decisive([under_way], under_way) is under_way
    assert known.decisive([], None) is None
    assert ENOUGH > 3


def test_what_changed_since_an_evaluation_is_told_and_only_that(ws: Workspace, corpus: CorpusRow) -> None:
    row = run(ws, corpus)
    assert known.outdated(ws, row) == []
    document = ws.corpora.documents(corpus.id)[0]
    editing.edit(ws, ws.corpora.chunks(document.id)[0].id, "The rent is waived.")
    assert known.outdated(ws, row) == ["chunks that were edited"]
    intake.add_files(ws, corpus.id, [("other.md", LEASE.replace(b"2,400", b"2,900"))])
    while ws.dispatcher.run_one() is not None:
        continue
    assert known.outdated(ws, row) == ["documents", "chunks that were edited"]
    ws.assistants.choose_reading(corpus.id, "passages")
    assert known.outdated(ws, row)[-1] == "how passages are shown"
    assert known.verdict(ws, corpus.id, row).limits[0].startswith("Since this was measured documents, chunks")


def test_code_that_answers_or_scores_is_part_of_what_an_evaluation_depends_on(
    monkeypatch: pytest.MonkeyPatch, ws: Workspace, corpus: CorpusRow
) -> None:
    code = {file.name for pattern in fingerprints.ANSWERS for file in (ROOT / "core").glob(pattern)}
    assert {"ask.py", "quoting.json", "retriever.py", "engine.py", "scoring.py", "metrics.py"} <= code
    assert all(list((ROOT / "core").glob(pattern)) for pattern in fingerprints.ANSWERS)
    before = fingerprints.of(ws, corpus.id, [])
    states = fingerprints.of_modes(ws, corpus.id, ["rag", "base"])
    fingerprints.program.cache_clear()
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda file: read(file) + (b"# new" if file.name == "fusion.py" else b""))
    assert fingerprints.differing(fingerprints.of(ws, corpus.id, []), before) == ["program"]
    assert not set(fingerprints.of_modes(ws, corpus.id, ["rag", "base"]).values()) & set(states.values())
    fingerprints.program.cache_clear()


def test_the_commonest_of_yes_no_and_maybe_is_told_with_its_share() -> None:
    answers = ["yes", "Yes. It was shown.", "no", "maybe", "Ten years"]
    asked = [Gold(str(at), "?", answer) for at, answer in enumerate(answers)]
    assert known.commonest([*asked, Gold("6", "?", "no", answerable=False)]) == ("yes", 0.5)
    assert known.commonest(asked[-1:]) is None


def test_how_many_passages_quoting_chooses_from_is_part_of_what_it_depends_on(ws: Workspace, corpus: CorpusRow) -> None:
    before = fingerprints.of_modes(ws, corpus.id, ["quote", "base"])
    model = ws.base_models.create("Small 135M", "endpoint", "http://127.0.0.1:9/v1", model="small")
    ws.assistants.choose_base_model(corpus.id, model.id)
    after = fingerprints.of_modes(ws, corpus.id, ["quote", "base"])
    assert after["quote"] != before["quote"]
