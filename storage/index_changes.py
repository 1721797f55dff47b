"""A second index beside the one that serves: begun, filled, swapped in, swapped back, dropped. Rows only.

A corpus has one active index and at most one other: the one being built, or the one that served before. They may
differ in embedding model and in how documents are cut (`storage/cuts.py`). Swapping is one transaction and is refused
while the other lacks a vector of any ready document, so what serves is whole.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, insert, select, update
from sqlalchemy.orm import Session

from storage import audit
from storage.corpora import served
from storage.cuts import lacking_cut
from storage.database import Database
from storage.errors import Busy, Exists, NotFound, WrongDimension
from storage.indexes import Vectors, fingerprint
from storage.jobs import OPEN, enqueue, guard
from storage.rows import ChunkRow, IndexRow, JobRow, copied
from storage.tables import Chunk, Corpus, Document, Embedding, Index, Job

KIND = "reindex"


class IndexChanges:
    """Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, index_id: int) -> IndexRow | None:
        """One index; None when it was dropped."""
        with self._database.read() as session:
            row = session.get(Index, index_id)
            return copied(IndexRow, row) if row else None

    def other(self, corpus_id: int) -> IndexRow | None:
        """The corpus's index that does not serve, if there is one."""
        query = select(Index).where(Index.corpus_id == corpus_id, ~Index.active).order_by(Index.id.desc())
        with self._database.read() as session:
            row = session.scalar(query.limit(1))
            return copied(IndexRow, row) if row else None

    def begin(
        self, corpus_id: int, embedding_model: str, embedder: Mapping[str, Any], dimension: int, chunker: str = ""
    ) -> tuple[IndexRow, list[str]]:
        """Add an index with another embedding model or chunker, and queue the job that fills it.

        One that is still being filled makes room like any other; its job is asked to end.

        Args:
            chunker: how documents are cut for it; "" as for the active one.

        Returns:
            the index, and the collections of those that made room for it.

        Raises:
            NotFound: nothing is indexed yet. Exists: that is how the corpus is indexed already.
        """
        with self._database.write() as session:
            active = _active(session, corpus_id)
            chunker = chunker or active.chunker
            name = fingerprint(embedding_model, dimension, chunker)
            if active.fingerprint == name:
                raise Exists(embedding_model)
            others = list(session.scalars(select(Index).where(Index.corpus_id == corpus_id, ~Index.active)))
            kept = next((row for row in others if row.fingerprint == name), None)
            dropped = [row.collection for row in others if row is not kept]
            for row in others:
                if row is not kept:
                    _stop(session, row)
                    session.delete(row)
            if kept is None:
                cut = active.cut if chunker == active.chunker else _new_cut(session, corpus_id)
                kept = Index(corpus_id=corpus_id, fingerprint=name, embedding_model=embedding_model, active=False)
                kept.dimension, kept.chunker, kept.collection = dimension, chunker, f"corpus-{corpus_id}-{name}"
                kept.cut = cut
            kept.embedder = dict(embedder)
            session.add(kept)
            session.flush()
            enqueue(session, KIND, corpus_id, {"index_id": kept.id})
            return copied(IndexRow, kept), dropped

    def catch_up(self, corpus_id: int) -> None:
        """Queue the filling of the index that does not serve, when it lacks something and no job waits for that."""
        with self._database.write() as session:
            for index in session.scalars(select(Index).where(Index.corpus_id == corpus_id, ~Index.active)):
                waiting = select(Job.id).where(Job.corpus_id == corpus_id, Job.kind == KIND, Job.status == "queued")
                if session.scalar(waiting.limit(1)) is None and _lacking(session, index):
                    enqueue(session, KIND, corpus_id, {"index_id": index.id})

    def job(self, corpus_id: int) -> JobRow | None:
        """The newest filling job of a corpus, over or not."""
        query = select(Job).where(Job.corpus_id == corpus_id, Job.kind == KIND).order_by(Job.id.desc())
        with self._database.read() as session:
            row = session.scalar(query.limit(1))
            return copied(JobRow, row) if row else None

    def lacking(self, index: IndexRow, limit: int) -> list[ChunkRow]:
        """Some chunks of ready documents that have no vector in the index, in order."""
        query = select(Chunk).join(Document).where(*_missing(index)).order_by(Chunk.id)
        with self._database.read() as session:
            return [copied(ChunkRow, row) for row in session.scalars(query.limit(limit))]

    def count_lacking(self, index: IndexRow) -> int:
        """How many chunks of ready documents have no vector in the index; uncut documents count as they are cut now."""
        with self._database.read() as session:
            return _lacking(session, index)

    def sample(self, corpus_id: int, count: int) -> list[ChunkRow]:
        """At most `count` chunks that serve, of ready documents, from all over the corpus."""
        ready = Chunk.corpus_id == corpus_id, Document.status == "ready"
        query = select(Chunk.id).join(Document).where(*ready, served())
        with self._database.read() as session:
            ids = session.scalars(query.order_by(Chunk.id)).all()
            chosen = ids[:: max(1, len(ids) // count)][:count]
            return [copied(ChunkRow, row) for row in session.scalars(select(Chunk).where(Chunk.id.in_(chosen)))]

    def store(self, job: JobRow, index_id: int, said: Mapping[int, str], vectors: Vectors) -> bool:
        """Store vectors, float32 [len(said), dimension], of those chunks that still say what was embedded.

        Returns:
            False when the index was dropped.

        Raises:
            LeaseLost: another has the job. WrongDimension: nothing was stored.
        """
        with self._database.write() as session:
            guard(session, job)
            index = session.get(Index, index_id)
            if index is None:
                return False
            if vectors.shape != (len(said), index.dimension):
                raise WrongDimension(f"{list(vectors.shape)} where the index has {index.dimension} numbers each")
            data = dict(zip(said, vectors.astype("<f4"), strict=True))
            there = {row.id: row.edited or row.text for row in session.scalars(_unembedded(index_id, list(said)))}
            rows = [
                {"chunk_id": key, "index_id": index_id, "vector": data[key].tobytes()}
                for key in said
                if there.get(key) == said[key]
            ]
            if rows:
                session.execute(insert(Embedding), rows)
            return True

    def activate(self, index_id: int) -> None:
        """Have an index serve in place of the active one, which is kept.

        Raises:
            NotFound: it was dropped. Busy: it lacks vectors of ready documents; nothing was changed.
        """
        with self._database.write() as session:
            index = session.get(Index, index_id)
            if index is None:
                raise NotFound(f"index {index_id}")
            locked(session, index.corpus_id)
            if lacking := _lacking(session, index):
                raise Busy(f"{lacking:,} chunks are not in it yet")
            of_corpus = update(Index).where(Index.corpus_id == index.corpus_id)
            session.execute(of_corpus.where(Index.id != index_id).values(active=False))
            session.execute(of_corpus.where(Index.id == index_id).values(active=True))
            _count_chunks(session, index)
            audit.note(session, "put in service", "index", index_id, corpus_id=index.corpus_id)

    def drop(self, index_id: int) -> str | None:
        """Delete an index that does not serve, with its vectors' rows; returns its collection, None when it is gone.

        Raises:
            Busy: it serves.
        """
        with self._database.write() as session:
            index = session.get(Index, index_id)
            if index is None:
                return None
            if index.active:
                raise Busy("it is the one that serves")
            _stop(session, index)
            collection = index.collection
            corpus_id, cut = index.corpus_id, index.cut
            audit.note(session, "dropped", "index", index_id, corpus_id=corpus_id)
            session.delete(index)
            session.flush()
            if session.scalar(select(Index.id).where(Index.corpus_id == corpus_id, Index.cut == cut)) is None:
                enqueue(session, KIND, corpus_id, {"index_id": index_id})  # which takes its chunks away
            return collection


def locked(session: Session, corpus_id: int) -> None:
    """Hold a corpus until the transaction ends, so that no swap comes between what is read and written."""
    session.execute(select(Corpus.id).where(Corpus.id == corpus_id).with_for_update())


def serves(session: Session, corpus_id: int, index_id: int) -> bool:
    """Whether an index is the active one, for as long as the transaction lasts."""
    locked(session, corpus_id)
    return bool(session.scalar(select(Index.active).where(Index.id == index_id)))


def _stop(session: Session, index: Index) -> None:
    """Ask the jobs that fill an index to end; a paused one too, which whoever claims it ends."""
    of_corpus = select(Job).where(Job.corpus_id == index.corpus_id, Job.kind == KIND, Job.status.in_(OPEN))
    for job in session.scalars(of_corpus):
        if job.payload.get("index_id") == index.id:
            job.cancel_requested = True
            job.status = "queued" if job.status == "paused" else job.status


def _active(session: Session, corpus_id: int) -> Index:
    locked(session, corpus_id)
    row = session.scalar(select(Index).where(Index.corpus_id == corpus_id, Index.active))
    if row is None:
        raise NotFound(f"an index of corpus {corpus_id}")
    return row


def _unembedded(index_id: int, chunk_ids: Sequence[int]) -> Select[Chunk]:
    done = exists().where(Embedding.chunk_id == Chunk.id, Embedding.index_id == index_id)
    return select(Chunk).where(Chunk.id.in_(chunk_ids), ~done)


def _missing(index: Index | IndexRow) -> tuple[ColumnElement[bool], ...]:
    done = exists().where(Embedding.chunk_id == Chunk.id, Embedding.index_id == index.id)
    return Chunk.corpus_id == index.corpus_id, Chunk.cut == index.cut, Document.status == "ready", ~done


def _lacking(session: Session, index: Index | IndexRow) -> int:
    unembedded = session.scalar(select(func.count(Chunk.id)).join(Document).where(*_missing(index))) or 0
    at_least_one = case((Document.chunk_count > 0, Document.chunk_count), else_=1)
    uncut = select(func.sum(at_least_one)).where(*lacking_cut(index))
    return unembedded + (session.scalar(uncut) or 0)


def _new_cut(session: Session, corpus_id: int) -> int:
    """A number that no chunk of the corpus has: those of a dropped index may not be swept away yet."""
    of_indexes = session.scalar(select(func.max(Index.cut)).where(Index.corpus_id == corpus_id)) or 0
    of_chunks = session.scalar(select(func.max(Chunk.cut)).where(Chunk.corpus_id == corpus_id)) or 0
    return max(of_indexes, of_chunks) + 1


def _count_chunks(session: Session, index: Index) -> None:
    """Note with each ready document how many chunks it has as it is cut for an index."""
    mine = select(func.count(Chunk.id)).where(Chunk.document_id == Document.id, Chunk.cut == index.cut)
    ready = (Document.corpus_id == index.corpus_id) & (Document.status == "ready")
    session.execute(
        update(Document)
        .where(ready)
        .values(chunk_count=mine.scalar_subquery())
        .execution_options(synchronize_session=False)
    )
