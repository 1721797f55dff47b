"""Looks after all sources while the server runs: on time, and as soon as the file system says that something changed.

    events (debounced) or the clock -> look (in a thread a source) -> something to do? -> a sync job

A look that finds nothing writes nothing: when it was is remembered here only. One that finds other dates or tags and
the same content notes those. What is to be done is done by the job, so a kill loses nothing.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core.errors import TriptychError
from core.sync.events import Events
from core.sync.folder import SETTLE_S
from core.sync.looking import look
from core.tracing import where
from storage.errors import NotFound
from storage.rows import SourceRow
from storage.sources import Taken

if TYPE_CHECKING:
    from core.workspace import Workspace

log = logging.getLogger(__name__)
TICK_S = 5.0
"""How soon sources are seen that another process added or changed."""
QUIET_S = 1.0
"""An event is acted upon when nothing more has happened for so long,"""
PATIENCE_S = 5.0
"""or at the latest after this."""


@dataclass(slots=True)
class Followed:
    """What is remembered of one source; times are of the monotonic clock.

    Attributes:
        due: when it is looked at next.
        first_event, last_event: of those not acted upon yet; None when there are none.
        looking: a look is under way.
        looked_at: when the last one ended.
    """

    due: float
    first_event: float | None = None
    last_event: float | None = None
    looking: bool = False
    looked_at: datetime | None = None

    def next(self) -> float:
        """When it is to be looked at."""
        if self.first_event is None or self.last_event is None:
            return self.due
        return min(self.due, self.last_event + QUIET_S, self.first_event + PATIENCE_S)


class Watch:
    """`start` and `stop` once each."""

    def __init__(self, ws: "Workspace") -> None:
        self._ws = ws
        self._followed: dict[int, Followed] = {}
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._events = Events(self._happened)
        self._looks: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._loop, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to look after the sources, in a thread; each is looked at once right away."""
        self._thread.start()

    def wake(self) -> None:
        """See at once that sources were added or changed."""
        self._woken.set()

    def stop(self) -> None:
        """Look no more, and wait for looks under way."""
        self._stopping.set()
        self.wake()
        if self._thread.is_alive():
            self._thread.join()
        self._events.close()
        for thread in self._looks:
            thread.join()

    def looked_at(self, source_id: int) -> datetime | None:
        """When a source was last looked at by this process."""
        followed = self._followed.get(source_id)
        return followed.looked_at if followed else None

    def sees_events(self, source_id: int) -> bool:
        """Whether the file system tells of changes of a source."""
        return self._events.sees(source_id)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            pause = TICK_S
            try:
                pause = self._look_after(time.monotonic())
            except Exception as error:  # noqa: BLE001  it may be over at the next look
                log.error("the sources could not be looked after; trying again: %s", where(error))
            self._woken.wait(pause)

    def _look_after(self, now: float) -> float:
        """Begin the looks that are due; returns how many seconds nothing more is."""
        sources = {source.id: source for source in self._ws.sources.list() if source.enabled}
        self._events.follow({key: each.location["path"] for key, each in sources.items() if each.kind == "folder"})
        self._looks = [thread for thread in self._looks if thread.is_alive()]
        with self._lock:
            for gone in set(self._followed) - set(sources):
                del self._followed[gone]
            for source_id, source in sources.items():
                followed = self._followed.setdefault(source_id, Followed(due=now))
                if not followed.looking and followed.next() <= now:
                    followed.looking, followed.first_event, followed.last_event = True, None, None
                    followed.due = now + source.every_minutes * 60
                    self._begin(source)
            waits = [each.next() - now for each in self._followed.values() if not each.looking]
        return max(0.05, min([TICK_S, *waits]))

    def _begin(self, source: SourceRow) -> None:
        thread = threading.Thread(target=self._one, args=(source,), name=f"look-{source.id}", daemon=True)
        self._looks.append(thread)
        thread.start()

    def _one(self, source: SourceRow) -> None:
        """One look at one source, and its job when there is something to do."""
        soon = False
        try:
            soon = look_once(self._ws, source, self._check)
        except _Stopped:
            return
        except NotFound:
            pass  # removed meanwhile
        except Exception as error:  # noqa: BLE001  the next look comes anyway
            log.error("looking at source %d: %s", source.id, where(error))
        with self._lock:
            followed = self._followed.get(source.id)
            if followed is not None:
                followed.looking, followed.looked_at = False, datetime.now(UTC)
                followed.due = min(followed.due, time.monotonic() + SETTLE_S) if soon else followed.due
        self.wake()

    def _check(self) -> None:
        if self._stopping.is_set():
            raise _Stopped

    def _happened(self, source_id: int) -> None:
        """Something changed in a folder."""
        now = time.monotonic()
        with self._lock:
            followed = self._followed.get(source_id)
            if followed is None:
                return
            first, followed.last_event = followed.first_event is None, now
            followed.first_event = followed.first_event or now
        if first:
            self.wake()


class _Stopped(Exception):
    """The server is about to end."""


def look_once(ws: "Workspace", source: SourceRow, check: Callable[[], None] = lambda: None) -> bool:
    """Look at a source, queue a job if there is something to do, and say on it what stands in the way.

    Returns: whether it should be looked at again soon, because files are still being written.
    """
    try:
        plan = look(ws, source, check=check)
    except TriptychError as error:
        ws.sources.change(source.id, last_error=error.message, last_remedy=error.remedy)
        return False
    if plan.refreshed:
        ws.sources.refresh(source.id, [Taken(each.path, each.size, each.mtime_ns, each.etag, each.last_modified,
                                             each.sha256) for each in plan.refreshed])  # fmt: skip
    if plan.work:
        ws.sources.request(source.id)
        ws.wake()
    else:
        problem, remedy = plan.problem
        ws.sources.change(source.id, last_error=problem, last_remedy=remedy)
    return bool(plan.waiting)
