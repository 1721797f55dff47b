"""Takes jobs from the queue and has them run, in the process that owns the workspace."""

import logging
import os
import socket
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core import repair, room
from core.jobs.executors import Executor, ThreadExecutor
from core.jobs.kinds import ALONE, KINDS
from core.jobs.lease import LEASE_S
from core.jobs.runner import run
from core.tracing import where
from storage.errors import Locked
from storage.rows import JobRow

if TYPE_CHECKING:
    from core.workspace import Workspace

log = logging.getLogger(__name__)
SLOTS = 3
POLL_S = 0.5
"""How soon a job is seen that another process queued; one queued here is seen at once (`wake`)."""


class Dispatcher:
    """Claims jobs while there is room for them. `start` and `stop` once each."""

    def __init__(self, ws: "Workspace", executor: Executor | None = None, lease_s: float = LEASE_S) -> None:
        self._ws = ws
        self._lease_s = lease_s
        self._worker = f"{socket.gethostname()}:{os.getpid()}"
        self._stopping = threading.Event()
        self._beginning = threading.Lock()  # what stopping put back must not be claimed by a look begun before
        self._woken = threading.Event()
        self._executor: Executor = executor or self._chosen()
        self._thread = threading.Thread(target=self._loop, name="dispatcher", daemon=True)

    def start(self) -> None:
        """Begin to take jobs, in a thread."""
        self._thread.start()

    def wake(self) -> None:
        """Look at the queue now."""
        self._woken.set()

    def stop(self) -> None:
        """Take no more jobs, put those under way back at their next step, and wait for that."""
        with self._beginning:
            self._stopping.set()
        self.wake()
        if self._thread.is_alive():
            self._thread.join()
        self._executor.close()

    def at_work(self) -> set[int]:
        """The jobs that run now, also those whose rows were deleted meanwhile and that do not know it yet."""
        return self._executor.at_work()

    def run_one(self) -> JobRow | None:
        """Claim one job and run it to its end, here; returns the job as it is then, None when none waits."""
        repair.settle(self._ws)
        job = self._claim(list(KINDS))
        if job is None:
            return None
        self._run(job)
        return self._ws.jobs.get(job.id)

    def _may_begin(self) -> list[str]:
        """The kinds of jobs for which there is a slot, and room on the disk: a job that is begun without only fails."""
        if self._stopping.is_set() or room.short(self._ws.home):
            return []
        if self._executor.room() > 0:
            return list(KINDS)
        return [name for name, kind in KINDS.items() if kind.quick] if self._executor.room(quick=True) > 0 else []

    def _chosen(self) -> Executor:
        here = ThreadExecutor(self._run, SLOTS, self.wake)
        if not self._ws.settings.ray_address:
            return here
        from core.jobs.ray_executor import RayExecutor

        return RayExecutor(self._ws, here, self.wake, self._lease_s)

    def _run(self, job: JobRow) -> None:
        run(self._ws, job, self._stopping, self._lease_s)

    def _claim(self, kinds: Sequence[str]) -> JobRow | None:
        return self._ws.jobs.claim(self._worker, self._lease_s, datetime.now(UTC), kinds, ALONE)

    def _begin_one(self) -> bool:
        with self._beginning:
            if not (kinds := self._may_begin()) or not (job := self._claim(kinds)):
                return False
            self._executor.start(job)
            return True

    def _loop(self) -> None:
        owner = True
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                self._ws.database.keep_own()
                if not room.short(self._ws.home):
                    repair.settle(self._ws)
                while self._begin_one():
                    pass
                owner = True
            except Locked as error:
                if owner:
                    log.error("no more jobs are begun here: %s", error)
                owner = False
            except Exception as error:  # noqa: BLE001  it may be over at the next look
                log.error("the queue could not be read; trying again: %s", where(error))
            self._woken.wait(POLL_S)
