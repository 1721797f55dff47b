"""The registry of adapters: versions, what they came from, which one is promoted. Rows in, rows out."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from storage import audit
from storage.database import Database
from storage.errors import NotFound
from storage.rows import AdapterRow, copied
from storage.tables import Adapter, Corpus, now
from storage.traces import hide_names

Rows = list  # the word itself names a method of the class below


class Adapters:
    """All writes are one transaction each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, corpus_id: int, kind: str, job_id: int, base_model: str, **facts: Any) -> AdapterRow:
        """The adapter that a job trains, of the next version; the one it began already when it is run again."""
        with self._database.write() as session:
            mine = select(Adapter).where(Adapter.job_id == job_id, Adapter.kind == kind)
            row = session.scalar(mine)
            if row is None:
                version = _next_version(session, corpus_id, kind)
                row = Adapter(
                    corpus_id=corpus_id, kind=kind, version=version, job_id=job_id, base_model=base_model, **facts
                )
                session.add(row)
                session.flush()
                row.folder = str(row.id)
            return copied(AdapterRow, row)

    def take_in(self, corpus_id: int, kind: str, base_model: str, folder: str, **facts: Any) -> AdapterRow:
        """Add an adapter that was trained elsewhere, as a candidate of the next version; its files are in place."""
        with self._database.write() as session:
            if session.get(Corpus, corpus_id) is None:
                raise NotFound(f"corpus {corpus_id}")
            row = Adapter(
                corpus_id=corpus_id,
                kind=kind,
                version=_next_version(session, corpus_id, kind),
                base_model=base_model,
                folder=folder,
                status="candidate",
                **facts,
            )
            session.add(row)
            session.flush()
            audit.note(session, "imported", "adapter", row.id, corpus_id=corpus_id, kind=kind, version=row.version)
            return copied(AdapterRow, row)

    def change(self, adapter_id: int, **values: Any) -> None:
        """Set columns of one; raises NotFound."""
        with self._database.write() as session:
            row = session.get(Adapter, adapter_id)
            if row is None:
                raise NotFound(f"adapter {adapter_id}")
            for name, value in values.items():
                setattr(row, name, value)

    def take_note(self, adapter_id: int, note: str) -> None:
        """Set what a person notes about one; raises NotFound."""
        with self._database.write() as session:
            row = session.get(Adapter, adapter_id)
            if row is None:
                raise NotFound(f"adapter {adapter_id}")
            row.note = note
            audit.note(session, "note changed", "adapter", adapter_id, corpus_id=row.corpus_id, kind=row.kind,
                       version=row.version)  # fmt: skip

    def forget_names(self, adapter_id: int, names: Collection[str]) -> None:
        """Have one not say any more how documents were called that are gone; does nothing when it is gone itself."""
        if not names:
            return
        with self._database.write() as session:
            if (row := session.get(Adapter, adapter_id)) is not None:
                hide_names(row, names)
        self._database.compact_log()

    def promote(self, adapter_id: int, why: str = "") -> AdapterRow | None:
        """Make it the one that serves; returns the one that did before. Raises NotFound.

        Args:
            why: "gate", "overruled" or "rolled back", for the audit log.
        """
        with self._database.write() as session:
            row = session.get(Adapter, adapter_id)
            if row is None:
                raise NotFound(f"adapter {adapter_id}")
            same = (Adapter.corpus_id == row.corpus_id, Adapter.kind == row.kind, Adapter.status == "promoted")
            before = session.scalar(select(Adapter).where(*same, Adapter.id != row.id))
            session.execute(update(Adapter).where(*same, Adapter.id != row.id).values(status="retired"))
            row.status, row.promoted_at = "promoted", now()
            audit.note(session, "promoted", "adapter", adapter_id, corpus_id=row.corpus_id, kind=row.kind,
                       version=row.version, why=why)  # fmt: skip
            return copied(AdapterRow, before) if before else None

    def withdraw(self, adapter_id: int) -> None:
        """Let it serve no more."""
        with self._database.write() as session:
            row = session.get(Adapter, adapter_id)
            if row is None:
                raise NotFound(f"adapter {adapter_id}")
            row.status = "retired"
            audit.note(session, "withdrawn", "adapter", adapter_id, corpus_id=row.corpus_id, kind=row.kind,
                       version=row.version)  # fmt: skip

    def promoted(self, corpus_id: int, kind: str) -> AdapterRow | None:
        """The adapter of a kind that serves a corpus."""
        query = select(Adapter).where(
            Adapter.corpus_id == corpus_id, Adapter.kind == kind, Adapter.status == "promoted"
        )
        with self._database.read() as session:
            row = session.scalar(query)
            return copied(AdapterRow, row) if row else None

    def get(self, adapter_id: int) -> AdapterRow:
        """One adapter; raises NotFound."""
        with self._database.read() as session:
            row = session.get(Adapter, adapter_id)
            if row is None:
                raise NotFound(f"adapter {adapter_id}")
            return copied(AdapterRow, row)

    def list(self, corpus_id: int) -> Rows[AdapterRow]:
        """All adapters of a corpus, the newest first."""
        query = select(Adapter).where(Adapter.corpus_id == corpus_id).order_by(Adapter.id.desc())
        with self._database.read() as session:
            return [copied(AdapterRow, row) for row in session.scalars(query)]

    def folders(self) -> set[str]:
        """The names of the folders that adapters have, whatever their corpus."""
        with self._database.read() as session:
            return set(session.scalars(select(Adapter.folder)))

    def of_job(self, job_id: int) -> Rows[AdapterRow]:
        """The adapters that a job trains."""
        query = select(Adapter).where(Adapter.job_id == job_id).order_by(Adapter.id)
        with self._database.read() as session:
            return [copied(AdapterRow, row) for row in session.scalars(query)]

    def delete(self, adapter_id: int) -> None:
        """Take the row away; its folder is the caller's business."""
        with self._database.write() as session:
            row = session.get(Adapter, adapter_id)
            if row is not None:
                audit.note(session, "deleted", "adapter", adapter_id, corpus_id=row.corpus_id, kind=row.kind,
                           version=row.version)  # fmt: skip
                session.delete(row)


def _next_version(session: Session, corpus_id: int, kind: str) -> int:
    newest = select(func.max(Adapter.version)).where(Adapter.corpus_id == corpus_id, Adapter.kind == kind)
    return (session.scalar(newest) or 0) + 1
