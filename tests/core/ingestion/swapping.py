"""A change to a model in a folder, and a swap at the worst moment: a document is embedded and not found yet."""

from pathlib import Path

import pytest

from core.ingestion import reindexing
from core.ingestion.embedders import Choice
from core.workspace import Workspace
from storage.rows import IndexRow


def begun(ws: Workspace, corpus: int, folder: Path) -> IndexRow:
    return reindexing.begin(ws, corpus, ws.embedders.probe(Choice("folder", str(folder))))


def swap_before_ready(ws: Workspace, index_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an index swapped in once, right before documents are made ready."""
    real, swapped = ws.documents.make_ready, []

    def swap_first(*args: object, **kwargs: object) -> object:
        if not swapped:
            swapped.append(True)
            reindexing.swap(ws, index_id)
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(ws.documents, "make_ready", swap_first)
