"""The queue: rows with a lease and a fencing token. How a job is run is not known here.

At least once: whoever claims a job holds it for `lease_s` and keeps it by heartbeats; when they stop,
another may claim it. The attempt number is the fencing token: every write names it, and is refused
(`LeaseLost`) once the job has been claimed again. `now` is a parameter, so no test waits.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from storage import audit
from storage.database import Database
from storage.errors import LeaseLost, NotFound
from storage.rows import JobRow, copied
from storage.tables import Job
from storage.tables import now as current_time

OPEN = ("queued", "running", "paused")
AUDITED = {
    "finetune": ("adapter", "training started"),
    "evaluate": ("evaluation", "started"),
    "export": ("adapter", "export started"),
    "judge": ("adapter", "put before the gate"),
    "examples": ("examples", "proposing started"),
    "reindex": ("corpus", "index change started"),
}
"""Jobs whose beginning stands in the audit log: its subject and what happened to it."""
Rows = list  # the word itself names a method of the class below


class Jobs:
    """Every method is one short transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enqueue(self, kind: str, corpus_id: int | None, payload: dict[str, Any] | None = None) -> JobRow:
        """Add a job to the end of the queue."""
        with self._database.write() as session:
            return enqueue(session, kind, corpus_id, payload)

    def claim(
        self, worker: str, lease_s: float, now: datetime, kinds: Sequence[str], alone: Sequence[str] = ()
    ) -> JobRow | None:
        """Take the first job that is queued or whose lease ran out; None when there is none.

        A corpus has one running job of a kind at a time: its others wait. Of the kinds `alone`, one runs at a time.
        """
        with self._database.write(alone=False) as session:
            query = select(Job).where(Job.kind.in_(kinds), _claimable(now), ~_corpus_is_busy(now, alone))
            job = session.scalar(query.order_by(Job.place, Job.id).limit(1).with_for_update(skip_locked=True))
            if job is None or self._taken_meanwhile(session, job, now, alone):
                return None
            job.status, job.worker = "running", worker
            job.attempt += 1
            job.stalled += 1
            job.started_at = job.started_at or now
            job.heartbeat_at, job.lease_until = now, now + timedelta(seconds=lease_s)
            session.flush()
            return copied(JobRow, job)

    def begin(self, job: JobRow, worker: str) -> None:
        """Say who works on a claimed job, when that is not who claimed it; may raise LeaseLost."""
        self._write(job, {"worker": worker})

    def hold(self, job: JobRow, lease_s: float, now: datetime, message: str) -> bool:
        """Keep a claimed job that nobody has begun yet for another `lease_s`, and say what it waits for.

        False when somebody has begun it (`begin`), or it is no longer its claimer's.
        """
        values = {"heartbeat_at": now, "lease_until": now + timedelta(seconds=lease_s), "message": message}
        with self._database.write(alone=False) as session:
            mine = update(Job).where(*_held(job), Job.worker == job.worker).values(values)
            return session.execute(mine.returning(Job.id)).first() is not None

    def heartbeat(self, job: JobRow, lease_s: float, now: datetime) -> bool:
        """Keep a claimed job for another `lease_s`; False when it is no longer this worker's."""
        values = {"heartbeat_at": now, "lease_until": now + timedelta(seconds=lease_s)}
        with self._database.write(alone=False) as session:
            done = session.execute(update(Job).where(*_held(job)).values(values).returning(Job.id))
            return done.first() is not None

    def progress(self, job: JobRow, done: int, total: int, message: str = "") -> None:
        """Say how far a claimed job is, after something that will not have to be done again; may raise LeaseLost."""
        values = {"progress_done": done, "progress_total": total, "message": message, "stalled": 0}
        self._write(job, values)

    def say(self, job: JobRow, message: str) -> None:
        """Say what a claimed job is doing, without claiming that anything was achieved; may raise LeaseLost."""
        self._write(job, {"message": message})

    def finish(self, job: JobRow, status: str = "done", error: str = "") -> None:
        """End a claimed job as done, failed or cancelled; may raise LeaseLost."""
        self._write(job, {"status": status, "error": error, "finished_at": current_time(), "lease_until": None})

    def release(self, job: JobRow) -> None:
        """Put a claimed job back, as when the server stops in order: it was not its fault. May raise LeaseLost."""
        self._write(job, {"status": "queued", "lease_until": None, "stalled": max(0, job.stalled - 1)})

    def pause(self, job: JobRow) -> None:
        """Put a claimed job aside until it is resumed; may raise LeaseLost."""
        self._write(job, {"status": "paused", "lease_until": None, "stalled": max(0, job.stalled - 1)})

    def request_pause(self, job_id: int) -> None:
        """Have a job wait: one that is queued at once, a running one at its next step. Raises NotFound."""
        self._steer(job_id, {"queued": "paused"}, True)

    def resume(self, job_id: int) -> None:
        """Let a paused job go on; nothing happens when it is not paused. Raises NotFound."""
        self._steer(job_id, {"paused": "queued"}, False)

    def pause_requested(self, job: JobRow) -> bool:
        """Whether a claimed job should wait."""
        with self._database.read() as session:
            return bool(session.scalar(select(Job.pause_requested).where(Job.id == job.id)))

    def move_first(self, job_id: int) -> None:
        """Have a queued job done before all others. Raises NotFound."""
        with self._database.write() as session:
            job = session.get(Job, job_id)
            if job is None:
                raise NotFound(f"job {job_id}")
            job.place = (session.scalar(select(func.min(Job.place))) or 0) - 1
            _note(session, "moved to the front", job)

    def _steer(self, job_id: int, becomes: dict[str, str], pause: bool) -> None:
        with self._database.write() as session:
            job = session.get(Job, job_id)
            if job is None:
                raise NotFound(f"job {job_id}")
            if job.status in OPEN:
                job.pause_requested = pause
                _note(session, "paused" if pause else "resumed", job)
                job.status = becomes.get(job.status, job.status)

    def retry_at(self, job: JobRow, time: datetime, why: str = "something went wrong") -> None:
        """Let a claimed job be claimed again from `time` on; may raise LeaseLost."""
        self._write(job, {"lease_until": time, "message": f"{why}; trying again"})

    def wait_until(self, job: JobRow, time: datetime, message: str) -> None:
        """Let a claimed job be claimed again from `time` on, through no fault of its own; may raise LeaseLost."""
        self._write(job, {"lease_until": time, "message": message, "stalled": 0})

    def request_cancel(self, job_id: int) -> None:
        """Ask whoever runs it, or will, to end it; nothing happens when it is over. Raises NotFound."""
        with self._database.write() as session:
            job = session.get(Job, job_id)
            if job is None:
                raise NotFound(f"job {job_id}")
            if job.status in OPEN:
                job.cancel_requested = True
                _note(session, "cancelled", job)
                job.status = "queued" if job.status == "paused" else job.status  # whoever claims it ends it

    def cancel_requested(self, job: JobRow) -> bool:
        """Whether a claimed job should end; may raise LeaseLost."""
        with self._database.read() as session:
            row = session.execute(select(Job.cancel_requested).where(*_held(job))).first()
        if row is None:
            raise LeaseLost(f"job {job.id}, attempt {job.attempt}")
        return bool(row[0])

    def get(self, job_id: int) -> JobRow:
        """One job; raises NotFound."""
        with self._database.read() as session:
            job = session.get(Job, job_id)
            if job is None:
                raise NotFound(f"job {job_id}")
            return copied(JobRow, job)

    def list(self, corpus_id: int | None = None, statuses: Sequence[str] = (), limit: int = 50) -> Rows[JobRow]:
        """The newest jobs first; `statuses` restricts to those."""
        query = select(Job).order_by(Job.id.desc()).limit(limit)
        query = query.where(Job.corpus_id == corpus_id) if corpus_id is not None else query
        query = query.where(Job.status.in_(statuses)) if statuses else query
        with self._database.read() as session:
            return [copied(JobRow, job) for job in session.scalars(query)]

    def waiting(self) -> int:
        """How many jobs are not over."""
        with self._database.read() as session:
            return session.scalar(select(func.count(Job.id)).where(Job.status.in_(OPEN))) or 0

    def requeue_abandoned(self) -> int:
        """Put every running job back in the queue: only for who knows that no worker is alive. Returns how many."""
        with self._database.write() as session:
            running = update(Job).where(Job.status == "running").values(status="queued", lease_until=None)
            return len(session.scalars(running.returning(Job.id)).all())

    def _taken_meanwhile(self, session: Session, job: Job, now: datetime, alone: Sequence[str]) -> bool:
        """Whether another worker claimed a job that this one must not run beside, while this one chose."""
        turnstile = 0 if job.kind in alone else job.corpus_id
        if turnstile is None:
            return False
        self._database.one_by_one(session, turnstile)  # until now two that chose at once saw nothing of each other
        return session.scalar(select(Job.id).where(Job.id == job.id, _corpus_is_busy(now, alone))) is not None

    def _write(self, job: JobRow, values: dict[str, Any]) -> None:
        with self._database.write(alone=False) as session:
            if session.execute(update(Job).where(*_held(job)).values(values).returning(Job.id)).first() is None:
                raise LeaseLost(f"job {job.id}, attempt {job.attempt}")


