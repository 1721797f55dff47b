"""Gets ready what the first chunks need while their document is still being read: the embedding model, and Chroma.

Reading one long file keeps one core busy; loading is done by then on another.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from storage.rows import IndexRow

if TYPE_CHECKING:
    from core.workspace import Workspace


@contextmanager
def warming(ws: "Workspace", index: IndexRow) -> Iterator[None]:
    """Loads in a thread beside the block, which may begin to use what is loaded; ended when the block has."""
    thread = threading.Thread(target=_load, args=(ws, index), name="warming", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()  # the workspace may be closed next


def _load(ws: "Workspace", index: IndexRow) -> None:
    """A failure is told by whoever needs the part."""
    with suppress(Exception):
        ws.embedders.of(index).warm()
    with suppress(Exception):
        ws.vectors  # noqa: B018  opened; the collection is not, since `upsert` looks after what it finds new
