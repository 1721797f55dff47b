"""Chunks of a second cut of documents beside those that serve: made, counted, swept away. Rows and full text.

A cut is a way of slicing the pages of a corpus; each index belongs to one, and indexes with the same chunker share
it. The full text holds the chunks of every cut, and a search asks for those of one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, exists, func, insert, select, update
from sqlalchemy import delete as deleted
from sqlalchemy.orm import Session

from storage import edits
from storage.contents import ChunkText
from storage.corpora import PENDING, parts
from storage.database import Database
from storage.jobs import guard
from storage.lexical import Lexical
from storage.rows import ChunkRow, IndexRow, JobRow, copied
from storage.tables import Chunk, Document, Index, Page


@dataclass(frozen=True, slots=True)
class CutPage:
    """A page to be cut: its text and blocks, or, where blocks were not kept, the chunks it has of any one cut."""

    number: int
    label: str
    text: str
    blocks: Mapping[str, Any] | None
    chunks: tuple[ChunkRow, ...]


class Cuts:
    """Every method is one transaction."""

    def __init__(self, database: Database, lexical: Lexical) -> None:
        self._database = database
        self._lexical = lexical

    def uncut(self, index: IndexRow, limit: int) -> list[int]:
        """Some ready documents that have chunks, but none of the index's cut."""
        query = select(Document.id).where(*lacking_cut(index)).order_by(Document.id)
        with self._database.read() as session:
            return list(session.scalars(query.limit(limit)))

    def without(self, index: IndexRow, document_ids: Sequence[int]) -> list[int]:
        """Those of the documents that have no chunks of the index's cut."""
        with self._database.read() as session:
            found: list[int] = []
            for part in parts(document_ids):
                found += session.scalars(
                    select(Document.id).where(Document.id.in_(part), ~_is_cut(index)).order_by(Document.id)
                )
            return found

    def pages(self, document_id: int) -> list[CutPage]:
        """The pages of a document in order, with what they are cut by."""
        columns = (Page.number, Page.label, Page.text, Page.blocks)
        with self._database.read() as session:
            rows = session.execute(select(*columns).where(Page.document_id == document_id).order_by(Page.number)).all()
            known: dict[int, list[ChunkRow]] = {}
            if any(row[3] is None for row in rows):
                first = select(func.min(Chunk.cut)).where(Chunk.document_id == document_id).scalar_subquery()
                query = select(Chunk).where(Chunk.document_id == document_id, Chunk.cut == first)
                for chunk in session.scalars(query.order_by(Chunk.ordinal)):
                    known.setdefault(chunk.page, []).append(copied(ChunkRow, chunk))
        return [
            CutPage(number, label, text, blocks, tuple(known.get(number, ()))) for number, label, text, blocks in rows
        ]

    def store(self, job: JobRow, index_id: int, cut: Mapping[int, Sequence[ChunkText]]) -> bool:
        """Store the chunks of documents that have none of the index's cut yet, and let ready ones' be found by it.

        Returns:
            False when the index was dropped.

        Raises:
            LeaseLost: another has the job.
        """
        with self._database.write() as session:
            guard(session, job)
            index = session.get(Index, index_id)
            if index is None:
                return False
            there = set(session.scalars(select(Chunk.document_id).where(_of(cut), Chunk.cut == index.cut).distinct()))
            states = session.execute(
                select(Document.id, Document.status).where(
                    Document.id.in_(list(cut)), Document.status.in_(("ready", *PENDING))
                )
            ).all()
            for document_id, status in states:
                if document_id not in there:
                    self._store(session, index, document_id, cut[document_id], status)
            return True

    def leftover(self, corpus_id: int, limit: int) -> list[int]:
        """Some chunks of cuts that no index of the corpus has any more."""
        query = select(Chunk.id).where(Chunk.corpus_id == corpus_id, ~_used(corpus_id)).order_by(Chunk.id)
        with self._database.read() as session:
            return list(session.scalars(query.limit(limit)))

    def remove(self, corpus_id: int, chunk_ids: Sequence[int]) -> None:
        """Delete chunks that `leftover` named, unless an index has their cut since."""
        with self._database.write() as session:
            mine = (Chunk.corpus_id == corpus_id, Chunk.id.in_(list(chunk_ids)))
            gone = list(session.scalars(select(Chunk.id).where(*mine, ~_used(corpus_id))))
            self._lexical.remove(session, gone)
            session.execute(deleted(Chunk).where(Chunk.id.in_(gone)))

    def _store(
        self, session: Session, index: Index, document_id: int, chunks: Sequence[ChunkText], status: str
    ) -> None:
        place = {"document_id": document_id, "corpus_id": index.corpus_id, "cut": index.cut}
        if chunks:
            session.execute(insert(Chunk), [asdict(chunk) | place for chunk in chunks])
        edits.apply(session, [document_id])
        if status == "ready":
            mine = select(Chunk.id).where(Chunk.document_id == document_id, Chunk.cut == index.cut)
            self._lexical.add(session, session.execute(mine).all())
            return
        counts = {"chunk_count": len(chunks), "progress_total": len(chunks)}
        session.execute(update(Document).where(Document.id == document_id).values(**counts))


def lacking_cut(index: Index | IndexRow) -> tuple[ColumnElement[bool], ...]:
    """Which documents still have to be cut for an index."""
    any_at_all = exists().where(Chunk.document_id == Document.id)
    return Document.corpus_id == index.corpus_id, Document.status == "ready", ~_is_cut(index), any_at_all


def _is_cut(index: Index | IndexRow) -> ColumnElement[bool]:
    return exists().where(Chunk.document_id == Document.id, Chunk.cut == index.cut)


def _used(corpus_id: int) -> ColumnElement[bool]:
    """Whether an index of the corpus has a chunk's cut."""
    return exists().where(Index.corpus_id == corpus_id, Index.cut == Chunk.cut)


def _of(documents: Mapping[int, object]) -> ColumnElement[bool]:
    return Chunk.document_id.in_(list(documents))
