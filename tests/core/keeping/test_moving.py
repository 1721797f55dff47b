"""A backup holds the same whatever form its workspace has, and is how a workspace moves from one form to the other."""

from pathlib import Path

import pytest
from sqlalchemy import select

from core.errors import Conflict, StoreDown
from core.ingestion import intake
from core.keeping import backup, restoring
from core.keeping.restoring import restore
from core.settings import Settings
from core.workspace import Workspace
from storage.moving import TABLES
from storage.snapshot import integrity
from tests.core.keeping.conftest import LEASE, QUESTION, made, settings


@pytest.fixture
def server(tmp_path: Path, postgres_url: str, chroma_url: str) -> Settings:
    """The larger form, with uploads in a folder that others mount as well."""
    shared = tmp_path / "shared files"
    shared.mkdir()
    return Settings(tmp_path / "larger", postgres_url, chroma_url=chroma_url, files_url=str(shared))


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of an embedded workspace with a conversation, and a document that replaced another and is gone."""
    folder = tmp_path_factory.mktemp("packed")
    home = made(folder / "embedded")
    with Workspace.open(settings(home)) as ws:
        corpus = ws.corpora.list()[0]
        talk = ws.conversations.create(corpus.id)
        ws.conversations.add_question(talk.id, "Is the rent due on the fifth?")
        intake.add_files(ws, corpus.id, [("lease.md", (LEASE + "\nSubletting is not allowed.\n").encode())])
        ws.dispatcher.run_one()
        newest = max(ws.corpora.document_ids(corpus.id))
        intake.delete_document(ws, newest)
        return backup.write(ws, folder / "embedded.zip").file


def everything(ws: Workspace) -> dict[str, list[object]]:
    """All rows but the log's, whose newest entries tell of backups and restoring."""
    with ws.database.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]
            for table in TABLES
            if table.name not in ("audit", "jobs")
        }


def found(ws: Workspace) -> list[tuple[str, int, str, float]]:
    retrieved = ws.retriever.search(ws.corpora.list()[0].id, QUESTION)
    return [(each.document, each.page, each.text, round(each.score, 4)) for each in retrieved]


def test_a_workspace_moves_to_a_database_server_and_back_with_all_it_holds(
    packed: Path, server: Settings, tmp_path: Path
) -> None:
    first = restore(packed, settings(tmp_path / "first")).home
    with Workspace.open(settings(first)) as ws:
        before, answers = everything(ws), found(ws)
        asked = ws.conversations.messages(ws.conversations.list(ws.corpora.list()[0].id)[0].id)[0].id
    assert answers

    restore(packed, server)
    assert not (server.home / "triptych.db").exists()
    with Workspace.open(server) as ws:
        assert everything(ws) == before
        assert found(ws) == answers
        assert ws.audit.verify().whole
        corpus = ws.corpora.list()[0]
        assert [talk.message_id for talk in ws.conversations.search(corpus.id, "rent fif")] == [asked]
        for content in {
            row.content_sha256 for row in ws.corpora.documents_by_ids(ws.corpora.document_ids(corpus.id)).values()
        }:
            assert ws.files.path(content).is_file()
        back = backup.write(ws, tmp_path / "larger.zip").file
        highest = max(ws.corpora.document_ids(corpus.id))

    again = restore(back, settings(tmp_path / "again")).home
    assert integrity(again / "triptych.db") == []
    with Workspace.open(settings(again)) as ws:
        assert everything(ws) == before
        assert found(ws) == answers
        assert ws.audit.verify().whole
        corpus = ws.corpora.list()[0]
        assert [talk.message_id for talk in ws.conversations.search(corpus.id, "rent fif")] == [asked]
        (added,) = intake.add_files(ws, corpus.id, [("new.md", b"# New\n\nA new page.\n")]).accepted
        assert added.document_id > highest + 1  # the id of the document that was deleted is not given again


def test_rows_are_not_restored_over_others(packed: Path, server: Settings, tmp_path: Path) -> None:
    restore(packed, server)
    second = Settings(tmp_path / "second", server.database_url, chroma_url=server.chroma_url)
    with pytest.raises(Conflict, match="holds a workspace"):
        restore(packed, second)
    assert not second.home.exists()


def test_a_folder_that_cannot_be_named_leaves_the_database_empty(
    packed: Path, server: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(aside: Path, home: Path) -> None:
        raise Conflict(f"{home} is not empty any more.", "Choose a new folder.")

    with monkeypatch.context() as patched:
        patched.setattr(restoring, "_named", taken)
        with pytest.raises(Conflict, match="not empty any more"):
            restore(packed, server)
    assert not server.home.exists()
    assert restore(packed, server).home.is_dir()


def test_a_server_that_is_down_is_one_line(packed: Path, tmp_path: Path) -> None:
    nobody = Settings(tmp_path / "home", "postgresql://someone:secret@127.0.0.1:9/rows")
    with pytest.raises(StoreDown, match="TRIPTYCH_DATABASE_URL"):
        restore(packed, nobody)
    assert not nobody.home.exists()
