"""Search by meaning: vectors in, chunk ids and cosines out.

A Chroma collection for each index; it holds ids and vectors and nothing else, is fed from the rows of
`embeddings` and can be made anew from them. One process opens the folder (`storage.lock`), its threads
share it. Knows nothing of texts, models or fusion.
"""

import threading
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.hits import Hit

Floats = NDArray[np.float32]

# Not tuned yet: `benchmarks/retrieval_scale.py` measures the recall against the exact nearest.
HNSW = {"space": "cosine", "ef_construction": 128, "max_neighbors": 24, "ef_search": 200}


class Vectors:
    """A folder of collections. A collection that is not there yet is an empty one."""

    def __init__(self, folder: Path) -> None:
        import chromadb
        from chromadb.config import Settings

        folder.mkdir(parents=True, exist_ok=True)
        settings = Settings(anonymized_telemetry=False, allow_reset=False)
        self._client = chromadb.PersistentClient(path=str(folder), settings=settings)
        self._most = self._client.get_max_batch_size()
        self._open: dict[str, Any] = {}
        self._changing = threading.RLock()

    def names(self) -> list[str]:
        """The collections there are."""
        return sorted(collection.name for collection in self._client.list_collections())

    def upsert(self, collection: str, ids: Sequence[int], vectors: Floats) -> None:
        """Add or replace vectors, float32 [len(ids), d]."""
        opened = self._collection(collection)
        with self._changing:
            for at in range(0, len(ids), self._most):
                part = slice(at, at + self._most)
                opened.upsert(ids=[str(key) for key in ids[part]], embeddings=vectors[part])

    def remove(self, collection: str, ids: Collection[int]) -> None:
        """Take vectors out; ids that are not there are passed over."""
        opened, keys = self._collection(collection), [str(key) for key in ids]
        with self._changing:
            for at in range(0, len(keys), self._most):
                opened.delete(ids=keys[at : at + self._most])

    def search(self, collection: str, vector: Floats, limit: int) -> list[Hit]:
        """The `limit` vectors nearest to `vector` [d], best first; the score is the cosine, -1..1."""
        opened = self._collection(collection)
        limit = min(limit, opened.count())
        if limit < 1:
            return []
        found = opened.query(query_embeddings=[vector], n_results=limit, include=["distances"])
        return [Hit(int(key), 1.0 - gap) for key, gap in zip(found["ids"][0], found["distances"][0], strict=True)]

    def count(self, collection: str) -> int:
        """How many vectors a collection holds."""
        return int(self._collection(collection).count())

    def drop(self, collection: str) -> None:
        """Delete a collection; passed over when there is none."""
        with self._changing:
            self._open.pop(collection, None)
            if collection in self.names():
                self._client.delete_collection(collection)

    def rebuild(self, collection: str, batches: Iterable[tuple[Sequence[int], Floats]]) -> None:
        """Make a collection anew from ids and vectors; until it is done, searches find a part of it."""
        with self._changing:
            self.drop(collection)
            for ids, vectors in batches:
                self.upsert(collection, ids, vectors)

    def probe(self, collection: str) -> None:
        """Search a collection with one of its own vectors: raises, or ends the process, when it is damaged."""
        peek = self._collection(collection).peek(1)["embeddings"]
        if peek is None or not len(peek) or not self.search(collection, np.asarray(peek[0], np.float32), 10):
            raise RuntimeError(f"collection {collection} finds nothing")

    def close(self) -> None:
        """Let go of the folder."""
        self._client.close()

    def _collection(self, name: str) -> Any:
        with self._changing:
            if name not in self._open:
                self._open[name] = self._client.get_or_create_collection(
                    name, configuration={"hnsw": dict(HNSW)}, embedding_function=None
                )
            return self._open[name]
