from collections.abc import Iterator
from pathlib import Path

import pytest

from core import repair
from core.finetuning import registry
from core.ingestion.intake import create_corpus, delete_corpus
from core.settings import Settings
from core.workspace import Workspace
from storage.rows import AdapterRow

CANARY = "the-quince-ledger-77"


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "home")) as opened:
        yield opened


def learned(ws: Workspace, name: str, document: str) -> AdapterRow:
    """An adapter with files of its own that holds words of a document."""
    corpus = create_corpus(ws, name, "legal")
    job = ws.jobs.enqueue("finetune", corpus.id, {"kinds": ["grounded"]})
    adapter = ws.adapters.begin(corpus.id, "grounded", job.id, "SmolLM2", documents={document: "a" * 64})
    ws.jobs.request_cancel(job.id)
    folder = ws.serving.folder(adapter)
    folder.mkdir(parents=True)
    (folder / "examples.jsonl").write_text(CANARY)
    return ws.adapters.get(adapter.id)


def test_adapters_that_learned_from_a_document_are_named(ws: Workspace) -> None:
    adapter = learned(ws, "Contracts", "lease.pdf")
    assert [row.id for row in registry.learned_from(ws, adapter.corpus_id, ["lease.pdf", "other.pdf"])] == [adapter.id]
    assert registry.learned_from(ws, adapter.corpus_id, ["other.pdf"]) == []


def test_what_adapters_keep_of_a_corpus_goes_with_it_and_others_stay(ws: Workspace) -> None:
    gone, stays = learned(ws, "Contracts", "lease.pdf"), learned(ws, "Policies", "leave.md")
    delete_corpus(ws, gone.corpus_id)
    assert not ws.serving.folder(gone).exists()
    assert ws.serving.folder(stays).is_dir()


def test_folders_that_no_adapter_has_any_more_go_at_the_next_start(ws: Workspace) -> None:
    stays = learned(ws, "Policies", "leave.md")
    for stray in ("99", ".preparing-x"):
        (ws.home / "adapters" / stray).mkdir()
        (ws.home / "adapters" / stray / "examples.jsonl").write_text(CANARY)
    repair.after_start(ws)
    assert [folder.name for folder in (ws.home / "adapters").iterdir()] == [stays.folder]
