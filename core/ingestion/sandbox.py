"""Reads uploads in child processes with limits, so that no file can hurt the server. Works with threads.

A forking process (`sandbox_child`) is started once and kept warm; each document gets a fresh fork of it, a long PDF two
(`second`): no document can see or spoil another, and a one-page file takes milliseconds, not the second the imports
cost. Answers come back as JSON, counted and checked here; nothing a child says is run, unpickled or used as a path.
POSIX only (fork, descriptor passing); see `confinement` for what a child may do.
"""

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import UnreadableFile
from core.ingestion.limits import Limits
from core.ingestion.parsed import Block, Dropped, Page, ParsedDocument, ScannedLine
from core.ingestion.parsing.rows import Row
from core.ingestion.parsing.scans import Scans
from core.ingestion.unpacking import Entry
from core.priority import cores
from core.room import DISK

_START_S = 60.0
_KINDS = frozenset(("heading", "paragraph", "list_item", "table_row", "question", "answer", "code"))


class ReaderGone(RuntimeError):
    """The process that forks readers ended before there was one."""


class Sandbox:
    """Parses and unpacks files in children. Any thread may call it; `limits.at_once` children work at a time.

    Args:
        scratch: where each child gets a folder to write in; the system's own place for such unless said. A killed
            server leaves it behind, with what was being read: a workspace's own is emptied at its next start.
    """

    def __init__(self, limits: Limits | None = None, scratch: Path | None = None) -> None:
        self.limits = limits or Limits()
        self._scratch = scratch
        self._slots = threading.BoundedSemaphore(self.limits.at_once)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._closed = False
        self._at_work = 0
        with self._lock:
            self._start()

    def __enter__(self) -> "Sandbox":
        """For `with`: closed at its end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()

    def parse(self, path: Path, name: str, web: bool = False, found: Scans | None = None) -> ParsedDocument:
        """Reads one file; `web` says that it is a page as fetched from the web, `found` are lines of scanned pages.

        Raises:
            UnreadableFile: it gave no text, was over a limit, or made its reader crash.
        """
        lines = {number: [dataclasses.astuple(line) for line in page] for number, page in (found or {}).items()}
        answer = self._ask(path, name, None, web=web, found=lines, shared=self._quiet())
        try:
            return from_json(answer["document"])
        except (KeyError, TypeError, ValueError) as error:
            raise _crashed(name) from error

    def unpack(self, zip_path: Path, into: Path, name: str = "") -> list[Entry]:
        """Unpacks a ZIP into the folder `into` (made if absent), one verdict an entry.

        Raises:
            UnreadableFile: the archive itself cannot be read.
        """
        name = name or zip_path.name
        into.mkdir(parents=True, exist_ok=True)
        answer = self._ask(zip_path, name, into)
        try:
            return [_entry(into, *item) for item in answer["entries"]]
        except (KeyError, TypeError, ValueError) as error:
            raise _crashed(name) from error

    def rows(self, path: Path, name: str) -> list[Row]:
        """The rows of a CSV, JSONL, JSON or XLSX file by the names of their columns (`parsing.rows`).

        Raises:
            UnreadableFile: it is encrypted, damaged, over a limit, or made its reader crash.
        """
        rows = self._ask(path, name, None, rows=True).get("rows")
        if not isinstance(rows, list) or not all(isinstance(row, dict | str) for row in rows):
            raise _crashed(name)
        return rows

    def picture(self, path: Path, name: str, number: int, width: int) -> dict[str, Any]:
        """Draws page `number` (1-based) of a PDF or frame of an image; see `core.ingestion.pictures.from_json`.

        Args:
            width: of the picture in pixels, at most.

        Raises:
            UnreadableFile: it cannot be drawn, or drawing takes too long or crashes.
        """
        return self._ask(path, name, None, draw=[number, width])

    def recognise(self, path: Path, name: str, pages: Sequence[int]) -> dict[int, list[ScannedLine]]:
        """Reads the text off pictures of pages by OCR; each page has time of its own (`limits.scan_s`).

        Raises:
            UnreadableFile: it takes too long, or the picture is broken or too large.
        """
        wall = self.limits.wall_s + self.limits.scan_s * len(pages)
        answer = self._ask(path, name, None, wall=wall, recognise=list(pages))
        try:
            found = {int(number): [ScannedLine(*line) for line in lines] for number, lines in answer["lines"].items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _crashed(name) from error
        return {number: found.get(number, []) for number in pages}

    def close(self) -> None:
        """Ends the forking process and every child with it."""
        with self._lock:
            self._closed = True
            self._stop()

    def _ask(self, path: Path, name: str, into: Path | None, wall: float | None = None, **more: Any) -> dict[str, Any]:
        size = path.stat().st_size
        if size > self.limits.upload:
            raise UnreadableFile(f"{name} is larger than {self.limits.upload >> 20} MB.", "Split it and add the parts.")
        wall = wall or self.limits.wall_for(size)
        folder = tempfile.mkdtemp(prefix="triptych-parse-", dir=self._scratch)
        request = {
            "path": str(path.resolve()),
            "name": name,
            "folder": folder,
            "into": str(into.resolve()) if into else None,
            "limits": dataclasses.asdict(self.limits),
            "cpu_s": max(1, int(wall)),
            **more,
        }
        asked = json.dumps(request).encode() + b"\n"
        try:
            try:
                data = self._answered(asked, wall, name)
            except ReaderGone:
                data = b""
            if not data:  # killed from outside, or by the file: a second one tells which
                _empty(into)
                data = self._answered(asked, wall, name)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return _opened(data, name)

    def _answered(self, request: bytes, wall: float, name: str) -> bytes:
        """What a fresh child says; nothing when it ended without a word."""
        with self._slots, self._connection() as (pid, connection):
            self._count(1)
            try:
                return self._exchange(connection, request, pid, wall, name)
            finally:
                self._count(-1)

    def _count(self, more: int) -> None:
        with self._lock:
            self._at_work += more

    def _quiet(self) -> bool:
        """Whether a document may be read by two processes: nobody else reads, and there are cores for both."""
        return not self._at_work and cores() > 1

    def _exchange(self, connection: socket.socket, request: bytes, pid: int, wall: float, name: str) -> bytes:
        """Sends the request and reads the answer to its end, or kills the child when it takes too long or too much."""
        chunks: list[bytes] = []
        size, deadline = 0, time.monotonic() + wall
        try:
            connection.sendall(request)
            while True:
                connection.settimeout(max(0.01, deadline - time.monotonic()))
                chunk = connection.recv(1 << 20)
                if not chunk:
                    return b"".join(chunks)
                chunks.append(chunk)
                size += len(chunk)
                if size > self.limits.result or time.monotonic() > deadline:
                    raise TimeoutError
        except TimeoutError:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
            over = f"takes longer than {wall:.0f} s" if size <= self.limits.result else "gives more text than it may"
            raise UnreadableFile(f"{name} {over}.", "Split it and add the parts.") from None
        except OSError:
            return b""

    @contextlib.contextmanager
    def _connection(self) -> Any:
        """A connection to a fresh child, and its pid as the forking process (not the child) told it."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._hand_over(theirs)
            ours.settimeout(_START_S)
            line = b""
            while not line.endswith(b"\n"):
                got = ours.recv(1)
                if not got:
                    raise ReaderGone("the process that reads documents ended")
                line += got
            yield int(line), ours

    def _hand_over(self, connection: socket.socket) -> None:
        with self._lock:
            if self._closed:
                raise RuntimeError("the sandbox is closed")
            for attempt in (1, 2):
                if self._process is None or self._process.poll() is not None or self._control is None:
                    self._stop()
                    self._start()
                assert self._control is not None
                try:
                    socket.send_fds(self._control, [b"."], [connection.fileno()])
                    return
                except OSError:
                    self._stop()
                    if attempt == 2:
                        raise

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        root = str(Path(__file__).resolve().parents[2])
        environment = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL", "TMPDIR") if key in os.environ}
        environment |= {"PYTHONPATH": os.pathsep.join([root, *filter(None, sys.path)]), "PYTHONDONTWRITEBYTECODE": "1"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "core.ingestion.sandbox_child", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        self._control = ours

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
            self._process.kill()
            self._process.wait()
        self._control = self._process = None


def _empty(folder: Path | None) -> None:
    """Take away what a reader left that did not get to its end."""
    for path in folder.iterdir() if folder else ():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _crashed(name: str) -> UnreadableFile:
    return UnreadableFile(f"{name} could not be read: it is damaged, or its reader failed on it.", "Save it again.")


def _opened(data: bytes, name: str) -> dict[str, Any]:
    """The child's answer, or the error it tells of: UnreadableFile is the document's, OSError the disk's."""
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _crashed(name) from error
    if not isinstance(answer, dict):
        raise _crashed(name)
    if isinstance(number := answer.get("disk"), int) and number in DISK:
        raise OSError(number, os.strerror(number))
    if "message" in answer:
        raise UnreadableFile(str(answer["message"]), str(answer.get("remedy", "")))
    if "defect" in answer:
        raise _crashed(name) from RuntimeError(str(answer["defect"]))
    return answer


def _entry(into: Path, name: str, file: str | None, reason: str) -> Entry:
    """An entry whose file must be a plain file right inside `into`, whatever the child says."""
    path = into / Path(file).name if file else None
    if path is not None and (path.is_symlink() or not path.is_file()):
        path, reason = None, reason or "it is damaged"
    return Entry(str(name), path, str(reason))


def from_json(value: dict[str, Any]) -> ParsedDocument:
    """What `sandbox_child.as_json` wrote; offsets outside the page's text are refused."""
    pages = tuple(
        Page(int(number), str(label), str(text), tuple(_block(text, *block) for block in blocks))
        for number, label, text, blocks in value["pages"]
    )
    dropped = tuple(Dropped(int(page), str(what), str(why)) for page, what, why in value["dropped"])
    notes = tuple(str(note) for note in value["notes"])
    scans = tuple(int(number) for number in value["scans"])
    return ParsedDocument(str(value["title"]), str(value["media_type"]), pages, dropped, notes, scans)


def _block(text: str, kind: Any, start: int, end: int, level: int, header: str) -> Block:
    if kind not in _KINDS or not 0 <= start <= end <= len(text):
        raise ValueError("a block lies outside its page")
    return Block(kind, int(start), int(end), int(level), str(header))