def enqueue(session: Session, kind: str, corpus_id: int | None, payload: dict[str, Any] | None = None) -> JobRow:
    """Add a job inside a transaction of the caller's."""
    job = Job(kind=kind, corpus_id=corpus_id, payload=payload or {})
    session.add(job)
    session.flush()
    if kind in AUDITED:
        subject, action = AUDITED[kind]
        named = (payload or {}).get(subject)  # an adapter's or an evaluation's id
        audit.note(session, action, subject, named if isinstance(named, int) else None, corpus_id=corpus_id, job=job.id)
    return copied(JobRow, job)


def _note(session: Session, action: str, job: Job) -> None:
    audit.note(session, action, "job", job.id, corpus_id=job.corpus_id, kind=job.kind)


def guard(session: Session, job: JobRow) -> None:
    """Refuse to go on with a transaction whose job was claimed by another: raises LeaseLost.

    The row stays locked until the transaction ends, so that nobody claims it in between.
    """
    if session.execute(select(Job.id).where(*_held(job)).with_for_update()).first() is None:
        raise LeaseLost(f"job {job.id}, attempt {job.attempt}")


def _held(job: JobRow) -> tuple[ColumnElement[bool], ...]:
    return Job.id == job.id, Job.attempt == job.attempt, Job.status == "running"


def _claimable(now: datetime) -> ColumnElement[bool]:
    return or_(Job.status == "queued", (Job.status == "running") & (Job.lease_until < now))


def _corpus_is_busy(now: datetime, alone: Sequence[str]) -> ColumnElement[bool]:
    other = aliased(Job)
    at_work = (other.status == "running") & (other.lease_until >= now)
    there = or_(other.corpus_id == Job.corpus_id, other.kind.in_(alone))
    return exists().where(there, other.kind == Job.kind, other.id != Job.id, at_work)
