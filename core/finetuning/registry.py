"""What a person does with adapters: promote, roll back, note, delete; and how far they are behind the documents."""

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BadInput
from core.finetuning.forgetting import frozen
from storage.rows import AdapterRow
from storage.traces import hidden

if TYPE_CHECKING:
    from core.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Staleness:
    """How a corpus changed since an adapter learned: names of documents."""

    changed: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    documents: int

    @property
    def share(self) -> float:
        """The changed part of the corpus, 0..1."""
        moved = len(self.changed) + len(self.added) + len(self.removed)
        return min(1.0, moved / max(1, self.documents + len(self.removed)))

    @property
    def words(self) -> str:
        """In one line; "" when nothing changed."""
        told = [("changed", self.changed), ("came", self.added), ("went", self.removed)]
        said = [f"{len(names)} {what}" for what, names in told if names]
        return f"Since it learned, of {self.documents} documents {', '.join(said)}." if said else ""


def staleness(ws: "Workspace", adapter: AdapterRow) -> Staleness:
    """Compare the documents as they were when the adapter learned with what they are now."""
    now = ws.corpora.contents(adapter.corpus_id)
    then: dict[str, str] = adapter.documents
    corpus = set(adapter.result.get("corpus", now))
    return Staleness(
        changed=tuple(sorted(name for name in then if name in now and now[name] != then[name])),
        added=tuple(sorted(name for name in now if name not in corpus)),
        removed=tuple(sorted(name for name in then if name not in now)),
        documents=len(now),
    )


def before(ws: "Workspace", adapter: AdapterRow) -> AdapterRow | None:
    """The adapter of the same kind that served last before this one; None when none did."""
    served = [
        row
        for row in ws.adapters.list(adapter.corpus_id)
        if row.kind == adapter.kind and row.status == "retired" and row.promoted_at and row.id != adapter.id
    ]
    return max(served, key=lambda row: row.promoted_at or row.created_at, default=None)


def roll_back(ws: "Workspace", adapter_id: int) -> AdapterRow:
    """Have the adapter that served before serve again in place of this one.

    Raises:
        BadInput: none did.
    """
    earlier = before(ws, ws.adapters.get(adapter_id))
    if earlier is None:
        raise BadInput("No earlier version has served.", "Withdraw this one to answer without an adapter.")
    ws.adapters.promote(earlier.id, "rolled back")
    return ws.adapters.get(earlier.id)


def withdraw(ws: "Workspace", adapter_id: int) -> None:
    """Let no adapter of this kind serve."""
    ws.adapters.withdraw(adapter_id)


def note(ws: "Workspace", adapter_id: int, text: str) -> None:
    """Write a note on an adapter."""
    ws.adapters.take_note(adapter_id, text.strip()[:500])


def delete(ws: "Workspace", adapter_id: int) -> None:
    """Delete an adapter and all its files; conversations keep their answers.

    Raises:
        BadInput: it is being trained.
    """
    adapter = ws.adapters.get(adapter_id)
    if adapter.status == "training":
        raise BadInput("That adapter is being trained.", "Cancel its job first.")
    ws.serving.forget(adapter_id)
    ws.adapters.delete(adapter_id)
    shutil.rmtree(ws.serving.folder(adapter), ignore_errors=True)


def learned_from(ws: "Workspace", corpus_id: int, names: Collection[str]) -> list[AdapterRow]:
    """Adapters of a corpus that learned from any of these documents: deleting those takes nothing out of them."""
    wanted = set(names) | {hidden(name) for name in names}
    return [row for row in ws.adapters.list(corpus_id) if wanted & set(row.documents)]


def learners(ws: "Workspace", document_ids: Collection[int]) -> dict[int, list[AdapterRow]]:
    """By corpus, adapters that learned from these documents, or from what was made of answers that used them."""
    found: dict[int, dict[int, AdapterRow]] = {}
    for corpus_id, of_corpus in ws.corpora.names_by_corpus(document_ids).items():
        found.setdefault(corpus_id, {}).update({row.id: row for row in learned_from(ws, corpus_id, of_corpus)})
    for corpus_id, ids in ws.documents.examples_that_go(document_ids).items():
        found.setdefault(corpus_id, {}).update({row.id: row for row in learned_from_examples(ws, corpus_id, ids)})
    return {corpus_id: list(rows.values()) for corpus_id, rows in found.items() if rows}


def told(learned: Collection[AdapterRow]) -> str:
    """Adapters by kind and version, in one line."""
    return ", ".join(f"{row.kind} v{row.version}" for row in learned)


def learned_from_examples(ws: "Workspace", corpus_id: int, ids: Collection[int]) -> list[AdapterRow]:
    """Adapters of a corpus in whose folders any of these examples is frozen."""
    rows = ws.adapters.list(corpus_id) if ids else []
    return [row for row in rows if frozen(ws.serving.folder(row)) & set(ids)]


def folders(ws: "Workspace", corpus_id: int) -> list[Path]:
    """Close the engines of a corpus's adapters; returns their folders, for when their rows are gone."""
    rows = ws.adapters.list(corpus_id)
    for row in rows:
        ws.serving.forget(row.id)
    return [ws.serving.folder(row) for row in rows]


def sweep(ws: "Workspace") -> int:
    """Delete folders of adapters that have no row, and what was being prepared when a process ended; how many."""
    root = ws.home / "adapters"
    kept = ws.adapters.folders()
    stray = [folder for folder in root.iterdir() if folder.name not in kept] if root.is_dir() else []
    for folder in stray:
        shutil.rmtree(folder, ignore_errors=True)
    return len(stray)
