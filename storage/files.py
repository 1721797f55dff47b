"""Uploads on disk, named by the sha256 of their content: the same bytes are stored once.

A file is complete or absent: it is written under a temporary name, flushed to the disk and renamed.
Knows nothing of documents; which files are still needed is the caller's to say.
"""

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from storage.errors import NotFound

BLOCK = 1 << 20
AT_ONCE = 8
INCOMING = "incoming"
"""The folder of files that are not complete yet."""


class Files:
    """`folder/ab/abcdef...` for content whose sha256 begins with ab."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._temporary = folder / INCOMING
        self._temporary.mkdir(parents=True, exist_ok=True)

    def put(self, content: bytes | Path) -> str:
        """Store bytes, or a copy of the file at a path, and return its sha256 (hex)."""
        touched: set[Path] = set()
        digest = self._put(content, touched)
        for folder in touched:
            _flush_folder(folder)
        return digest

    def put_all(self, contents: Iterable[bytes | Path]) -> list[str]:
        """Store many at once; returns their sha256s in order. Flushing several together costs a fifth of one by one."""
        touched: set[Path] = set()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            digests = list(pool.map(lambda content: self._put(content, touched), contents))
        for folder in touched:
            _flush_folder(folder)
        return digests

    def path(self, sha256: str) -> Path:
        """Where that content is; raises NotFound."""
        path = self._place(sha256)
        if not path.is_file():
            raise NotFound(f"stored file {sha256}")
        return path

    def exists(self, sha256: str) -> bool:
        """Whether that content is stored."""
        return self._place(sha256).is_file()

    @contextmanager
    def open(self, sha256: str) -> Iterator[BinaryIO]:
        """The content, for reading; raises NotFound."""
        with self.path(sha256).open("rb") as file:
            yield file

    def delete(self, sha256: str) -> None:
        """Delete that content, if it is there."""
        self._place(sha256).unlink(missing_ok=True)

    def vanished(self, sha256s: Iterable[str]) -> set[str]:
        """Those that are not stored (any more). For contents that were stored a moment ago."""
        return {sha256 for sha256 in sha256s if not self._place(sha256).is_file()}

    def sweep(self, needed: Callable[[str], bool], older_than_s: float) -> int:
        """Delete what nobody needs: left by a process that ended between writing a file and its row.

        What others keep in the folder is left alone: it may be a share that holds models too.

        Args:
            needed: whether the content of a sha256 is in use.
            older_than_s: leave younger files alone, another process may be about to write their row.
        """
        born_before = time.time() - older_than_s
        swept = 0
        for path in self.folder.glob("*/*"):
            if not ours(path.parent.name, path.name):
                continue
            with_row = path.parent != self._temporary and needed(path.name)
            if not with_row and path.stat().st_mtime < born_before:
                path.unlink(missing_ok=True)
                swept += 1
        return swept

    def _place(self, sha256: str) -> Path:
        if len(sha256) != 64 or not sha256.isalnum():
            raise NotFound(f"stored file {sha256!r}")
        return self.folder / sha256[:2] / sha256

    def _put(self, content: bytes | Path, touched: set[Path]) -> str:
        if isinstance(content, bytes):
            digest = hashlib.sha256(content).hexdigest()
            if self._touch(digest):
                return digest
        with tempfile.NamedTemporaryFile(dir=self._temporary, delete=False) as file:
            digest = _copy(content, file)
            file.flush()
            os.fsync(file.fileno())
        place = self._place(digest)
        if not place.parent.is_dir():
            place.parent.mkdir(exist_ok=True)
            touched.add(self.folder)
        os.replace(file.name, place)
        touched.add(place.parent)
        return digest

    def _touch(self, digest: str) -> bool:
        """Whether it is stored already; made young again, so that nobody sweeps it before its row is there."""
        try:
            os.utime(self._place(digest))
        except FileNotFoundError:
            return False
        return True


def ours(folder: str, name: str) -> bool:
    """Whether a file of that name, in a folder of that name, is a stored content or one on its way."""
    return folder == INCOMING or bool(folder == name[:2] and re.fullmatch("[0-9a-f]{64}", name))


def _copy(content: bytes | Path, file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    for block in [content] if isinstance(content, bytes) else _blocks(content):
        digest.update(block)
        file.write(block)
    return digest.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while block := source.read(BLOCK):
            yield block


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
