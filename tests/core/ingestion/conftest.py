"""A workspace of its own for each test, with the real embedding model, which a module loads once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.ingestion.embedding import Embedder
from core.settings import Settings
from core.workspace import Workspace


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
