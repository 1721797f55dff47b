"""Sends heavy jobs to a Ray cluster (`TRIPTYCH_RAY_ADDRESS`, extra `ray`); the others stay on this machine.

    dispatcher claims -> a Ray task with the kind's resources -> `ray_work` opens the stores there and runs the job

The rows are the only channel: progress, heartbeats and the fencing token are the worker's own writes to the database.
Until the worker has begun, the job waits here, kept by heartbeats of ours: for room in the cluster, or for the cluster
itself, which is joined again when it was lost. When its node is lost, it is claimed again, with a higher attempt: what
the lost one might still write is refused.
"""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from core.errors import BadInput, TriptychError
from core.jobs import resources, runner
from core.jobs.executors import Executor, free
from core.jobs.kinds import KINDS
from core.jobs.lease import Cancelled, Paused, Stopping, check, check_clock
from core.jobs.placing import carried, stays
from core.jobs.ray_cluster import RayCluster, Sent
from core.jobs.ray_talk import Ended
from core.jobs.resources import Resources
from core.settings import Settings
from core.tracing import where
from storage.errors import LeaseLost, NotFound
from storage.rows import JobRow

if TYPE_CHECKING:
    from core.workspace import Workspace

log = logging.getLogger(__name__)
SLOTS = 16
"""Jobs given to the cluster at once; how many of them run, its resources say."""
LOOK_S = 2.0
"""How soon a job that waits sees that somebody cancelled or paused it."""
LONGEST_S = 60.0
"""Between two attempts to join a cluster that was lost."""


