"""A followed file of which no original is kept: known again while the server runs, and by nothing that is written."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from core.domains import domain
from core.ingestion import intake
from core.sync import sources
from core.sync.looking import look
from core.workspace import Workspace
from storage import recognising
from storage.tables import Table
from tests.core.sync.conftest import names, put, work

TEXT = "# Letter\n\nThe social security number of the tenant is 123-45-6789.\n"
SHA256 = hashlib.sha256(TEXT.encode()).hexdigest()


@pytest.fixture
def source_id(ws: Workspace, folder: Path) -> int:
    ws.domains.add(replace(domain("legal"), name="mine", title="Mine", sample_corpus="", personal="redact"))
    corpus = intake.create_corpus(ws, "letters", "mine").id
    put(folder, "letter.md", TEXT)
    put(folder, "other.md", "# Other\n\nNothing of that kind.\n")
    source = sources.add_folder(ws, corpus, folder, on_removal="remove").id
    synced(ws, source)
    return source


def synced(ws: Workspace, source_id: int) -> list[str]:
    sources.sync_now(ws, source_id)
    return work(ws)


def written(ws: Workspace) -> set[str]:
    """The tables of which a row holds the hash of the original."""
    with ws.database.read() as session:
        return {
            table.name
            for table in Table.metadata.sorted_tables
            for row in session.execute(select(table))
            if any(SHA256 in str(value) for value in row)
        }


def test_the_plain_hash_is_in_no_row_of_documents_or_sources(ws: Workspace, source_id: int) -> None:
    assert ws.sources.items(source_id)["letter.md"].content_sha256.startswith(recognising.MARK)
    assert written(ws) == set()


def test_a_file_that_was_touched_is_unchanged(ws: Workspace, folder: Path, source_id: int) -> None:
    os.utime(folder / "letter.md", (1_000_000_000, 1_000_000_000))
    plan = look(ws, ws.sources.get(source_id))
    assert ([each.path for each in plan.refreshed], plan.changed) == (["letter.md"], ())
    assert synced(ws, source_id) == ["sync"]
    assert not look(ws, ws.sources.get(source_id)).work
    assert written(ws) == set()


def test_a_file_that_was_moved_keeps_its_document(ws: Workspace, folder: Path, source_id: int) -> None:
    corpus = ws.sources.get(source_id).corpus_id
    (before,) = ws.corpora.documents(corpus, search="letter")
    (folder / "letter.md").rename(folder / "moved.md")
    assert synced(ws, source_id) == ["sync"]
    assert ws.corpora.document(before.id).name == "papers/moved.md"
    assert written(ws) == set()


def test_after_a_restart_a_touched_file_is_redacted_once_more(
    ws: Workspace, folder: Path, source_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognising, "KEY", b"another")
    assert not look(ws, ws.sources.get(source_id)).work, "one that was not touched is not even read"
    os.utime(folder / "letter.md", (1_000_000_000, 1_000_000_000))
    assert synced(ws, source_id) == ["sync", "index"]
    assert names(ws, ws.sources.get(source_id).corpus_id) == ["papers/letter.md", "papers/other.md"]
    assert not look(ws, ws.sources.get(source_id)).work
    assert written(ws) == set()


def test_a_document_whose_file_was_not_kept_is_not_read_again(ws: Workspace, source_id: int) -> None:
    corpus = ws.sources.get(source_id).corpus_id
    assert intake.read_again(ws, corpus, ws.corpora.document_ids(corpus)) == 1, "only the one without personal data"
