"""Waits for documents to be indexed and says how far it is, whoever does the work."""

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import room
from core.commands.terminal import say
from core.errors import NoRoom, TriptychError
from storage.corpora import PENDING
from storage.errors import Locked
from storage.lock import WorkspaceLock
from storage.rows import DocumentRow

if TYPE_CHECKING:
    from core.workspace import Workspace

LOOK_S = 0.25
OWNER_S = 3.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The documents as they were when none was queued or under way any more; deleted ones are left out."""

    ready: tuple[DocumentRow, ...]
    unfinished: tuple[DocumentRow, ...]


def follow(ws: "Workspace", document_ids: Iterable[int]) -> Outcome:
    """Wait until none of the documents is queued or under way, showing progress on stderr.

    Raises:
        TriptychError: the work is another process's, and it went away.
    """
    ids = sorted(set(document_ids))
    shown = Line()
    owner_seen = time.monotonic()
    while True:
        rows = ws.corpora.documents_by_ids(ids)
        pending = [row for row in rows.values() if row.status in PENDING]
        shown.show(progress(list(rows.values()), pending))
        if not pending:
            shown.end()
            return _outcome([rows[key] for key in ids if key in rows])
        if room.short(ws.home):
            shown.end()
            raise NoRoom("The disk is full; what was taken is kept.", "Free some, and run the same command again.")
        if ws.lock is None and time.monotonic() - owner_seen > OWNER_S:
            check_owner(ws)
            owner_seen = time.monotonic()
        time.sleep(LOOK_S)


def finish(ws: "Workspace", corpus_id: int) -> None:
    """Let the index jobs of a corpus end whose documents are done: one killed just before its end has that left.

    It would stand in the queue until the next start, though there is nothing to do.
    """
    while any(job.kind == "index" for job in ws.jobs.list(corpus_id, ("queued", "running"))):
        if room.short(ws.home):
            return
        time.sleep(LOOK_S / 5)


def progress(rows: Sequence[DocumentRow], pending: Sequence[DocumentRow]) -> str:
    """How far it is, in one line: documents done, and the one under way."""
    text = f"{len(rows) - len(pending)} of {len(rows)} documents"
    current = next((row for row in pending if row.status == "embedding"), None)
    current = current or next((row for row in pending if row.status == "parsing"), None)
    if current is None:
        return text
    share = f" {100 * current.progress_done // current.progress_total} %" if current.progress_total else ""
    return f"{text}; {current.status} {current.name}{share}"


class Line:
    """One line on stderr that is rewritten on a terminal, and printed now and then elsewhere."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._last = ""
        self._at = 0.0

    def show(self, text: str) -> None:
        """Show a state, unless it is the one shown."""
        if text == self._last or (not self._live and time.monotonic() - self._at < 5):
            return
        self._last, self._at = text, time.monotonic()
        self._clear()
        say(text[:110] if self._live else text, end="" if self._live else "\n", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line."""
        self._clear()

    def _clear(self) -> None:
        if self._live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _outcome(rows: Sequence[DocumentRow]) -> Outcome:
    ready = tuple(row for row in rows if row.status == "ready")
    return Outcome(ready, tuple(row for row in rows if row.status != "ready"))


def check_owner(ws: "Workspace") -> None:
    """Whoever owns the workspace does the work; when nobody does, nobody will."""
    lock = WorkspaceLock(ws.home)
    try:
        lock.acquire()
    except Locked:
        return
    lock.release()
    raise TriptychError("The process that was indexing went away; nothing is lost.", "Run the same command again.")
