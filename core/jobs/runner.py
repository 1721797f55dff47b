"""Runs one claimed job to its end and says in its row how it ended.

Knows nothing of what the job does (`kinds.py`) and nothing of where it runs (`executors.py`).
"""

import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from core import memory, room
from core.errors import NoRoom, TriptychError
from core.jobs.kinds import KINDS
from core.jobs.lease import LEASE_S, Cancelled, Lease, Paused, Stopping
from core.tracing import where
from storage import audit
from storage.errors import LeaseLost
from storage.rows import JobRow

if TYPE_CHECKING:
    from core.workspace import Workspace

log = logging.getLogger(__name__)
ROOM_S = 30.0
"""How long a job waits that found the disk full, before it is tried again; it is never given up for that."""
MAX_STALLED = 5
"""Claims in a row that achieved nothing before a job is given up: what kills its worker would do so for ever."""
GIVEN_UP = f"This was given up after {MAX_STALLED} attempts that got nowhere."


def run(ws: "Workspace", job: JobRow, stopping: threading.Event, lease_s: float = LEASE_S) -> None:
    """Work on a claimed job until it is done, cancelled, failed, lost, or put back because we stop.

    Raises nothing that the job raised: what happened is in its row, defects are in the log as well.
    """
    try:
        with audit.acting("job"), Lease(ws.jobs, job, stopping, lease_s) as lease:
            _work(ws, lease)
    except LeaseLost:
        log.warning("job %d was taken over; attempt %d ends here", job.id, job.attempt)
    except Exception as error:  # noqa: BLE001  logged without its message, which may quote a document
        told = where(error)
        log.error("job %d (%s), attempt %d: %s", job.id, job.kind, job.attempt, told)
    finally:
        memory.give_back()


def _work(ws: "Workspace", lease: Lease) -> None:
    job, kind = lease.job, KINDS[lease.job.kind]
    try:
        if job.stalled > MAX_STALLED:
            raise TriptychError(GIVEN_UP, "See the log.")
        lease.check()
        kind.run(ws, lease)
        ws.jobs.finish(job)
    except (Cancelled, Stopping, Paused) as asked:
        end_as_asked(ws, job, asked)
    except NoRoom as error:
        _wait_for_room(ws, job, error)
    except TriptychError as error:
        give_up(ws, job, str(error))
    except LeaseLost:
        raise
    except Exception as error:
        if why := room.told(error):
            _wait_for_room(ws, job, why)
            return
        ws.jobs.retry_at(job, datetime.now(UTC) + pause(job))
        raise


def end_as_asked(ws: "Workspace", job: JobRow, asked: Cancelled | Stopping | Paused) -> None:
    """Put a claimed job where a person, or the end of this process, wants it; may raise LeaseLost."""
    if isinstance(asked, Stopping):
        ws.jobs.release(job)
    elif isinstance(asked, Paused):
        ws.jobs.pause(job)
    else:
        KINDS[job.kind].give_up(ws, job, "")
        ws.jobs.finish(job, "cancelled")


def give_up(ws: "Workspace", job: JobRow, why: str) -> None:
    """End a claimed job as failed, for a reason in one line; may raise LeaseLost."""
    KINDS[job.kind].give_up(ws, job, why)
    ws.jobs.finish(job, "failed", why)


def pause(job: JobRow) -> timedelta:
    """How long a job waits before it is tried again after a defect: longer after each attempt that got nowhere."""
    return timedelta(seconds=2 ** min(job.stalled, 5))


def _wait_for_room(ws: "Workspace", job: JobRow, why: NoRoom) -> None:
    log.warning("job %d (%s) waits: %s", job.id, job.kind, why)
    ws.jobs.wait_until(job, datetime.now(UTC) + timedelta(seconds=ROOM_S), f"waits: {why.message}")
