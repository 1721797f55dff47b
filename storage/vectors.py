"""Search by meaning: vectors in, chunk ids and cosines out.

A Chroma collection for each index; it holds ids and vectors and nothing else, is fed from the rows of
`embeddings` and can be made anew from them. Chroma works in this process, on a folder, or is a server.
One process opens the folder (`storage.lock`), its threads share it; a server takes any number of them, on
any machine. Knows nothing of texts, models or fusion.

A write that fails inside Chroma can leave the next one waiting for ever (a connection of its own pool stays in
the failed transaction). So the folder is opened anew after a failed write, and every call has a time limit.
"""

import shutil
import sqlite3
import struct
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from storage.errors import Rebuilding, Stuck, Unreachable
from storage.hits import Hit
from storage.patience import within
from storage.turns import Turns

Floats = NDArray[np.float32]

# Not tuned yet: `benchmarks/retrieval_scale.py` measures the recall against the exact nearest.
HNSW = {"space": "cosine", "ef_construction": 128, "max_neighbors": 24, "ef_search": 200}

HEADER = struct.Struct("<i6Q")
"""How header.bin of Chroma 1.5's HNSW begins: version, offset, room for elements, elements, bytes of each, ..."""
BUSY_S = 30.0
"""How long Chroma's own calls and statements are waited for."""
PATIENCE_S = 120.0
"""The longest that a call may take; a batch of vectors takes seconds, and ten times that on a machine in use."""
GIVING_UP_S = 5.0
DROPPED = 16
"""Collections that may have been dropped before the folder is opened anew: until then Chroma keeps the four files of
each open and its vectors in memory (760 files and 0.7 GB after half an hour of uploads and deletions)."""
READS = ("count", "get", "list_collections", "peek", "query")


