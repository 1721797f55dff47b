"""Holding a job while working on it: heartbeats in the background, and one question to ask between steps."""

import logging
import threading
from datetime import UTC, datetime
from types import TracebackType

from core.errors import Conflict
from core.tracing import where
from storage.errors import LeaseLost
from storage.jobs import Jobs
from storage.rows import JobRow

log = logging.getLogger(__name__)
LEASE_S = 30.0
CLOCKS_S = 5.0
"""How far a machine's clock may be from the database's: leases that one machine writes are read by another."""


class Cancelled(Exception):
    """A person asked for the job's end."""


class Paused(Exception):
    """A person asked the job to wait; it goes on where it was when they say so."""


class Stopping(Exception):
    """This process is about to end; the job goes on in the next one."""


class Lease:
    """A claimed job, kept by heartbeats for as long as the `with` block lasts.

    Attributes:
        job: as it was claimed; its attempt is the fencing token of every write.
    """

    def __init__(self, jobs: Jobs, job: JobRow, stopping: threading.Event, lease_s: float = LEASE_S) -> None:
        self.job = job
        self._jobs = jobs
        self._lease_s = lease_s
        self._stopping = stopping
        self._lost = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{job.id}", daemon=True)

    def __enter__(self) -> "Lease":
        """Begin the heartbeats."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the heartbeats; the job's state is left to the runner."""
        self._over.set()
        self._thread.join()

    def check(self) -> None:
        """Call between steps: raises LeaseLost, Stopping, Paused or Cancelled when the work should end here."""
        if self._lost.is_set():
            raise LeaseLost(f"job {self.job.id}, attempt {self.job.attempt}")
        if self._stopping.is_set():
            raise Stopping
        check(self._jobs, self.job)

    def _beat(self) -> None:
        while not self._over.wait(self._lease_s / 3):
            try:
                if not self._jobs.heartbeat(self.job, self._lease_s, datetime.now(UTC)):
                    self._lost.set()
                    return
            except Exception as error:  # noqa: BLE001  the next beat may come through
                log.error("heartbeat of job %d: %s", self.job.id, where(error))


def check(jobs: Jobs, job: JobRow) -> None:
    """Raises LeaseLost, Paused or Cancelled when the work on a claimed job should end."""
    if jobs.cancel_requested(job):
        raise Cancelled
    if jobs.pause_requested(job):
        raise Paused


def check_clock(ours: datetime, database: datetime, machine: str) -> None:
    """Raises Conflict when a machine's clock is too far from the database's for the two to share leases."""
    ahead_s = (ours - database).total_seconds()
    if abs(ahead_s) > CLOCKS_S:
        apart = f"{abs(ahead_s):.0f} seconds {'ahead of' if ahead_s > 0 else 'behind'}"
        message = f"The clock of {machine} is {apart} the database's, and jobs are kept by both."
        raise Conflict(message, "Set both right (NTP does).")
