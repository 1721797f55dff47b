"""A swap at the worst moment: after a document was embedded, before it is let be found."""

import pytest

from core.ingestion import reindexing
from core.workspace import Workspace


def swap_before_ready(ws: Workspace, index_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an index swapped in once, right before documents are made ready."""
    real, swapped = ws.documents.make_ready, []

    def swap_first(*args: object, **kwargs: object) -> object:
        if not swapped:
            swapped.append(True)
            reindexing.swap(ws, index_id)
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(ws.documents, "make_ready", swap_first)
