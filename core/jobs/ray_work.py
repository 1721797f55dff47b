"""What runs in a process of the cluster: one claimed job, on the shared stores."""

import logging
import os
import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import platformdirs

from core.jobs import resources
from core.jobs.lease import Cancelled, Paused, check, check_clock
from core.jobs.own_home import home_with
from core.settings import Settings
from core.tracing import where
from storage.errors import LeaseLost
from storage.jobs import Jobs
from storage.rows import JobRow

if TYPE_CHECKING:
    from core.evaluation.elsewhere import Carried

log = logging.getLogger(__name__)


def work(settings: Settings, job: JobRow, carried: "Carried") -> None:
    """Run one claimed job in a process of the cluster: on the shared stores, with a folder of its machine's own.

    Args:
        settings: the dashboard's: which stores, and what each kind takes.
        carried: adapters that came along.

    Raises:
        StoreDown: a store cannot be reached from this machine.
        Conflict: its clock is wrong.
        Nothing that the job itself raised: that is in its row.
    """
    from core.ingestion.embedders import Embedders
    from core.ingestion.spreading import SpreadEmbedder, SpreadFolder, Workers
    from core.jobs.runner import run
    from core.workspace import Workspace

    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    workers = Workers(resources.read(settings.ray_resources)["embedding"])
    given: dict[str, object] = {}  # an evaluation embeds questions alone, and by itself
    if job.kind != "evaluate":
        packaged = SpreadEmbedder(workers)
        folder = partial(SpreadFolder, workers=workers)
        given = {"embedder": packaged, "embedders": Embedders(lambda: packaged, folder)}
    with (
        home_with(platformdirs.user_cache_path("triptych") / "worker", carried) as home,
        Workspace.open(replace(settings, home=home), owner=False, given=given) as ws,
    ):
        check_clock(datetime.now(UTC), ws.database.clock(), socket.gethostname())
        ws.jobs.begin(job, f"{socket.gethostname()}:{os.getpid()}")
        workers.meanwhile = Waiting(ws.jobs, job)
        run(ws, job, threading.Event())


class Waiting:
    """Called while a job waits for what its machine sent to others."""

    def __init__(self, jobs: Jobs, job: JobRow) -> None:
        self._jobs, self._job = jobs, job
        self._said = ""

    def __call__(self, for_what: str) -> None:
        """Say in the job's line what it waits for, if told. A database that does not answer is asked again.

        Raises:
            LeaseLost, Paused, Cancelled: the job is to end.
        """
        try:
            check(self._jobs, self._job)
            if for_what and for_what != self._said:
                self._jobs.say(self._job, f"waits: {for_what}")
            self._said = for_what
        except (LeaseLost, Paused, Cancelled):
            raise
        except Exception as error:  # noqa: BLE001  it may be over at the next look
            log.error("job %d could not be looked at; trying again: %s", self._job.id, where(error))