class Vectors:
    """Collections in a folder or on a server. A collection that is not there yet is an empty one.

    Every method raises Unreachable when a server does not answer, Stuck when Chroma itself does not.
    """

    def __init__(self, where: Path | str) -> None:
        """`where` is a folder, or a server's URL, whose path names a database of it: http://host:8000/triptych."""
        self._where = where
        self._patience_s = PATIENCE_S
        self._client: Any = _in_folder(where) if isinstance(where, Path) else _on_server(where)
        self._most = self._client.get_max_batch_size()
        self._open: dict[str, Any] = {}
        self._dropped = 0
        self._anew: set[str] = set()
        """Collections that `search` must not answer from."""
        self._changing = threading.RLock()
        self._turns = Turns()
        self._closed = False

    def names(self) -> list[str]:
        """The collections there are."""
        with _answering(self._where):
            return sorted(collection.name for collection in self._call("list_collections"))

    def upsert(self, collection: str, ids: Sequence[int], vectors: Floats) -> None:
        """Add or replace vectors, float32 [len(ids), d]."""
        with self._changing:
            new = collection not in self._open
            for at in range(0, len(ids), self._most):
                keys, part = [str(key) for key in ids[at : at + self._most]], vectors[at : at + self._most]
                self._on(collection, "upsert", ids=keys, embeddings=part)
            if new and isinstance(self._where, Path):
                _blank(self._where)

    def remove(self, collection: str, ids: Collection[int]) -> None:
        """Take vectors out; ids that are not there are passed over."""
        keys = [str(key) for key in ids]
        with self._changing:
            for at in range(0, len(keys), self._most):
                self._on(collection, "delete", ids=keys[at : at + self._most])

    def search(self, collection: str, vector: Floats, limit: int) -> list[Hit]:
        """The `limit` vectors nearest to `vector` [d], best first, or all there are; the score is the cosine, -1..1.

        Raises Rebuilding while the collection is made anew: a part of it would be found.
        """
        if collection in self._anew:
            raise Rebuilding(f"collection {collection}")
        if limit < 1:
            return []
        asked = {"query_embeddings": [vector], "n_results": limit, "include": ["distances"]}
        found = self._on(collection, "query", **asked)
        return [Hit(int(key), 1.0 - gap) for key, gap in zip(found["ids"][0], found["distances"][0], strict=True)]

    def stored(self, collection: str, ids: Sequence[int]) -> dict[int, Floats]:
        """The vectors a collection holds of those ids, as they went in; ids that are not there are left out."""
        found: dict[int, Floats] = {}
        for at in range(0, len(ids), self._most):
            keys = [str(key) for key in ids[at : at + self._most]]
            part = self._on(collection, "get", ids=keys, include=["embeddings"])
            found |= {
                int(key): np.asarray(vector, np.float32)
                for key, vector in zip(part["ids"], part["embeddings"], strict=True)
            }
        return found

    def count(self, collection: str) -> int:
        """How many vectors a collection holds."""
        return int(self._on(collection, "count"))

    def drop(self, collection: str) -> None:
        """Delete a collection; passed over when there is none."""
        with self._changing:
            self._drop(collection)
            self._anew.discard(collection)

    def distrust(self, collections: Iterable[str]) -> None:
        """Have `search` of these raise until they are made anew."""
        self._anew.update(collections)

    @property
    def distrusted(self) -> set[str]:
        """Collections that are being made anew, or wait for it."""
        return set(self._anew)

    def rebuild(self, collection: str, batches: Iterable[tuple[Sequence[int], Floats]]) -> None:
        """Make a collection anew from ids and vectors; until it is whole, `search` of it raises."""
        with self._changing:
            self._anew.add(collection)
            self._drop(collection)
            for ids, vectors in batches:
                self.upsert(collection, ids, vectors)
            self._anew.discard(collection)

    def leave_nothing(self) -> None:
        """Drive what dropped collections held out of the folder: Chroma keeps their files, and rows in free pages.

        No call of Chroma's is under way meanwhile. It has an SQLite of its own, and to the system the locks of both are
        one process's, so neither sees the other's: a search took the journal of a write that was under way for that of
        one that had been killed, and rolled half of it back.

        Nothing on a server, whose files are its own business.
        """
        if not isinstance(self._where, Path):
            return
        with self._changing, self._turns.alone(BUSY_S):
            with closing(sqlite3.connect(self._where / "chroma.sqlite3", timeout=BUSY_S)) as connection:
                segments = {row[0] for row in connection.execute("SELECT id FROM segments")}
                connection.execute("VACUUM")
            for folder in self._where.iterdir():
                if folder.is_dir() and folder.name not in segments:
                    shutil.rmtree(folder, ignore_errors=True)
            _blank(self._where)
            if self._dropped >= DROPPED:
                self._let_go()

    def probe(self, collection: str) -> None:
        """Search a collection with one of its own vectors: raises, or ends the process, when it is damaged."""
        peek = self._on(collection, "peek", limit=1)["embeddings"]
        if peek is None or not len(peek) or not self.search(collection, np.asarray(peek[0], np.float32), 10):
            raise RuntimeError(f"collection {collection} finds nothing")

    def close(self) -> None:
        """Let go of the folder or the server, for good."""
        self._closed = True
        self._let_go()
        if isinstance(self._where, Path):
            _blank(self._where)

    def _on(self, name: str, method: str, **arguments: Any) -> Any:
        """Call a collection's method; once more when another process made it anew since it was opened."""
        from chromadb.errors import NotFoundError

        with _answering(self._where):
            try:
                return self._timed(getattr(self._collection(name), method), method, **arguments)
            except NotFoundError:
                with self._changing:
                    self._open.pop(name, None)
                return self._timed(getattr(self._collection(name), method), method, **arguments)

    def _drop(self, collection: str) -> None:
        self._open.pop(collection, None)
        if collection in self.names():
            with _answering(self._where):
                self._call("delete_collection", collection)
            self._dropped += 1

    def _collection(self, name: str) -> Any:
        with self._changing:
            if name not in self._open:
                asked = {"configuration": {"hnsw": dict(HNSW)}, "embedding_function": None}
                self._open[name] = self._call("get_or_create_collection", name, **asked)
            return self._open[name]

    def _call(self, method: str, *names: str, **arguments: Any) -> Any:
        """Call a method of the client, which is opened again when it was let go of."""
        with self._changing:
            if self._closed:
                raise RuntimeError("the vectors were closed")
            if self._client is None and isinstance(self._where, Path):
                self._client = _in_folder(self._where)
            return self._timed(getattr(self._client, method), method, *names, **arguments)

    def _timed(self, work: Callable[..., Any], method: str, *names: str, **arguments: Any) -> Any:
        """Call Chroma; a folder is let go of when it does not come back, or a write of it failed."""
        from chromadb.errors import NotFoundError

        if not isinstance(self._where, Path):
            return work(*names, **arguments)
        try:
            with self._turns.shared():
                return within(self._patience_s, partial(work, *names, **arguments))
        except NotFoundError:
            raise
        except Exception as error:
            if method not in READS or isinstance(error, Stuck):
                self._let_go()
            raise

    def _let_go(self) -> None:
        """Close the client, as far as it lets itself be closed; whoever opens the folder next gets another one."""
        from chromadb.api.shared_system_client import SharedSystemClient

        with self._changing:
            client, self._client = self._client, None
            self._open.clear()
            self._dropped = 0
            if client is None:
                return
            with suppress(Stuck):
                within(GIVING_UP_S, client.close)
            if isinstance(self._where, Path):
                SharedSystemClient._identifier_to_system.pop(str(self._where), None)


