"""Where a claimed job runs: one small seam. Threads of this process, or a Ray cluster (`ray_executor.py`).

A job is handed over as its row, which is all that another process or machine would need.
"""

import threading
from collections.abc import Callable
from typing import Protocol

from storage.rows import JobRow


class Executor(Protocol):
    """Runs claimed jobs somewhere, several at a time."""

    def room(self) -> int:
        """How many jobs it could take now."""

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
        self._threads: dict[threading.Thread, int] = {}

    def room(self) -> int:
        """How many jobs it could take now."""
        self._threads = {thread: job for thread, job in self._threads.items() if thread.is_alive()}
        return self._slots - len(self._threads)

    def start(self, job: JobRow) -> None:
        """Begin a job in a thread of its own."""
        thread = threading.Thread(target=self._do, args=(job,), name=f"job-{job.id}", daemon=True)
        self._threads[thread] = job.id
        thread.start()

    def at_work(self) -> set[int]:
        """The ids of the jobs that were begun and have not ended."""
        return {job for thread, job in list(self._threads.items()) if thread.is_alive()}

    def close(self) -> None:
        """Wait until every job that was begun has ended."""
        for thread in self._threads:
            thread.join()

    def _do(self, job: JobRow) -> None:
        try:
            self._run(job)
        finally:
            self._ended()
