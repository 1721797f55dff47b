"""Sends heavy jobs to a Ray cluster (`TRIPTYCH_RAY_ADDRESS`, extra `ray`); the others stay on this machine.

    dispatcher claims -> a Ray task with the kind's resources -> `work` opens the stores there and runs the job

The rows are the only channel: progress, cancelling, heartbeats and the fencing token are the worker's own writes to
the database. Until the worker has begun, the job waits for room in the cluster and is kept by heartbeats from here.
When its node is lost, it is claimed again, with a higher attempt: what the lost one might still write is refused.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import platformdirs

from core.errors import BadInput, StoreDown
from core.evaluation.elsewhere import Carried
from core.jobs import resources
from core.jobs.executors import Executor, free
from core.jobs.kinds import KINDS
from core.jobs.own_home import home_with
from core.jobs.resources import Resources
from core.settings import Settings
from core.tracing import where
from storage.errors import LeaseLost, NotFound
from storage.jobs import Jobs
from storage.rows import JobRow

log = logging.getLogger(__name__)
SLOTS = 16
"""Jobs given to the cluster at once; how many of them run, its resources say."""


class RayExecutor:
    """Runs jobs of the kinds that may go to the cluster there, and the rest by another executor.

    Args:
        here: for what stays on this machine.
        stays: whether a job has to although its kind may go; see `placing.stays`.
        carried: the files that go along with a job; see `placing.carried`.
        ended: called after each job, from a thread.
        lease_s: as the jobs are claimed with.

    Raises:
        StoreDown: Ray is not installed, or the cluster does not answer.
        BadInput: a store is one that other machines cannot reach.
    """

    def __init__(
        self,
        settings: Settings,
        jobs: Jobs,
        here: Executor,
        ended: Callable[[], None],
        lease_s: float,
        stays: Callable[[JobRow], bool],
        carried: Callable[[JobRow], Carried],
    ) -> None:
        check_reachable(settings)
        connect(settings.ray_address)
        self._resources = resources.read(settings.ray_resources)
        self._settings, self._jobs, self._here = settings, jobs, here
        self._ended, self._lease_s, self._stays, self._carried = ended, lease_s, stays, carried
        self._under_way: dict[threading.Thread, tuple[JobRow, Any]] = {}
        self._closing = False

    def room(self, quick: bool = False) -> int:
        """How many jobs it could take now: none while this machine has none, as the next may have to stay here.

        Args:
            quick: of the quick kinds, for which one place is kept, there and here.
        """
        self._under_way = {thread: job for thread, job in self._under_way.items() if thread.is_alive()}
        there = free(SLOTS, [job.kind for job, _ in self._under_way.values()], quick)
        return min(there, self._here.room(quick))

    def start(self, job: JobRow) -> None:
        """Hand a job to the cluster, or to this machine."""
        if not KINDS[job.kind].clustered or self._stays(job):
            self._here.start(job)
            return
        ref = _task(self._resources[job.kind], f"{job.kind} {job.id}").remote(self._settings, job, self._carried(job))
        thread = threading.Thread(target=self._follow, args=(job, ref), name=f"ray-job-{job.id}", daemon=True)
        self._under_way[thread] = job, ref
        thread.start()

    def at_work(self) -> set[int]:
        """The ids of the jobs that were begun and have not ended."""
        there = {job.id for thread, (job, _) in list(self._under_way.items()) if thread.is_alive()}
        return there | self._here.at_work()

    def close(self) -> None:
        """End what is under way in the cluster, put it back in the queue, and wait for what runs here."""
        import ray

        self._closing = True
        for _, ref in self._under_way.values():
            with suppress(ray.exceptions.RayError):
                ray.cancel(ref, force=True)
        for thread in self._under_way:
            thread.join()
        self._here.close()

    def _follow(self, job: JobRow, ref: Any) -> None:
        import ray

        try:
            while not ray.wait([ref], timeout=self._lease_s / 3)[0]:
                with suppress(NotFound):  # its corpus was deleted, which it finds by itself
                    if self._jobs.get(job.id).worker == job.worker:  # nobody has begun it yet
                        self._jobs.heartbeat(job, self._lease_s, datetime.now(UTC))
            ray.get(ref)
        except Exception as error:  # noqa: BLE001  whatever ended it, the job is tried again
            why = "closing" if self._closing else where(error)
            log.warning("job %d, attempt %d, ended in the cluster: %s", job.id, job.attempt, why)
            with suppress(LeaseLost):
                self._jobs.release(job) if self._closing else self._jobs.retry_at(job, datetime.now(UTC))
        finally:
            self._ended()


def work(settings: Settings, job: JobRow, carried: Carried) -> None:
    """Run one claimed job in a process of the cluster: on the shared stores, with a folder of its machine's own.

    Args:
        carried: adapters that came along.
    """
    from core.ingestion.embedders import Embedders
    from core.ingestion.spreading import SpreadEmbedder, SpreadFolder, Workers
    from core.jobs.runner import run
    from core.workspace import Workspace

    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    given: dict[str, object] = {}  # an evaluation embeds questions alone, and by itself
    if job.kind != "evaluate":
        workers = Workers(resources.read(settings.ray_resources)["embedding"])
        packaged = SpreadEmbedder(workers)
        folder = partial(SpreadFolder, workers=workers)
        given = {"embedder": packaged, "embedders": Embedders(lambda: packaged, folder)}
    with (
        home_with(platformdirs.user_cache_path("triptych") / "worker", carried) as home,
        Workspace.open(replace(settings, home=home), owner=False, given=given) as ws,
    ):
        ws.jobs.begin(job, f"{socket.gethostname()}:{os.getpid()}")
        run(ws, job, threading.Event())


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


def connect(address: str) -> None:
    """Join the cluster as a driver; nothing is reported to anybody. Raises StoreDown."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray

        ray.init(address=address, ignore_reinit_error=True, log_to_driver=False, logging_level=logging.WARNING)
    except ModuleNotFoundError as error:
        raise StoreDown(
            "Ray is not installed.", "pip install 'triptych[ray]', or unset TRIPTYCH_RAY_ADDRESS."
        ) from error
    except (ConnectionError, ValueError, RuntimeError) as error:
        message = f"The Ray cluster {address} does not answer: {str(error).splitlines()[0]}"
        raise StoreDown(message, "Start it, or correct TRIPTYCH_RAY_ADDRESS.") from error


def _task(takes: Resources, name: str) -> Any:
    import ray

    # Ray must not run it again by itself: an attempt is a claim, with a fencing token of its own.
    return ray.remote(work).options(max_retries=0, name=name, **takes.options())
