"""Adapters are trained again on time and after changes: once, with the serving recipe, whatever restarts in between."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import BadInput
from core.finetuning import retraining
from core.finetuning.recipe import preset
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace
from storage.rows import AdapterRow, JobRow

NOW = datetime(2027, 1, 1, tzinfo=UTC)
RECIPE = preset("quick", "grounded", 0).json() | {"rank": 5}


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "workspace")) as opened:
        yield opened


def served(ws: Workspace, kind: str = "grounded", days_ago: float = 10, status: str = "") -> AdapterRow:
    """An adapter that learned from all documents there are, some days ago, and serves (or whatever `status`)."""
    corpus = ws.corpora.by_name("Leases") or intake.create_corpus(ws, "Leases", "legal")
    job = ws.jobs.enqueue("finetune", corpus.id, {"kinds": [kind]})
    ws.jobs.request_cancel(job.id)
    end(ws)
    there = ws.corpora.contents(corpus.id)
    row = ws.adapters.begin(corpus.id, kind, job.id, "SmolLM2", documents=there, recipe=RECIPE)
    ws.adapters.change(row.id, result={"corpus": sorted(there)}, created_at=NOW - timedelta(days=days_ago))
    if status:
        ws.adapters.change(row.id, status=status)
    else:
        ws.adapters.promote(row.id)
    return ws.adapters.get(row.id)


def end(ws: Workspace) -> None:
    """Let every open training be over."""
    for job in ws.jobs.list(statuses=("queued",)):
        if job.kind == "finetune":
            ws.jobs.request_cancel(job.id)
    while ws.dispatcher.run_one():
        pass


def document(ws: Workspace, corpus_id: int, name: str, text: str) -> None:
    """Add a document, or another version of it; its row is all that counts here."""
    intake.add_files(ws, corpus_id, [(name, text.encode())])
    end(ws)


def test_it_is_off_until_somebody_chooses_and_the_choice_stands_in_the_log(ws: Workspace) -> None:
    row = served(ws)
    assert retraining.look_after(ws, NOW) == []
    retraining.choose(ws, row.corpus_id, 7, 20)
    entry = ws.audit.newest(1)[0]
    assert (entry.subject, entry.detail) == ("settings", {"retrain_days": 7, "retrain_share": 20})
    with pytest.raises(BadInput):
        retraining.choose(ws, row.corpus_id, -1, 0)


def test_after_so_many_days_one_training_is_queued_with_the_serving_recipe_and_never_a_second(ws: Workspace) -> None:
    row = served(ws, days_ago=10)
    retraining.choose(ws, row.corpus_id, 14, 0)
    assert retraining.look_after(ws, NOW) == []
    (job,) = retraining.look_after(ws, NOW + timedelta(days=4))
    assert job.payload["kinds"] == ["grounded"]
    assert job.payload["changes"] == RECIPE
    assert job.payload["by"] == "schedule"
    assert retraining.look_after(ws, NOW + timedelta(days=30)) == []
    ws.jobs.request_pause(job.id)
    assert retraining.look_after(ws, NOW + timedelta(days=30)) == []
    told = [entry for entry in ws.audit.newest(5) if entry.action == "training started"]
    assert told[0].through == "schedule"


def test_both_kinds_are_trained_one_after_the_other(ws: Workspace) -> None:
    row = served(ws)
    served(ws, "closed-book")
    retraining.choose(ws, row.corpus_id, 1, 0)
    (job,) = retraining.look_after(ws, NOW)
    assert job.payload["kinds"] == ["closed-book"]
    end(ws)
    served(ws, "closed-book", days_ago=0)
    assert [job.payload["kinds"] for job in retraining.look_after(ws, NOW)] == [["grounded"]]


def test_once_enough_documents_changed_came_or_went(ws: Workspace) -> None:
    corpus = intake.create_corpus(ws, "Leases", "legal").id
    for number in range(4):
        document(ws, corpus, f"{number}.md", f"# {number}\n\nThe rent is {number} pounds.")
    served(ws, days_ago=1)
    retraining.choose(ws, corpus, 0, 30)
    document(ws, corpus, "0.md", "# 0\n\nThe rent is 99 pounds.")
    assert retraining.look_after(ws, NOW) == []  # a quarter
    document(ws, corpus, "9.md", "# 9\n\nThe rent is 9 pounds.")
    assert len(retraining.look_after(ws, NOW)) == 1
    end(ws)
    served(ws, days_ago=0, status="candidate")  # it learned them, and lost before the gate
    assert retraining.look_after(ws, NOW) == []


def test_a_training_that_failed_is_left_alone_for_a_day(ws: Workspace) -> None:
    row = served(ws, days_ago=10)
    retraining.choose(ws, row.corpus_id, 7, 0)
    served(ws, days_ago=0.5, status="failed")
    assert retraining.look_after(ws, NOW) == []
    assert len(retraining.look_after(ws, NOW + timedelta(days=1))) == 1


def test_a_restart_neither_forgets_what_is_due_nor_does_it_twice(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path / "workspace")
    begun: list[JobRow] = []
    for _ in range(3):
        with Workspace.open(settings) as ws:
            if not ws.corpora.list():
                retraining.choose(ws, served(ws).corpus_id, 7, 0)
            begun += retraining.look_after(ws, NOW)
    assert len(begun) == 1
