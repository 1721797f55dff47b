import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from core.errors import TriptychError
from core.ingestion import intake
from core.jobs import kinds
from core.jobs.dispatcher import POLL_S, SLOTS, Dispatcher
from core.jobs.executors import free
from core.jobs.kinds import Kind
from core.jobs.lease import Lease
from core.settings import Settings
from core.workspace import Workspace
from storage.database import Database
from storage.rows import JobRow
from tests.postgres_server import end_owner

PATIENCE_S = 60  # until a test gives up waiting for a thread; passes return long before

Step = Callable[[Lease], None]


class Practice:
    """A kind of job whose work a test writes."""

    def __init__(self) -> None:
        self.step: Step = lambda _: None
        self.given_up: list[tuple[int, str]] = []
        self.begun = threading.Event()

    def run(self, _ws: Workspace, lease: Lease) -> None:
        self.begun.set()
        self.step(lease)

    def give_up(self, _ws: Workspace, job: JobRow, reason: str) -> None:
        self.given_up.append((job.id, reason))


@pytest.fixture
def practice(monkeypatch: pytest.MonkeyPatch) -> Practice:
    practice = Practice()
    monkeypatch.setitem(kinds.KINDS, "practice", Kind(practice.run, practice.give_up))
    return practice


@pytest.fixture
def ws(tmp_path: Path, database_url: str) -> Iterator[Workspace]:
    with Workspace.open(Settings(tmp_path / "home", database_url)) as opened:
        yield opened


def until_cancelled(lease: Lease) -> None:
    while True:
        lease.check()
        threading.Event().wait(0.01)


def test_every_kind_of_job_has_a_module_that_does_it_and_gives_it_up() -> None:
    for name, module in kinds.MODULES.items():
        imported = import_module(module)
        assert callable(imported.run), name
        assert callable(imported.give_up), name


