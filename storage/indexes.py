"""Indexes and the vectors that belong to them: rows that Chroma's collections are fed from.

A fingerprint names an index: embedding model, dimension and chunker. Vectors go in and out as
float32 arrays of shape [n, dimension], unit length.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ScalarSelect, Select, exists, func, insert, select
from sqlalchemy.orm import Session

from storage.corpora import parts
from storage.database import Database
from storage.errors import WrongDimension
from storage.hits import Hit
from storage.jobs import guard
from storage.rows import ChunkRow, IndexRow, JobRow, copied
from storage.tables import Chunk, Document, Embedding, Index

Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]
PAGE = 2_000  # vectors read at once when a collection is rebuilt


class Indexes:
    """Reads and writes of `indexes` and `embeddings`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ensure(
        self,
        corpus_id: int,
        embedding_model: str,
        dimension: int,
        chunker: str,
        embedder: Mapping[str, Any] = MappingProxyType({}),
    ) -> IndexRow:
        """The index that serves a corpus; one for that way of searching is created when it has none yet.

        Args:
            embedder: how the embedding model is reached; nothing for the packaged one.
        """
        with self._database.write() as session:
            active = session.scalar(select(Index).where(Index.corpus_id == corpus_id, Index.active))
            if active is None:
                name = fingerprint(embedding_model, dimension, chunker)
                active = Index(
                    corpus_id=corpus_id,
                    fingerprint=name,
                    embedding_model=embedding_model,
                    dimension=dimension,
                    chunker=chunker,
                    collection=f"corpus-{corpus_id}-{name}",
                    embedder=dict(embedder),
                )
                session.add(active)
                session.flush()
            return copied(IndexRow, active)

    def missing(self, index_id: int, document_ids: Sequence[int]) -> list[ChunkRow]:
        """Chunks of documents that have no vector in an index yet, in order."""
        done = exists().where(Embedding.chunk_id == Chunk.id, Embedding.index_id == index_id)
        found: list[ChunkRow] = []
        with self._database.read() as session:
            for part in parts(document_ids):
                query = select(Chunk).where(Chunk.document_id.in_(part), ~done, Chunk.cut == cut_of(index_id))
                rows = session.scalars(query.order_by(Chunk.document_id, Chunk.ordinal))
                found += [copied(ChunkRow, row) for row in rows]
        return found

    def store(self, job: JobRow, index_id: int, chunk_ids: Sequence[int], vectors: Vectors) -> None:
        """Store the vectors of those chunks that are still there; may raise LeaseLost or WrongDimension."""
        data = dict(zip(chunk_ids, vectors.astype("<f4"), strict=True))
        with self._database.write() as session:
            guard(session, job)
            dimension = session.scalar(select(Index.dimension).where(Index.id == index_id))
            if dimension is None:  # the index was dropped
                return
            if vectors.shape[1] != dimension:
                raise WrongDimension(f"{vectors.shape[1]} numbers where the index has {dimension}")
            there = _chunks_there(session, sorted(data))
            rows = [{"chunk_id": key, "index_id": index_id, "vector": data[key].tobytes()} for key in there]
            if rows:
                session.execute(insert(Embedding), rows)

    def of_documents(self, index_id: int, document_ids: Sequence[int]) -> Iterator[tuple[list[int], Vectors]]:
        """The stored vectors of documents that should be found, a part of them at a time."""
        for part in parts(document_ids):
            query = _vectors(index_id).where(Chunk.document_id.in_(part), ~Chunk.switched_off)
            yield from self._paged(query)

    def ready(self, index_id: int) -> Iterator[tuple[list[int], Vectors]]:
        """All vectors that should be in an index's collection: ready documents', but of chunks switched off."""
        query = _vectors(index_id).join(Document).where(Document.status == "ready", ~Chunk.switched_off)
        yield from self._paged(query)

    def all(self, index_id: int) -> Iterator[tuple[list[int], Vectors]]:
        """`ready`, and those of documents that are being indexed and may be in the collection already."""
        yield from self._paged(_vectors(index_id).where(~Chunk.switched_off))

    def count_ready(self, index_id: int) -> int:
        """How many vectors `ready` yields in all."""
        query = select(func.count(Embedding.chunk_id)).join(Chunk).join(Document)
        with self._database.read() as session:
            query = query.where(Embedding.index_id == index_id, Document.status == "ready", ~Chunk.switched_off)
            return session.scalar(query) or 0

    def count_chunks(self, corpus_id: int) -> int:
        """How many chunks should be in the full text of a corpus: ready documents', of every cut, but those off."""
        query = select(func.count(Chunk.id)).join(Document)
        with self._database.read() as session:
            query = query.where(Chunk.corpus_id == corpus_id, Document.status == "ready", ~Chunk.switched_off)
            return session.scalar(query) or 0

    def nearest(self, index_id: int, vector: NDArray[np.float32], limit: int) -> list[Hit]:
        """The exact `limit` nearest of `ready` to `vector` [dimension], best first, read from the rows themselves."""
        found: list[Hit] = []
        for ids, vectors in self.ready(index_id):
            scores = vectors @ vector
            best = np.argsort(-scores, kind="stable")[:limit]
            found += [Hit(ids[at], float(scores[at])) for at in best]
            found = sorted(found, key=lambda hit: -hit.score)[:limit]
        return found

    def _paged(self, query: Select[int, bytes]) -> Iterator[tuple[list[int], Vectors]]:
        after = 0
        while True:
            with self._database.read() as session:
                page = query.where(Embedding.chunk_id > after).order_by(Embedding.chunk_id).limit(PAGE)
                rows = session.execute(page).all()
            if not rows:
                return
            yield [row[0] for row in rows], np.stack([np.frombuffer(row[1], "<f4") for row in rows])
            after = rows[-1][0]


def fingerprint(embedding_model: str, dimension: int, chunker: str) -> str:
    """16 hex digits that name a way of searching."""
    return hashlib.sha256(f"{embedding_model}\n{dimension}\n{chunker}".encode()).hexdigest()[:16]


def _vectors(index_id: int) -> Select[int, bytes]:
    query = select(Embedding.chunk_id, Embedding.vector).join(Chunk, Chunk.id == Embedding.chunk_id)
    return query.where(Embedding.index_id == index_id)


def cut_of(index_id: int) -> ScalarSelect[int]:
    """The number of the cut that an index belongs to, for use in a query."""
    return select(Index.cut).where(Index.id == index_id).scalar_subquery()


def _chunks_there(session: Session, chunk_ids: Sequence[int]) -> Iterable[int]:
    for part in parts(chunk_ids):
        yield from session.scalars(select(Chunk.id).where(Chunk.id.in_(part)))
