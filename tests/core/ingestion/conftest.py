"""A workspace of its own for each test, with the real embedding model, which a module loads once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.ingestion import intake
from core.ingestion.embedding import Embedder
from core.settings import Settings
from core.workspace import Workspace
from tests.core.ingestion.small_model import small_model

LEASE = b"# Lease\n\nThe monthly rent for the warehouse in Tallinn is 4,200 euro, due on the fifth day.\n"
NOTICE = b"# Notice\n\nEither party may end the agreement with a notice of ninety days in writing.\n"


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load(tmp_path / "workspace")


@pytest.fixture
def ws(settings: Settings, embedder: Embedder) -> Iterator[Workspace]:
    with Workspace.open(settings, given={"embedder": embedder}) as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small embedding model of one's own."""
    return small_model(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture
def corpus(ws: Workspace) -> int:
    """Two short contracts, indexed."""
    corpus_id = intake.create_corpus(ws, "contracts", "legal").id
    intake.add_files(ws, corpus_id, [("lease.md", LEASE), ("notice.md", NOTICE)])
    ws.dispatcher.run_one()
    return corpus_id
