"""The write side of documents: what adding, indexing, cancelling and deleting do to rows.

Writes made for a job name it and are refused when it was lost (`LeaseLost`). A document that was
cancelled or deleted in the meantime is left alone: methods return the ids they did write for.
Chroma is not known here; whoever calls removes and adds vectors by the chunk ids returned.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from storage import audit, edits, recognising, talk_text, traces
from storage.admission import Admitted, Arrival, Verdict, admit, foresee, renew
from storage.contents import Content, clear, store
from storage.corpora import PENDING, parts
from storage.database import Database
from storage.errors import NotFound, Swapped, Vanished
from storage.files import Files
from storage.index_changes import serves
from storage.jobs import enqueue, guard
from storage.lexical import Lexical
from storage.rows import DocumentRow, JobRow, copied
from storage.tables import Chunk, Corpus, Document, now

KNOWN = ("unchanged", "duplicate")


@dataclass(frozen=True, slots=True)
class Gone:
    """What is left to do after rows were deleted: vectors of `chunk_ids` are still in Chroma."""

    document_ids: tuple[int, ...]
    chunk_ids: tuple[int, ...]


class Documents:
    """Writes documents; every method is one transaction, or two when files are deleted after it."""

    def __init__(self, database: Database, lexical: Lexical, files: Files) -> None:
        self._database = database
        self._lexical = lexical
        self._files = files

    def admit(self, corpus_id: int, arrivals: Sequence[Arrival]) -> tuple[list[Admitted], int | None]:
        """Decide what arriving files are and queue the job that indexes them; see `storage.admission`.

        Raises:
            NotFound: the corpus was deleted meanwhile; what was stored of them for it is taken away again.
            Vanished: somebody deleted the last document of the same content meanwhile; nothing was done.
        """
        try:
            with self._database.write() as session:
                if self._files.vanished(each.content_sha256 for each in arrivals):
                    raise Vanished
                verdicts, job_id, aside = admit(session, corpus_id, arrivals)
        except NotFound:
            self._forget_files([each.content_sha256 for each in arrivals])
            raise
        known = [each.content_sha256 for each, said in zip(arrivals, verdicts, strict=True) if said.verdict in KNOWN]
        self._forget_files([*aside, *known])  # stored once more on arrival, where no original is to be kept
        return verdicts, job_id

    def foresee(self, corpus_id: int, arrivals: Sequence[Arrival]) -> list[tuple[Verdict, str]]:
        """What `admit` would decide of each arrival, and the name of the document that has its content then."""
        with self._database.read() as session:
            return foresee(session, corpus_id, arrivals)

    def batch(self, job_id: int) -> list[DocumentRow]:
        """A job's documents that are not done with, the smallest first."""
        query = select(Document).where(Document.job_id == job_id, Document.status.in_(PENDING))
        with self._database.read() as session:
            rows = session.scalars(query.order_by(Document.size_bytes, Document.id))
            return [copied(DocumentRow, row) for row in rows]

    def of_job(self, job_id: int) -> list[DocumentRow]:
        """All documents that a job was queued for and that are still there."""
        with self._database.read() as session:
            rows = session.scalars(select(Document).where(Document.job_id == job_id).order_by(Document.id))
            return [copied(DocumentRow, row) for row in rows]

    def set_parsing(self, job: JobRow, document_id: int) -> None:
        """Show that a document is being read."""
        with self._database.write() as session:
            guard(session, job)
            _update(session, [document_id], status="parsing")

    def set_pages_read(self, job: JobRow, document_id: int, done: int, total: int) -> bool:
        """Show how many scanned pages of a document are read; False when it is not wanted any more."""
        with self._database.write() as session:
            guard(session, job)
            if not _pending(session, [document_id]):
                return False
            _update(session, [document_id], progress_done=done, progress_total=total)
            return True

    def fail(self, job: JobRow, document_id: int, error: str, remedy: str, keep: bool = True) -> None:
        """End a document with one line of what went wrong and one of what to do; its file goes unless `keep`."""
        with self._database.write() as session:
            guard(session, job)
            wanted = _pending(session, [document_id])
            clear(session, wanted)
            if wanted and not keep:
                audit.note(session, "refused", "document", document_id, corpus_id=job.corpus_id)
            gone = {} if keep else {"original_removed": True}
            _update(session, [document_id], status="failed", error=error, remedy=remedy, **gone)
        if wanted and not keep:
            self.forget_originals()

    def store_content(self, job: JobRow, contents: Sequence[Content]) -> set[int]:
        """Store the pages and chunks of documents, replacing what an earlier attempt stored."""
        with self._database.write() as session:
            guard(session, job)
            wanted = _pending(session, [content.document_id for content in contents])
            kept = [content for content in contents if content.document_id in wanted]
            store(session, job.corpus_id, kept)
        if any(content.redacted for content in kept):
            self.forget_originals()
        return wanted

    def set_progress(self, job: JobRow, done: Mapping[int, int]) -> set[int]:
        """Show how many chunks of each document are embedded; returns the ids still wanted."""
        with self._database.write() as session:
            guard(session, job)
            wanted = _pending(session, list(done))
            for document_id in wanted:
                _update(session, [document_id], progress_done=done[document_id])
            return wanted

    def make_ready(
        self, job: JobRow, document_ids: Sequence[int], index_id: int | None = None
    ) -> tuple[set[int], Gone]:
        """Let documents be found, and the versions they replace no more: one transaction.

        Args:
            index_id: the index that has their vectors; it has to be the one that serves.

        Returns:
            the ids made ready (others were cancelled or deleted), and what went with the old versions.

        Raises:
            Swapped: another index serves since; nothing was changed.
        """
        with self._database.write() as session:
            guard(session, job)
            if index_id is not None and not serves(session, job.corpus_id or 0, index_id):
                raise Swapped(f"index {index_id}")
            ready = _pending(session, document_ids)
            replaced = _replaced(session, ready)
            gone, contents = self._delete_rows(session, replaced)
            self._lexical.add(session, _chunk_ids(session, ready))
            edits.settle(session, sorted(ready))
            for part in parts(sorted(ready)):
                _update(session, part, status="ready", indexed_at=now(), replaces_id=None, error="", remedy="")
        self._forget_files(contents)
        if replaced:
            self._leave_nothing()
        return ready, gone

    def cancel(self, document_ids: Sequence[int]) -> set[int]:
        """Stop documents that are queued or under way; returns those that were."""
        with self._database.write() as session:
            wanted = _pending(session, document_ids)
            _note(session, "cancelled", wanted)
            clear(session, wanted)
            for part in parts(sorted(wanted)):
                _update(session, part, status="cancelled", progress_done=0, progress_total=0)
            return wanted

    def retry(self, document_id: int) -> int | None:
        """Queue a failed or cancelled document again; returns its job, None when it is neither."""
        with self._database.write() as session:
            document = session.get(Document, document_id)
            if document is None:
                raise NotFound(f"document {document_id}")
            if document.status not in ("failed", "cancelled"):
                return None
            _note(session, "queued again", [document_id])
            document.job_id = enqueue(session, "index", document.corpus_id).id
            document.status, document.error, document.remedy = "queued", "", ""
            document.progress_done = document.progress_total = 0
            return document.job_id

    def retry_all(self, corpus_id: int, document_ids: Iterable[int]) -> tuple[int, int | None]:
        """Queue those of a corpus's documents that failed or were cancelled again, in one job.

        Returns: how many they are, and their job, None when there is none.
        """
        with self._database.write() as session:
            count, job_id = 0, None
            for part in parts(sorted(set(document_ids))):
                ended = Document.id.in_(part) & Document.status.in_(("failed", "cancelled"))
                query = select(Document).where(ended, Document.corpus_id == corpus_id)
                documents = session.scalars(query.with_for_update()).all()
                _note(session, "queued again", [document.id for document in documents])
                for document in documents:
                    job_id = job_id or enqueue(session, "index", corpus_id).id
                    document.job_id = job_id
                    document.status, document.error, document.remedy = "queued", "", ""
                    document.progress_done = document.progress_total = 0
                    count += 1
            return count, job_id

    def read_again(self, corpus_id: int, document_ids: Collection[int]) -> tuple[int, int | None]:
        """Queue ready documents of a corpus to be read anew from their kept files; they serve until that is done.

        Returns: how many they are (see `storage.admission.renew`), and their job, None when there is none.
        """
        with self._database.write() as session:
            renewed, job_id = renew(session, corpus_id, document_ids)
            _note(session, "queued again", [document.id for document in renewed])
            return len(renewed), job_id

    def made_of(self, document_ids: Iterable[int]) -> traces.Traces:
        """How much was made of documents that deleting them leaves, unless it is erased with them."""
        with self._database.read() as session:
            return traces.count(session, set(document_ids))

    def names_that_go(self, document_ids: Iterable[int]) -> dict[int, set[str]]:
        """By corpus, the names that no document will have once these are deleted."""
        with self._database.read() as session:
            return traces.names_that_go(session, set(document_ids))

    def examples_that_go(self, document_ids: Iterable[int]) -> dict[int, set[int]]:
        """By corpus, the examples that go with these documents when what was made of them is erased."""
        with self._database.read() as session:
            return traces.examples_that_go(session, set(document_ids))

    def delete(self, document_ids: Iterable[int], erase: bool = False) -> Gone:
        """Delete documents from rows, full text and files, down to the write-ahead log.

        Args:
            erase: what was made of them (`storage.traces`) goes in the same transaction.
        """
        with self._database.write() as session:
            wanted = set(document_ids)
            if erase:
                traces.erase(session, wanted)
            _note(session, "deleted", wanted, with_what_was_made=erase)
            gone, contents = self._delete_rows(session, wanted)
        self._forget_files(contents)
        self._leave_nothing()
        return gone

    def delete_corpus(self, corpus_id: int) -> None:
        """Delete a corpus with everything that belongs to it, from rows, full text and files."""
        with self._database.write() as session:
            documents = set(session.scalars(select(Document.id).where(Document.corpus_id == corpus_id)))
            _, contents = self._delete_rows(session, documents)
            if (corpus := session.get(Corpus, corpus_id)) is not None:
                subject = "files of a conversation" if corpus.hidden else "corpus"
                audit.note(session, "deleted", subject, corpus_id, name=corpus.name, corpus_id=corpus_id,
                           documents=len(documents))  # fmt: skip
            session.execute(delete(Corpus).where(Corpus.id == corpus_id))
            talk_text.sweep(session)
        self._forget_files(contents)
        self._leave_nothing()

    def forget_originals(self) -> None:
        """Delete files that are not to be kept, and the hashes by which their content could be guessed.

        In this order: after a kill in between, the hashes say at the next start which files are left.
        """
        with self._database.write() as session:
            gone = recognising.plain(session)
            self._delete_files(session, gone)
            recognising.hide(session, gone)
        if gone:
            self._database.forget_deleted()

    def needs_file(self, sha256: str) -> bool:
        """Whether any document has that content."""
        with self._database.read() as session:
            return _needed(session, sha256)

    def _delete_rows(self, session: Session, document_ids: set[int]) -> tuple[Gone, set[str]]:
        chunk_ids: list[int] = []
        contents: set[str] = set()
        for part in parts(sorted(document_ids)):
            chunk_ids += session.scalars(select(Chunk.id).where(Chunk.document_id.in_(part)))
            contents |= set(session.scalars(select(Document.content_sha256).where(Document.id.in_(part))))
        if chunk_ids:
            self._lexical.remove(session, chunk_ids)
        names = _names(session, document_ids)
        for part in parts(sorted(document_ids)):
            session.execute(delete(Document).where(Document.id.in_(part)))
        for corpus_id, of_corpus in names.items():
            edits.forget(session, corpus_id, of_corpus)
        return Gone(tuple(sorted(document_ids)), tuple(chunk_ids)), contents

    def _leave_nothing(self) -> None:
        """Drive the words of what was deleted out of the database's file and its log."""
        self._lexical.forget()
        self._database.forget_deleted()

    def _forget_files(self, contents: Iterable[str]) -> None:
        """Delete files that no document needs; with the writer's lock, so that none can begin to need one."""
        if not (wanted := sorted(set(contents))):
            return
        with self._database.write() as session:
            self._delete_files(session, wanted)

    def _delete_files(self, session: Session, contents: Iterable[str]) -> None:
        for sha256 in sorted(contents):
            if not _needed(session, sha256):
                self._files.delete(sha256)


