import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing.pool import Pool

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.corpora import Corpora
from storage.database import Database
from storage.errors import LeaseLost
from storage.jobs import Jobs, guard

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
KINDS = ["index"]


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_jobs_are_claimed_oldest_first_and_once(jobs: Jobs) -> None:
    first, second = jobs.enqueue("index", None), jobs.enqueue("index", None)
    claimed = [jobs.claim("w", 30, NOON, KINDS) for _ in range(3)]
    assert [job.id if job else None for job in claimed] == [first.id, second.id, None]


def test_a_job_whose_lease_ran_out_is_claimed_again_with_a_higher_attempt(jobs: Jobs) -> None:
    jobs.enqueue("index", None)
    first = jobs.claim("one", 30, NOON, KINDS)
    assert jobs.claim("two", 30, after(30), KINDS) is None
    second = jobs.claim("two", 30, after(31), KINDS)
    assert first is not None
    assert second is not None
    assert (first.attempt, second.attempt, second.worker) == (1, 2, "two")


def test_a_heartbeat_keeps_a_job(jobs: Jobs) -> None:
    jobs.enqueue("index", None)
    job = jobs.claim("one", 30, NOON, KINDS)
    assert job is not None
    assert jobs.heartbeat(job, 30, after(20))
    assert jobs.claim("two", 30, after(45), KINDS) is None


def test_every_write_of_a_worker_that_lost_its_lease_is_refused(jobs: Jobs, database: Database) -> None:
    jobs.enqueue("index", None)
    lost = jobs.claim("one", 30, NOON, KINDS)
    held = jobs.claim("two", 30, after(60), KINDS)
    assert lost is not None
    assert held is not None
    assert not jobs.heartbeat(lost, 30, after(61))
    for write in (
        lambda: jobs.progress(lost, 1, 2),
        lambda: jobs.say(lost, "still here"),
        lambda: jobs.finish(lost),
        lambda: jobs.release(lost),
        lambda: jobs.cancel_requested(lost),
    ):
        with pytest.raises(LeaseLost):
            write()
    with pytest.raises(LeaseLost), database.write() as session:
        guard(session, lost)
    assert jobs.get(held.id) == held


def test_a_finished_job_is_never_claimed_nor_written_again(jobs: Jobs) -> None:
    jobs.enqueue("index", None)
    job = jobs.claim("one", 30, NOON, KINDS)
    assert job is not None
    jobs.finish(job)
    assert jobs.claim("two", 30, after(1000), KINDS) is None
    with pytest.raises(LeaseLost):
        jobs.progress(job, 1, 1)


def test_a_corpus_has_one_running_job_of_a_kind(jobs: Jobs, database: Database) -> None:
    corpora = Corpora(database)
    here, there = corpora.create("here", "legal").id, corpora.create("there", "legal").id
    for corpus_id in (here, here, there):
        jobs.enqueue("index", corpus_id)
    claimed = [jobs.claim("w", 30, NOON, KINDS) for _ in range(3)]
    assert [job.corpus_id if job else None for job in claimed] == [here, there, None]


def test_claims_that_achieve_nothing_are_counted_and_progress_starts_again(jobs: Jobs) -> None:
    jobs.enqueue("index", None)
    for number in range(3):
        job = jobs.claim("w", 10, after(100 * number), KINDS)
    assert job is not None
    assert job.stalled == 3
    jobs.progress(job, 1, 2)
    assert jobs.get(job.id).stalled == 0


def test_requeued_jobs_of_a_dead_owner_do_not_wait_for_their_lease(jobs: Jobs) -> None:
    jobs.enqueue("index", None)
    jobs.claim("dead", 3600, NOON, KINDS)
    assert jobs.requeue_abandoned() == 1
    assert jobs.claim("alive", 30, NOON, KINDS) is not None


def _claim_all(url: str) -> list[int]:
    database = Database.open(url)
    claimed = []
    while job := Jobs(database).claim("w", 600, NOON, KINDS):
        claimed.append(job.id)
    database.close()
    return claimed


def test_processes_that_claim_at_once_get_each_job_once(database_url: str, jobs: Jobs) -> None:
    queued = [jobs.enqueue("index", None).id for _ in range(60)]
    pool: Pool
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        claimed = pool.map(_claim_all, [database_url] * 2)
    assert sorted(claimed[0] + claimed[1]) == queued


def test_workers_that_claim_at_once_never_run_two_jobs_of_a_corpus(database: Database, jobs: Jobs) -> None:
    corpora = [Corpora(database).create(name, "legal").id for name in ("one", "two")]
    for corpus_id in corpora * 4:
        jobs.enqueue("index", corpus_id)
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(lambda n: jobs.claim(f"w{n}", 600, NOON, KINDS), range(8)))
    held = [job.corpus_id for job in claimed if job is not None]
    assert len(held) == len(set(held)) > 0
    while (job := jobs.claim("late", 600, NOON, KINDS)) is not None:
        held.append(job.corpus_id)
    assert sorted(held, key=str) == sorted(corpora, key=str)


STEPS = st.lists(st.tuples(st.sampled_from(["claim", "beat", "finish", "wait"]), st.integers(0, 2)), max_size=30)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_happens_a_job_has_one_holder_and_is_done_once(jobs: Jobs, steps: list[tuple[str, int]]) -> None:
    """Three workers claim, beat, finish and dawdle in any order; a model says who may succeed."""
    job_id, now = jobs.enqueue("index", None).id, NOON
    held: dict[int, object] = {}
    holder: int | None = None
    until, done = now, False
    for step, worker in steps:
        if step == "wait":
            now += timedelta(seconds=20)
        elif step == "claim":
            job = jobs.claim(f"w{worker}", 30, now, KINDS)
            assert (job is not None) == (not done and (holder is None or until < now))
            if job is not None:
                held[worker], holder, until = job, worker, now + timedelta(seconds=30)
        elif (mine := held.get(worker)) is not None:
            allowed = not done and holder == worker and jobs.get(job_id).attempt == mine.attempt  # type: ignore[attr-defined]
            if step == "beat":
                assert jobs.heartbeat(mine, 30, now) == allowed  # type: ignore[arg-type]
                until = now + timedelta(seconds=30) if allowed else until
            elif allowed:
                jobs.finish(mine)  # type: ignore[arg-type]
                done = True
            else:
                with pytest.raises(LeaseLost):
                    jobs.finish(mine)  # type: ignore[arg-type]
    if not done:
        last = jobs.claim("end", 30, now + timedelta(seconds=60), KINDS)
        assert last is not None
        jobs.finish(last)
