"""A workspace, a corpus and a folder that it may watch; files are dated back so that they have settled."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.ingestion import intake
from core.ingestion.embedding import Embedder
from core.settings import Settings
from core.workspace import Workspace


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return Embedder()


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(tmp_path / "home", database_url)


@pytest.fixture
def ws(settings: Settings, embedder: Embedder) -> Iterator[Workspace]:
    with Workspace.open(settings, given={"embedder": embedder}) as opened:
        yield opened


@pytest.fixture
def corpus(ws: Workspace) -> int:
    return intake.create_corpus(ws, "contracts", "legal").id


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "papers"
    made.mkdir()
    return made


def put(folder: Path, name: str, text: str | bytes, age_s: float = 60.0) -> Path:
    """A file that was last written `age_s` seconds ago."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


def work(ws: Workspace) -> list[str]:
    """Run every job that waits; returns their kinds."""
    kinds = []
    while (job := ws.dispatcher.run_one()) is not None:
        assert job.status == "done", job.error
        kinds.append(job.kind)
    return kinds


def names(ws: Workspace, corpus: int) -> list[str]:
    return [row.name for row in ws.corpora.documents(corpus, limit=1000)]


def rows(ws: Workspace) -> dict[str, int]:
    """How many rows every table has."""
    from sqlalchemy import func, select

    from storage.tables import Table

    with ws.database.read() as session:
        tables = Table.metadata.sorted_tables
        return {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}
