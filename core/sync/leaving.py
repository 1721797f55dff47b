"""What goes with files that a source has no more: the documents that nobody else holds, and who learned from them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.finetuning import registry
from storage.rows import AdapterRow, SourceItemRow, SourceRow

if TYPE_CHECKING:
    from core.workspace import Workspace


def documents(ws: "Workspace", leaving: Iterable[SourceItemRow]) -> set[int]:
    """The ids of the documents that no other file holds, of this source or another."""
    leaving = list(leaving)
    away = {item.id for item in leaving}
    ids = {item.document_id for item in leaving if item.document_id is not None}
    return {key for key, holders in ws.sources.holders(ids).items() if {item.id for item in holders} <= away}


def learners(ws: "Workspace", source: SourceRow, removed: Iterable[SourceItemRow]) -> list[AdapterRow]:
    """Adapters that keep what they learned from documents which a sync deletes."""
    if source.on_removal == "keep":
        return []
    return registry.learners(ws, documents(ws, removed)).get(source.corpus_id, [])
