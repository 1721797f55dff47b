"""Warming: what chunks need is loaded while their document is read, and says nothing when it cannot be."""

from pathlib import Path

from core.errors import ModelMissing
from core.ingestion import intake
from core.ingestion.embedding import Embedder
from core.ingestion.indexing import ensure_index
from core.ingestion.warming import warming
from core.settings import Settings
from core.workspace import Workspace


class Watched(Embedder):
    """Counts how often it is warmed, and then is not there."""

    warmed = 0

    def warm(self) -> None:
        self.warmed += 1
        raise ModelMissing("It is not there.", "")


def test_the_model_and_chroma_are_ready_at_the_end_of_the_block(tmp_path: Path, database_url: str) -> None:
    embedder = Watched()
    with Workspace.open(Settings(tmp_path / "home", database_url), given={"embedder": embedder}) as ws:
        index = ensure_index(ws, intake.create_corpus(ws, "contracts", "legal").id)
        with warming(ws, index):
            pass
        assert embedder.warmed == 1
        assert (
            ws.vectors.names() == []
        )  # opened, and no collection is made yet: the first `upsert` has to see it as new