class RayExecutor:
    """Runs jobs of the kinds that may go to the cluster there, and the rest by another executor.

    Args:
        here: for what stays on this machine.
        ended: called after each job, from a thread.
        lease_s: as the jobs are claimed with.

    Raises:
        StoreDown: Ray is not installed, or the cluster cannot be joined.
        BadInput: a store is one that other machines cannot reach, or the address is none.
        Conflict: this machine's clock is not the database's.
    """

    def __init__(self, ws: "Workspace", here: Executor, ended: Callable[[], None], lease_s: float) -> None:
        check_reachable(ws.settings)
        check_clock(datetime.now(UTC), ws.database.clock(), "this machine")
        self._resources = resources.read(ws.settings.ray_resources)
        self._ws, self._here, self._ended, self._lease_s = ws, here, ended, lease_s
        self._address = ws.settings.ray_address
        self._look_s = min(LOOK_S, lease_s / 3)
        self._under_way: dict[threading.Thread, JobRow] = {}
        self._closing = threading.Event()
        log.warning("joining the Ray cluster %s ...", self._address)  # somebody waits for it, for seconds at the least
        self._cluster = RayCluster(self._address)
        self._keeper = threading.Thread(target=self._keep_joined, name="ray-keeper", daemon=True)
        self._keeper.start()

    def room(self, quick: bool = False) -> int:
        """How many jobs it could take now: none while this machine has none, as the next may have to stay here.

        Args:
            quick: of the quick kinds, for which one place is kept, there and here.
        """
        self._under_way = {thread: job for thread, job in self._under_way.items() if thread.is_alive()}
        there = free(SLOTS, [job.kind for job in self._under_way.values()], quick)
        return min(there, self._here.room(quick))

    def start(self, job: JobRow) -> None:
        """Hand a job to the cluster, or to this machine."""
        if not KINDS[job.kind].clustered or stays(self._ws, job):
            self._here.start(job)
            return
        thread = threading.Thread(target=self._follow, args=(job,), name=f"ray-job-{job.id}", daemon=True)
        self._under_way[thread] = job
        thread.start()

    def at_work(self) -> set[int]:
        """The ids of the jobs that were begun and have not ended."""
        return {job.id for thread, job in list(self._under_way.items()) if thread.is_alive()} | self._here.at_work()

    def close(self) -> None:
        """Wait for what runs here, end what is under way in the cluster, and put it back in the queue.

        The cluster is left last: a training that saves before it ends goes through this machine's node.
        """
        self._closing.set()
        self._keeper.join()
        self._here.close()
        self._cluster.close()
        for thread in self._under_way:
            thread.join()

    def _keep_joined(self) -> None:
        """Join the cluster again whenever it was lost, with growing pauses."""
        while not self._closing.is_set():
            if not self._cluster.lost.wait(self._look_s):
                continue
            log.error("the Ray cluster %s was lost; what it worked on goes on when it is joined again", self._address)
            pause = 1.0
            while not self._closing.wait(pause):
                try:
                    self._cluster = RayCluster(self._address, self._closing)
                except TriptychError as error:
                    pause = min(2 * pause, LONGEST_S)
                    log.warning("%s Trying again in %.0f seconds.", error, pause)
                else:
                    log.warning("the Ray cluster %s was joined again", self._address)
                    break

    def _follow(self, job: JobRow) -> None:
        """See a claimed job through, in a thread of its own."""
        try:
            self._through(job)
        except (Cancelled, Paused, Stopping) as asked:
            self._settle(job, partial(runner.end_as_asked, self._ws, job, asked))
        except LeaseLost:
            log.warning("job %d was taken over or deleted; attempt %d ends here", job.id, job.attempt)
        except Exception as error:  # noqa: BLE001  its lease runs out, and it is claimed again
            log.error("job %d, attempt %d, was not followed to its end: %s", job.id, job.attempt, where(error))
        finally:
            self._ended()

    def _through(self, job: JobRow) -> None:
        takes = self._resources[job.kind]
        cluster, sent, begun = self._cluster, None, False
        try:
            while sent is None or not sent.over.wait(self._look_s):
                if sent is None and not (cluster := self._cluster).lost.is_set():
                    sent = cluster.send(takes, self._ws.settings, job, carried(self._ws, job))
                elif not begun:
                    begun = not self._hold(job, _waits(sent, cluster, takes, self._address))
                    if sent is None:
                        self._closing.wait(self._look_s)
        except BaseException:
            if sent is not None:
                cluster.cancel(sent)
            raise
        if sent.how is not None and sent.how.failed:
            self._failed(job, sent, sent.how)

    def _hold(self, job: JobRow, line: str) -> bool:
        """Keep a job that nobody has begun; False once somebody has.

        A database that does not answer is asked again: the job is kept as long as its lease lasts.

        Raises:
            Cancelled, Paused, Stopping: it is to end. LeaseLost: it is somebody else's, or gone.
        """
        if self._closing.is_set():
            raise Stopping
        try:
            if self._ws.jobs.hold(job, self._lease_s, datetime.now(UTC), line):
                check(self._ws.jobs, job)
                return True
            row = self._ws.jobs.get(job.id)
        except (Cancelled, Paused, LeaseLost):
            raise
        except NotFound as error:  # its corpus was deleted
            raise LeaseLost(f"job {job.id}") from error
        except Exception as error:  # noqa: BLE001  it may be over at the next look
            log.error("job %d could not be looked at; trying again: %s", job.id, where(error))
            return True
        if (row.attempt, row.status) != (job.attempt, "running"):
            raise LeaseLost(f"job {job.id}, attempt {job.attempt}")
        return False

    def _failed(self, job: JobRow, sent: Sent, how: Ended) -> None:
        """What becomes of a job whose task did not end in order."""
        if self._closing.is_set() or sent.lost:
            raise Stopping  # it was not its fault
        log.warning("job %d, attempt %d, ended in the cluster: %s %s", job.id, job.attempt, how.told, how.at)
        self._settle(job, partial(self._again, job, how.told))

    def _again(self, job: JobRow, told: str) -> None:
        """Try a job again: at once when this attempt got somewhere, later and later when it did not, or no more."""
        row = self._ws.jobs.get(job.id)
        if (row.attempt, row.status) != (job.attempt, "running"):
            raise LeaseLost(f"job {job.id}, attempt {job.attempt}")
        if row.stalled >= runner.MAX_STALLED:
            runner.give_up(self._ws, job, f"{runner.GIVEN_UP} {told or 'See the log.'}")
            return
        now = datetime.now(UTC)
        self._ws.jobs.retry_at(job, now + (runner.pause(row) if row.stalled else timedelta()), _sentence(told))

    def _settle(self, job: JobRow, write: Callable[[], None]) -> None:
        """Write down what becomes of a job; when that cannot be, its lease runs out and it is claimed again."""
        try:
            write()
        except (LeaseLost, NotFound):
            log.warning("job %d was taken over or deleted; attempt %d ends here", job.id, job.attempt)
        except Exception as error:  # noqa: BLE001
            log.error("job %d, attempt %d: %s", job.id, job.attempt, where(error))


def _waits(sent: Sent | None, cluster: RayCluster, takes: Resources, address: str) -> str:
    """What a job that nobody has begun waits for, in words."""
    if sent is None:
        return f"waits: the Ray cluster {address} was lost, and is joined again by itself"
    lacks = takes.lacking(cluster.machines) if cluster.machines else ""
    return f"waits: {lacks}" if lacks else "waits for room in the cluster"


def _sentence(told: str) -> str:
    return told.rstrip(".") or "something went wrong"


def check_reachable(settings: Settings) -> None:
    """Every store must be one that a worker on another machine sees; raises BadInput."""
    missing = [
        name
        for name, there in (
            ("TRIPTYCH_DATABASE_URL (PostgreSQL)", not settings.database_url.startswith("sqlite")),
            ("TRIPTYCH_CHROMA_URL", bool(settings.chroma_url)),
            ("TRIPTYCH_FILES_URL", bool(settings.files_url)),
        )
        if not there
    ]
    if missing:
        raise BadInput(
            f"A Ray cluster cannot reach what is on this machine alone: set {', '.join(missing)}.",
            "Or leave TRIPTYCH_RAY_ADDRESS out: jobs run on this machine then.",
        )
