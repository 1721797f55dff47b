"""Uploads that several machines share, through fsspec: S3 and whatever else it knows by URL.

    folder (this machine's copies, by content hash)  <->  url/ab/abcdef...

What is named by its hash never changes, so a copy here is as good as the shared file, and is checked against its
name when it is fetched. A folder that is mounted everywhere needs none of this: it is `Files` itself.
"""

import hashlib
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from storage.errors import NotFound, Unreachable
from storage.files import AT_ONCE, INCOMING, Files, ours

FRESH_S = 600.0
"""A shared file younger than this is not written again when the same content comes again."""


def files(folder: Path, url: str) -> Files:
    """Where uploads are kept.

    Args:
        folder: a folder of this machine's.
        url: "" for that folder itself; another folder's path; or a URL that fsspec knows, such as s3://bucket/name.
    """
    if not url:
        return Files(folder)
    if "://" not in url:
        return Files(Path(url).expanduser())
    return SharedFiles(folder, url)


class SharedFiles(Files):
    """Files at a URL, with copies in a folder.

    Every method raises Unreachable when the store does not answer or refuses; so does making one, when fsspec lacks
    the part for that kind of URL.
    """

    def __init__(self, folder: Path, url: str) -> None:
        import fsspec

        super().__init__(folder)
        self._url = url
        try:
            # Other machines write and delete there: a listing that is remembered would be wrong.
            self._shared, self._root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise Unreachable(f"the shared files at {url}: {error}") from error

    def put(self, content: bytes | Path) -> str:
        """Store bytes, or a copy of the file at a path, here and there; returns its sha256 (hex)."""
        digest = super().put(content)
        self._upload(digest)
        return digest

    def put_all(self, contents: Iterable[bytes | Path]) -> list[str]:
        """Store many at once; returns their sha256s in order."""
        digests = super().put_all(contents)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._upload, dict.fromkeys(digests)))
        return digests

    def path(self, sha256: str) -> Path:
        """A copy on this machine, fetched when there is none; raises NotFound."""
        copy = self._place(sha256)
        if not copy.is_file():
            self._fetch(sha256, copy)
        return copy

    def exists(self, sha256: str) -> bool:
        """Whether that content is stored there."""
        self._place(sha256)
        with self._answering():
            return bool(self._shared.exists(self._there(sha256)))

    def delete(self, sha256: str) -> None:
        """Delete that content there and here, if it is there. Copies on other machines go at their next sweep."""
        super().delete(sha256)
        with self._answering():
            if self._shared.exists(self._there(sha256)):
                self._shared.rm_file(self._there(sha256))

    def vanished(self, sha256s: Iterable[str]) -> set[str]:
        """None: asking would be a request for each while all writers wait. Who reads a file that is gone says so."""
        return set()

    def sweep(self, needed: Callable[[str], bool], older_than_s: float) -> int:
        """Delete what nobody needs, there and here; younger files and those of others are left alone."""
        swept = super().sweep(needed, older_than_s)
        with self._answering():
            for place in self._shared.find(self._root):
                if not ours(*place.rsplit("/", 2)[-2:]):
                    continue
                if not needed(place.rsplit("/", 1)[-1]) and self._age(place) > older_than_s:
                    self._shared.rm_file(place)
                    swept += 1
        return swept

    def _upload(self, digest: str) -> None:
        """Complete or absent there: object stores do so by themselves, elsewhere a finished file is renamed."""
        there = self._there(digest)
        with self._answering():
            if self._shared.exists(there) and self._age(there) < FRESH_S:
                return
            if "file" not in _protocols(
                self._shared
            ):  # an object store has no folders; asked for one, s3fs makes buckets
                self._shared.put_file(str(self._place(digest)), there)
                return
            self._shared.makedirs(self._shared._parent(there), exist_ok=True)
            partial = f"{self._root}/{INCOMING}/{uuid.uuid4().hex}"
            self._shared.makedirs(self._shared._parent(partial), exist_ok=True)
            self._shared.put_file(str(self._place(digest)), partial)
            self._shared.mv(partial, there)

    def _fetch(self, sha256: str, copy: Path) -> None:
        partial = self.folder / INCOMING / f"{sha256}-{uuid.uuid4().hex}"
        with self._answering():
            try:
                self._shared.get_file(self._there(sha256), str(partial))
            except FileNotFoundError as error:
                raise NotFound(f"stored file {sha256}") from error
        with partial.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            partial.unlink()
            raise NotFound(f"stored file {sha256}: what is there has other content")
        copy.parent.mkdir(exist_ok=True)
        partial.replace(copy)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """A store that does not answer is one line for people; each kind of store has errors of its own for it."""
        try:
            yield
        except NotFound:
            raise
        except Exception as error:
            if isinstance(error, OSError) and "file" in _protocols(self._shared):
                raise  # a disk's own errors say what is wrong
            raise Unreachable(f"the shared files at {self._url} do not answer ({error})") from error

    def _there(self, sha256: str) -> str:
        return f"{self._root}/{sha256[:2]}/{sha256}"

    def _age(self, place: str) -> float:
        modified: datetime = self._shared.modified(place)
        return time.time() - modified.timestamp()


def _protocols(filesystem: Any) -> tuple[str, ...]:
    protocol = filesystem.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)
