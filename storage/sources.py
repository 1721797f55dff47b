"""Sources and what was taken from them: rows for keeping a corpus level with a folder or web addresses.

Writes made for a job name it and are refused when it was lost (`LeaseLost`). Files, addresses and what
to do about them are not known here.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from storage import audit, recognising
from storage.corpora import parts
from storage.database import Database
from storage.errors import NotFound
from storage.jobs import OPEN, enqueue, guard
from storage.lexical import Lexical
from storage.renaming import rename
from storage.rows import JobRow, SourceItemRow, SourceRow, copied
from storage.tables import Document, Job, Source, SourceItem, now

KIND = "sync"
Rows = list  # the word itself names a method of the class below
Beside = Callable[[int, Mapping[str, str]], None]
"""Given a corpus and names of its documents, each with the name in its place."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A file or address as it was taken; fields as in `storage.tables.SourceItem`."""

    path: str
    size: int = 0
    mtime_ns: int = 0
    etag: str = ""
    last_modified: str = ""
    content_sha256: str = ""
    document_id: int | None = None
    problem: str = ""


class Sources:
    """Every method is one transaction; those that find nothing to change write nothing."""

    def __init__(self, database: Database, lexical: Lexical) -> None:
        self._database = database
        self._lexical = lexical

    def add(self, corpus_id: int, kind: str, location: Mapping[str, Any], **settings: Any) -> SourceRow:
        """Add a source, paused; `settings` are other columns of it."""
        with self._database.write() as session:
            source = Source(corpus_id=corpus_id, kind=kind, location=dict(location), **settings)
            session.add(source)
            session.flush()
            audit.note(session, "added", "source", source.id, corpus_id=corpus_id, kind=kind)
            return copied(SourceRow, source)

    def list(self, corpus_id: int | None = None) -> Rows[SourceRow]:
        """The sources of a corpus, or of all, in the order they were added."""
        query = select(Source).order_by(Source.id)
        if corpus_id is not None:
            query = query.where(Source.corpus_id == corpus_id)
        with self._database.read() as session:
            return [copied(SourceRow, source) for source in session.scalars(query)]

    def get(self, source_id: int) -> SourceRow:
        """One source; raises NotFound."""
        with self._database.read() as session:
            return copied(SourceRow, _found(session, source_id))

    def change(self, source_id: int, **values: Any) -> None:
        """Set columns of a source; writes nothing when they are so already. Raises NotFound."""
        row = self.get(source_id)
        if all(getattr(row, name) == value for name, value in values.items()):
            return
        with self._database.write() as session:
            source = _found(session, source_id)
            for name, value in values.items():
                setattr(source, name, value)
            audit.note(session, "changed", "source", source_id, corpus_id=source.corpus_id)

    def remove(self, source_id: int) -> None:
        """Forget a source and its items; documents stay. Does nothing when it is gone already."""
        with self._database.write() as session:
            if (row := session.get(Source, source_id)) is not None:
                audit.note(session, "removed", "source", source_id, corpus_id=row.corpus_id)
            session.execute(delete(Source).where(Source.id == source_id))

    def items(self, source_id: int) -> dict[str, SourceItemRow]:
        """What was taken from a source, by path or address."""
        with self._database.read() as session:
            rows = session.scalars(select(SourceItem).where(SourceItem.source_id == source_id))
            return {row.path: copied(SourceItemRow, row) for row in rows}

    def failed(self, source_id: int) -> set[str]:
        """The paths of a source whose documents could not be read or indexed."""
        failed = select(SourceItem.path).join(Document, Document.id == SourceItem.document_id)
        with self._database.read() as session:
            return set(session.scalars(failed.where(SourceItem.source_id == source_id, Document.status == "failed")))

    def problems(self, source_id: int) -> Rows[tuple[str, str]]:
        """The paths of a source that could not be taken, each with the reason."""
        query = select(SourceItem.path, SourceItem.problem).where(SourceItem.source_id == source_id)
        with self._database.read() as session:
            rows = session.execute(query.where(SourceItem.problem != "").order_by(SourceItem.path))
            return [(path, problem) for path, problem in rows]

    def bare(self, source_id: int) -> Rows[SourceItemRow]:
        """What was taken from a source and has no document any more, by path."""
        query = select(SourceItem).where(SourceItem.source_id == source_id, SourceItem.document_id.is_(None))
        taken = query.where(SourceItem.problem == "", SourceItem.content_sha256 != "").order_by(SourceItem.path)
        with self._database.read() as session:
            return [copied(SourceItemRow, row) for row in session.scalars(taken)]

    def take_again(self, source_id: int, paths: Collection[str]) -> int:
        """Forget files whose documents were deleted, so that they are new at the next sync; returns how many."""
        forgotten = 0
        with self._database.write() as session:
            source = _found(session, source_id)
            for part in parts(sorted(paths)):
                of_paths = (SourceItem.source_id == source_id) & SourceItem.path.in_(part)
                bare = of_paths & SourceItem.document_id.is_(None)
                forgotten += len(session.scalars(delete(SourceItem).where(bare).returning(SourceItem.id)).all())
            if forgotten:
                audit.note(session, "taken again", "source", source_id, corpus_id=source.corpus_id, files=forgotten)
        return forgotten

    def count_followed(self, document_ids: Iterable[int]) -> int:
        """How many of the documents stand for files of sources."""
        found = 0
        with self._database.read() as session:
            for part in parts(sorted(set(document_ids))):
                held = select(func.count(func.distinct(SourceItem.document_id)))
                found += session.scalar(held.where(SourceItem.document_id.in_(part))) or 0
        return found

    def count_documents(self, source_id: int) -> int:
        """How many documents stand for a source's files."""
        query = select(func.count(func.distinct(SourceItem.document_id))).where(SourceItem.source_id == source_id)
        with self._database.read() as session:
            return session.scalar(query) or 0

    def holders(self, document_ids: Iterable[int]) -> dict[int, Rows[SourceItemRow]]:
        """The items, of whatever source, that documents stand for."""
        found: dict[int, Rows[SourceItemRow]] = {}
        with self._database.read() as session:
            for part in parts(sorted(set(document_ids))):
                query = select(SourceItem).where(SourceItem.document_id.in_(part)).order_by(SourceItem.id)
                for row in session.scalars(query):
                    found.setdefault(row.document_id or 0, []).append(copied(SourceItemRow, row))
        return found

    def request(self, source_id: int, payload: Mapping[str, Any] | None = None) -> int:
        """Queue a sync of a source, once: a job that waits already is given the payload; returns the job's id.

        One that runs is enough, too, unless the payload asks for something.
        """
        wanted = {"source_id": source_id, **(payload or {})}
        with self._database.write() as session:
            source = _found(session, source_id)
            query = select(Job).where(Job.corpus_id == source.corpus_id, Job.kind == KIND, Job.status.in_(OPEN))
            for job in session.scalars(query.order_by(Job.id)):
                if job.payload.get("source_id") != source_id or job.cancel_requested:
                    continue
                if job.status == "queued" or not payload:
                    job.payload = {**job.payload, **wanted}
                    return job.id
            return enqueue(session, KIND, source.corpus_id, wanted).id

    def record(self, job: JobRow, source_id: int, taken: Sequence[Taken]) -> None:
        """Write down what was taken, in place of what was known of the same paths."""
        with self._database.write() as session:
            guard(session, job)
            for part in parts(taken):
                paths = [each.path for each in part]
                query = select(SourceItem).where(SourceItem.source_id == source_id, SourceItem.path.in_(paths))
                known = {row.path: row for row in session.scalars(query)}
                hidden = _hidden(session, {each.document_id for each in part if each.document_id is not None})
                for each in part:
                    content = hidden.get(each.document_id or 0, each.content_sha256)
                    _set(session, known.get(each.path), source_id, replace(each, content_sha256=content))

    def refresh(self, source_id: int, seen: Sequence[Taken]) -> None:
        """Note other dates and tags of files whose content is as it was; what changed meanwhile is left alone."""
        with self._database.write() as session:
            for part in parts(seen):
                by_path = {each.path: each for each in part}
                query = select(SourceItem).where(SourceItem.source_id == source_id, SourceItem.path.in_(by_path))
                for row in session.scalars(query):
                    each = by_path[row.path]
                    if recognising.same(row.content_sha256, each.content_sha256):
                        row.size, row.mtime_ns, row.problem = each.size, each.mtime_ns, ""
                        row.etag, row.last_modified = each.etag, each.last_modified

    def forget(self, job: JobRow, source_id: int, paths: Collection[str]) -> None:
        """Write down that files are gone from the source; their documents are not touched."""
        with self._database.write() as session:
            guard(session, job)
            for part in parts(sorted(paths)):
                gone = (SourceItem.source_id == source_id) & SourceItem.path.in_(part)
                session.execute(delete(SourceItem).where(gone))

    def rename_documents(self, job: JobRow, names: Mapping[int, str], beside: Beside = lambda *_: None) -> set[int]:
        """Give documents other names, where no other document has them, and all that is kept by their names.

        Args:
            beside: told the names that were left, each with the one in its place, before anything is committed: for
                what is in no row. It may be told the same again after a kill.

        Returns:
            the ids renamed or named so already.
        """
        with self._database.write() as session:
            guard(session, job)
            done, moved = rename(session, self._lexical, names)
            for corpus_id, by_name in moved.items():
                beside(corpus_id, by_name)
            return done

    def ran(self, job: JobRow, source_id: int, error: str = "", remedy: str = "") -> None:
        """Write down that a source was synced, and what stood in the way of a part of it."""
        with self._database.write() as session:
            guard(session, job)
            source = session.get(Source, source_id)
            if source is not None:
                source.last_run_at, source.last_error, source.last_remedy = now(), error, remedy


def _set(session: Session, row: SourceItem | None, source_id: int, taken: Taken) -> None:
    if row is None:
        session.add(SourceItem(source_id=source_id, **asdict(taken)))
        return
    for name, value in asdict(taken).items():
        setattr(row, name, value)


def _hidden(session: Session, document_ids: Collection[int]) -> dict[int, str]:
    """What stands in place of the hashes of documents whose originals are not kept (`storage.recognising`)."""
    query = select(Document.id, Document.content_sha256).where(Document.original_removed)
    rows = session.execute(query.where(Document.id.in_(sorted(document_ids)))).all()
    return {row[0]: row[1] for row in rows}


def _found(session: Session, source_id: int) -> Source:
    source = session.get(Source, source_id)
    if source is None:
        raise NotFound(f"source {source_id}")
    return source
