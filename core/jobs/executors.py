"""Where a claimed job runs: one small seam. Threads of this process, or a Ray cluster (`ray_executor.py`).

A job is handed over as its row, which is all that another process or machine would need.
"""

import threading
from collections.abc import Callable, Collection
from typing import Protocol

from core.jobs.kinds import KINDS
from storage.rows import JobRow


class Executor(Protocol):
    """Runs claimed jobs somewhere, several at a time."""

    def room(self, quick: bool = False) -> int:
        """How many jobs it could take now: of any kind, or of the quick kinds, for which one place is kept."""

    def start(self, job: JobRow) -> None:
        """Begin a job and return at once."""

    def at_work(self) -> set[int]:
        """The ids of the jobs that were begun and have not ended."""

    def close(self) -> None:
        """Wait until every job that was begun has ended."""


class ThreadExecutor:
    """One thread a job.

    Args:
        run: does a job and returns when it has ended; raises nothing.
        slots: jobs at once.
        ended: called after each job, from its thread.
    """

    def __init__(self, run: Callable[[JobRow], None], slots: int, ended: Callable[[], None]) -> None:
        self._run = run
        self._slots = slots
        self._ended = ended
        self._threads: dict[threading.Thread, JobRow] = {}

    def room(self, quick: bool = False) -> int:
        """How many jobs it could take now: of any kind, or of the quick kinds, for which one place is kept."""
        self._threads = {thread: job for thread, job in self._threads.items() if thread.is_alive()}
        return free(self._slots, [job.kind for job in self._threads.values()], quick)

    def start(self, job: JobRow) -> None:
        """Begin a job in a thread of its own."""
        thread = threading.Thread(target=self._do, args=(job,), name=f"job-{job.id}", daemon=True)
        self._threads[thread] = job
        thread.start()

    def at_work(self) -> set[int]:
        """The ids of the jobs that were begun and have not ended."""
        return {job.id for thread, job in list(self._threads.items()) if thread.is_alive()}

    def close(self) -> None:
        """Wait until every job that was begun has ended."""
        for thread in self._threads:
            thread.join()

    def _do(self, job: JobRow) -> None:
        try:
            self._run(job)
        finally:
            self._ended()


def free(slots: int, under_way: Collection[str], quick: bool) -> int:
    """How many more jobs fit into `slots` beside those of the kinds `under_way`: quick ones, or any.

    The last slot is for quick jobs alone: what takes hours must not keep an upload from being answerable in seconds.
    """
    left = slots - len(under_way)
    if quick:
        return left
    long = sum(not KINDS[kind].quick for kind in under_way)
    return min(left, slots - 1 - long)