def test_indexing_from_the_command_line_imports_nothing_that_only_other_jobs_need() -> None:
    said = (
        "import sys, core.commands.index, core.workspace, core.jobs.dispatcher; print('langchain_core' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout == "False\n"


def test_whose_database_another_dashboard_took_over_begins_no_more_jobs(
    tmp_path: Path, postgres_url: str, practice: Practice
) -> None:
    with Workspace.open(Settings(tmp_path / "home", postgres_url)) as ws:
        other = Database.open(postgres_url)
        end_owner(other)
        other.own()
        ws.jobs.enqueue("practice", None)
        ws.dispatcher.start()
        assert not practice.begun.wait(3 * POLL_S)
        other.close()
        assert practice.begun.wait(PATIENCE_S)


def test_a_job_runs_and_is_done(ws: Workspace, practice: Practice) -> None:
    queued = ws.jobs.enqueue("practice", None)
    done = ws.dispatcher.run_one()
    assert done is not None
    assert (done.id, done.status, done.attempt) == (queued.id, "done", 1)
    assert ws.dispatcher.run_one() is None


def test_a_mistake_a_person_can_mend_fails_the_job_with_its_text(ws: Workspace, practice: Practice) -> None:
    def fail(_: Lease) -> None:
        raise TriptychError("The disk is full.", "Make room.")

    practice.step = fail
    job_id = ws.jobs.enqueue("practice", None).id
    job = ws.dispatcher.run_one()
    assert job is not None
    assert (job.status, job.error) == ("failed", "The disk is full. Make room.")
    assert practice.given_up == [(job_id, "The disk is full. Make room.")]


def test_a_defect_is_tried_again_later_and_given_up_in_the_end(ws: Workspace, practice: Practice) -> None:
    def fail(_: Lease) -> None:
        raise ValueError("a defect")

    practice.step = fail
    job_id = ws.jobs.enqueue("practice", None).id
    ws.dispatcher.run_one()
    waiting = ws.jobs.get(job_id)
    assert waiting.status == "running"
    assert waiting.lease_until is not None
    assert waiting.lease_until > datetime.now(UTC)
    for _ in range(5):
        ws.jobs.requeue_abandoned()
        ws.dispatcher.run_one()
    assert ws.jobs.get(job_id).status == "failed"
    assert len(practice.given_up) == 1


def test_a_running_job_is_cancelled_at_its_next_step(ws: Workspace, practice: Practice) -> None:
    practice.step = until_cancelled
    job_id = ws.jobs.enqueue("practice", None).id
    ws.dispatcher.start()
    assert practice.begun.wait(PATIENCE_S)
    ws.jobs.request_cancel(job_id)
    wait_for(lambda: ws.jobs.get(job_id).status == "cancelled")
    assert practice.given_up == [(job_id, "")]


def test_stopping_puts_the_job_back_for_the_next_start(ws: Workspace, practice: Practice) -> None:
    practice.step = until_cancelled
    job_id = ws.jobs.enqueue("practice", None).id
    dispatcher = Dispatcher(ws)
    dispatcher.start()
    assert practice.begun.wait(PATIENCE_S)
    dispatcher.stop()
    assert ws.jobs.get(job_id).status == "queued"
    assert ws.jobs.get(job_id).stalled == 0
    practice.step = lambda _: None
    done = Dispatcher(ws).run_one()
    assert done is not None
    assert (done.status, done.attempt) == ("done", 2)


def test_a_look_at_the_queue_under_way_when_we_stop_does_not_claim_what_stopping_put_back(
    ws: Workspace, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice.step = until_cancelled
    job_id = ws.jobs.enqueue("practice", None).id
    looking, claim = threading.Event(), ws.jobs.claim

    def slow_claim(*given: Any) -> JobRow | None:
        if practice.begun.is_set():
            looking.set()
            until = time.monotonic() + 1
            while ws.jobs.get(job_id).status == "running" and time.monotonic() < until:
                time.sleep(0.01)
        return claim(*given)

    monkeypatch.setattr(ws.jobs, "claim", slow_claim)
    dispatcher = Dispatcher(ws)
    dispatcher.start()
    assert practice.begun.wait(PATIENCE_S)
    assert looking.wait(PATIENCE_S)
    dispatcher.stop()
    job = ws.jobs.get(job_id)
    assert (job.status, job.attempt) == ("queued", 1)


def test_heartbeats_keep_a_job_longer_than_its_lease(ws: Workspace, practice: Practice) -> None:
    first_lease: list[datetime] = []

    def work(lease: Lease) -> None:
        assert lease.job.lease_until is not None
        first_lease.append(lease.job.lease_until)
        wait_for(lambda: datetime.now(UTC) > lease.job.lease_until)
        lease.check()

    practice.step = work
    ws.jobs.enqueue("practice", None)
    job = Dispatcher(ws, lease_s=0.6).run_one()
    assert job is not None
    assert (job.status, job.attempt) == ("done", 1)
    assert job.finished_at is not None
    assert job.finished_at > first_lease[0]


def test_a_job_taken_over_ends_without_a_word(ws: Workspace, practice: Practice) -> None:
    def lose(lease: Lease) -> None:
        ws.jobs.requeue_abandoned()
        assert ws.jobs.claim("another", 60, datetime.now(UTC), ["practice"]) is not None

    practice.step = lose
    job_id = ws.jobs.enqueue("practice", None).id
    job = ws.dispatcher.run_one()
    assert job is not None
    assert (job.id, job.status, job.worker) == (job_id, "running", "another")
    assert practice.given_up == []


def test_as_many_jobs_run_at_once_as_there_are_slots_and_the_next_waits(
    ws: Workspace, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kinds.KINDS, "practice", Kind(practice.run, practice.give_up, quick=True))
    together, release = threading.Barrier(SLOTS + 1), threading.Event()

    def meet(_: Lease) -> None:
        together.wait(PATIENCE_S)
        release.wait(PATIENCE_S)

    practice.step = meet
    ids = [ws.jobs.enqueue("practice", None).id for _ in range(SLOTS + 1)]
    ws.dispatcher.start()
    together.wait(PATIENCE_S)  # the jobs under way and this test
    assert ws.jobs.get(ids[-1]).status == "queued"
    practice.step = lambda _: None
    release.set()
    wait_for(lambda: ws.jobs.waiting() == 0)


def test_a_document_becomes_ready_beside_as_many_long_jobs_as_there_are_slots(
    ws: Workspace, practice: Practice
) -> None:
    practice.step = until_cancelled
    ids = [ws.jobs.enqueue("practice", None).id for _ in range(SLOTS)]
    ws.dispatcher.start()
    assert practice.begun.wait(PATIENCE_S)
    corpus = intake.create_corpus(ws, "contracts", "legal").id
    intake.add_files(ws, corpus, [("lease.md", b"# Lease\n\nThe rent is 4,200 euro.\n")])
    wait_for(lambda: [row.status for row in ws.corpora.documents(corpus)] == ["ready"])
    wait_for(lambda: [ws.jobs.get(each).status for each in ids] == ["running"] * (SLOTS - 1) + ["queued"])
    for each in ids:
        ws.jobs.request_cancel(each)
    wait_for(lambda: ws.jobs.waiting() == 0)


def test_the_last_slot_is_for_quick_jobs_alone() -> None:
    assert [free(3, ["finetune"] * n, quick=False) for n in range(3)] == [2, 1, 0]
    assert [free(3, ["finetune"] * n, quick=True) for n in range(4)] == [3, 2, 1, 0]
    assert free(3, ["index", "index"], quick=False) == 1
    assert free(3, ["index", "finetune"], quick=False) == 1
    assert free(3, ["index", "sync", "index"], quick=True) == 0


def wait_for(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / 0.02)):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("it did not happen")