def _note(session: Session, action: str, document_ids: Collection[int], **detail: bool) -> None:
    for part in parts(sorted(document_ids)):
        query = select(Document.id, Document.corpus_id, Document.name).where(Document.id.in_(part))
        for document_id, corpus_id, name in session.execute(query.order_by(Document.id)).all():
            audit.note(session, action, "document", document_id, name=name, corpus_id=corpus_id, **detail)


def _needed(session: Session, sha256: str) -> bool:
    kept = select(Document.id).where(Document.content_sha256 == sha256, ~Document.original_removed)
    return session.scalar(kept.limit(1)) is not None


def _contents(session: Session, document_ids: Iterable[int]) -> set[str]:
    found: set[str] = set()
    for part in parts(sorted(document_ids)):
        found |= set(session.scalars(select(Document.content_sha256).where(Document.id.in_(part))))
    return found


def _pending(session: Session, document_ids: Sequence[int]) -> set[int]:
    """Those of the documents that are still to be indexed, locked until the transaction ends."""
    found: set[int] = set()
    for part in parts(document_ids):
        query = select(Document.id).where(Document.id.in_(part), Document.status.in_(PENDING))
        found |= set(session.scalars(query.with_for_update()))
    return found


def _update(session: Session, document_ids: Sequence[int], **values: Any) -> None:
    pending = Document.id.in_(document_ids) & Document.status.in_(PENDING)
    session.execute(update(Document).where(pending).values(**values))


def _names(session: Session, document_ids: Iterable[int]) -> dict[int, set[str]]:
    """The names of documents, by corpus."""
    found: dict[int, set[str]] = {}
    for part in parts(sorted(document_ids)):
        for corpus_id, name in session.execute(
            select(Document.corpus_id, Document.name).where(Document.id.in_(part))
        ).all():
            found.setdefault(corpus_id, set()).add(name)
    return found


def _replaced(session: Session, document_ids: Iterable[int]) -> set[int]:
    found: set[int | None] = set()
    for part in parts(sorted(document_ids)):
        found |= set(session.scalars(select(Document.replaces_id).where(Document.id.in_(part))))
    return {document_id for document_id in found if document_id is not None}


def _chunk_ids(session: Session, document_ids: Iterable[int]) -> Iterator[Any]:
    """Rows with an `id`, one a chunk of the documents."""
    for part in parts(sorted(document_ids)):
        yield from session.execute(select(Chunk.id).where(Chunk.document_id.in_(part)))