def _blank(folder: Path) -> None:
    """Zero what a new collection's files hold beyond their elements: Chroma writes memory there as it finds it.

    That memory was in use before, and may be vectors or words of anything. Nothing reads it.
    """
    for header in folder.glob("*/header.bin"):
        head = header.read_bytes()[: HEADER.size]
        if len(head) < HEADER.size or HEADER.unpack(head)[0] != 1:
            continue
        _version, _offset, _most, count, size, *_ = HEADER.unpack(head)
        for name, used in (("data_level0.bin", count * size), ("length.bin", count * 4)):
            file = header.with_name(name)
            left = file.stat().st_size - used if file.is_file() else 0
            if left > 0:
                with file.open("r+b") as opened:
                    opened.seek(used)
                    opened.write(bytes(left))


def _settings() -> Any:
    from chromadb.config import Settings

    return Settings(anonymized_telemetry=False, allow_reset=False)


def _in_folder(folder: Path) -> Any:
    import chromadb
    from chromadb.api.shared_system_client import SharedSystemClient

    folder.mkdir(parents=True, exist_ok=True)
    try:
        return chromadb.PersistentClient(path=str(folder), settings=_settings())
    except BaseException:
        # Chroma keeps the half-made system and would give it to whoever opens the folder next in this process.
        SharedSystemClient._identifier_to_system.pop(str(folder), None)
        raise


def _on_server(url: str) -> Any:
    import chromadb
    from chromadb.errors import NotFoundError

    at = urlsplit(url)
    if at.scheme not in ("http", "https") or not at.hostname:
        raise Unreachable(f"the Chroma server {url}: its address must look like http://host:8000/triptych")
    ssl, database = at.scheme == "https", at.path.strip("/") or chromadb.DEFAULT_DATABASE
    port = at.port or (443 if ssl else 8000)
    with _answering(url):
        try:
            return chromadb.HttpClient(at.hostname, port, ssl, settings=_settings(), database=database)
        except NotFoundError:
            _make_database(at.hostname, port, ssl, database)
            return chromadb.HttpClient(at.hostname, port, ssl, settings=_settings(), database=database)
        except ValueError as error:  # what the client makes of a connection that was refused
            raise Unreachable(f"the Chroma server {url} does not answer ({error})") from error


def _make_database(host: str, port: int, ssl: bool, name: str) -> None:
    """Make a database on a server; another process may have been quicker."""
    import chromadb
    from chromadb.errors import UniqueConstraintError

    settings = _settings()
    settings.chroma_api_impl = "chromadb.api.fastapi.FastAPI"
    settings.chroma_server_host, settings.chroma_server_http_port = host, port
    settings.chroma_server_ssl_enabled = ssl
    try:
        chromadb.AdminClient(settings).create_database(name)
    except UniqueConstraintError:
        return


@contextmanager
def _answering(where: Path | str) -> Iterator[None]:
    """A server that does not answer is one line for people."""
    import httpx

    try:
        yield
    except httpx.TransportError as error:
        raise Unreachable(f"the Chroma server {where} does not answer ({error})") from error
