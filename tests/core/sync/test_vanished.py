"""What was made of a vanished file's document goes with it where that was chosen, and adapters are named anyway."""

import json
from pathlib import Path

import pytest

from core.commands import sync as command
from core.sync import leaving, sources
from core.sync.looking import look
from core.sync.sources import OnRemoval
from core.workspace import Workspace
from storage.examples import ExampleDraft
from storage.tables import now
from tests.core.sync.conftest import names, put, work

OLD = "papers/lease.md"


@pytest.fixture
def source_id(ws: Workspace, corpus: int, folder: Path) -> int:
    """A source whose first file was learned from."""
    put(folder, "lease.md", "# Lease\n\nThe monthly rent is 4,200 euro.\n")
    put(folder, "notice.md", "# Notice\n\nThe notice is ninety days.\n")
    source = sources.add_folder(ws, corpus, folder).id
    sources.sync_now(ws, source)
    work(ws)
    ws.examples.add(corpus, [ExampleDraft("What is the rent?", "4,200 euro", OLD, 1, "4,200", origin="upload")])
    ws.jobs.enqueue("finetune", corpus, {})
    job = ws.jobs.claim("test", 60, now(), ["finetune"])
    assert job is not None
    adapter = ws.adapters.begin(corpus, "grounded", job.id, "embedded")
    ws.adapters.change(adapter.id, documents={OLD: ws.corpora.contents(corpus)[OLD]}, status="candidate")
    ws.jobs.finish(job)
    return source


@pytest.mark.parametrize(("choice", "left"), [("remove", 1), ("erase", 0)])
def test_a_sync_that_deletes_names_the_adapters_and_erases_what_it_was_told_to(
    ws: Workspace, corpus: int, folder: Path, source_id: int, choice: OnRemoval, left: int
) -> None:
    sources.set_up(ws, source_id, on_removal=choice)
    (folder / "lease.md").unlink()
    job = sources.sync_now(ws, source_id)
    assert work(ws) == ["sync"]
    assert names(ws, corpus) == ["papers/notice.md"]
    assert ws.examples.count(corpus) == left
    assert ws.jobs.get(job).message == "keeps what it learned from deleted documents: grounded v1"


def test_a_dry_run_names_the_adapters_unless_the_document_stays(ws: Workspace, folder: Path, source_id: int) -> None:
    (folder / "lease.md").unlink()
    source = ws.sources.get(source_id)
    assert leaving.learners(ws, source, look(ws, source).removed) == []
    sources.set_up(ws, source_id, on_removal="remove")
    source = ws.sources.get(source_id)
    told = command._dry_run(ws, source, look(ws, source))
    assert told["learned_from_them"] == "grounded v1"
    assert "learned from them, and keeps it: grounded v1" in command.readable(told)
    json.dumps(told)


@pytest.mark.parametrize(("choice", "examples"), [("remove", 1), ("erase", 0)])
def test_a_source_that_is_removed_takes_what_was_made_along_where_that_was_chosen(
    ws: Workspace, corpus: int, source_id: int, choice: OnRemoval, examples: int
) -> None:
    sources.remove(ws, source_id, choice)
    assert names(ws, corpus) == []
    assert ws.examples.count(corpus) == examples
