"""What becomes of jobs that are sent to a cluster, with a cluster of the test's own in the place of Ray's."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput, Conflict, StoreDown
from core.jobs import kinds, ray_executor, ray_joining, ray_work, resources, runner
from core.jobs.kinds import Kind
from core.jobs.lease import Cancelled, Lease
from core.jobs.ray_cluster import RayCluster, Sent
from core.jobs.ray_talk import Ended
from core.jobs.resources import Resources
from core.settings import Settings
from core.workspace import Workspace
from storage.database import Database
from storage.jobs import Jobs
from storage.rows import JobRow

PATIENCE_S = 60
LEASE_S = 3.0


class Rehearsed:
    """A cluster that does what the test says."""

    made: list["Rehearsed"]
    down: StoreDown | None = None

    def __init__(self, address: str, stopping: threading.Event | None = None) -> None:
        if self.down:
            raise self.down
        self.made.append(self)
        self.lost = threading.Event()
        self.machines: Sequence[Mapping[str, float]] = ()
        self.sent: list[tuple[Sent, JobRow]] = []
        self.cancelled: list[Sent] = []

    def send(self, takes: Resources, settings: Settings, job: JobRow, carried: Any) -> Sent:
        sent = Sent(len(self.sent))
        self.sent.append((sent, job))
        return sent

    def cancel(self, sent: Sent) -> None:
        self.cancelled.append(sent)

    def close(self) -> None:
        self.lose()

    def lose(self) -> None:
        self.lost.set()
        for sent, _ in self.sent:
            if not sent.over.is_set():
                sent.lost, sent.how = True, Ended(sent.number, True, "lost")
                sent.over.set()

    def ends(self, number: int, how: Ended) -> None:
        sent, _ = self.sent[number]
        sent.how = how
        sent.over.set()


@pytest.fixture
def clusters(monkeypatch: pytest.MonkeyPatch) -> list[Rehearsed]:
    monkeypatch.setattr(Rehearsed, "made", [], raising=False)
    monkeypatch.setattr(Rehearsed, "down", None)
    monkeypatch.setattr(ray_executor, "RayCluster", Rehearsed)
    return Rehearsed.made


@pytest.fixture
def given_up(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """A kind of job for the cluster; what was given up of it."""
    found: list[tuple[int, str]] = []
    practice = Kind(lambda _ws, _lease: None, lambda _ws, job, why: found.append((job.id, why)), clustered=True)
    monkeypatch.setitem(kinds.KINDS, "practice", practice)
    monkeypatch.setitem(resources.USUAL, "practice", Resources(gpus=1))
    return found


@pytest.fixture
def ws(tmp_path: Path, postgres_url: str, clusters: list[Rehearsed], given_up: Any) -> Iterator[Workspace]:
    from core.jobs.dispatcher import Dispatcher

    settings = Settings(
        tmp_path / "home", postgres_url, chroma_url="http://nowhere.invalid:1/t", files_url=str(tmp_path / "shared"),
        ray_address="head:6379",
    )  # fmt: skip
    with Workspace.open(settings) as opened:
        opened._parts["dispatcher"] = Dispatcher(opened, lease_s=LEASE_S)
        opened.dispatcher.start()
        yield opened


def wait_for(condition: Callable[[], Any]) -> None:
    pause = threading.Event()
    for _ in range(PATIENCE_S * 20):
        if condition():
            return
        pause.wait(0.05)
    raise AssertionError("it did not happen")


def queued(ws: Workspace, cluster: Rehearsed) -> JobRow:
    """A job that was sent to the cluster and that nobody has begun."""
    before = len(cluster.sent)
    job = ws.jobs.enqueue("practice", None)
    ws.wake()
    wait_for(lambda: len(cluster.sent) > before)
    return job


def test_a_job_that_waits_says_for_what_and_keeps_its_lease(ws: Workspace, clusters: list[Rehearsed]) -> None:
    job = queued(ws, clusters[0])
    wait_for(lambda: ws.jobs.get(job.id).message == "waits for room in the cluster")
    clusters[0].machines = [{"CPU": 8.0}]
    wait_for(lambda: ws.jobs.get(job.id).message == "waits: no machine of the cluster has 1 GPU")
    threading.Event().wait(1.5 * LEASE_S)
    assert (ws.jobs.get(job.id).attempt, len(clusters[0].sent)) == (1, 1)


def test_a_job_that_waits_for_room_is_cancelled_and_paused_at_once(
    ws: Workspace, clusters: list[Rehearsed], given_up: list[tuple[int, str]]
) -> None:
    job = queued(ws, clusters[0])
    ws.jobs.request_cancel(job.id)
    wait_for(lambda: ws.jobs.get(job.id).status == "cancelled")
    assert given_up == [(job.id, "")]
    other = queued(ws, clusters[0])
    ws.jobs.request_pause(other.id)
    wait_for(lambda: ws.jobs.get(other.id).status == "paused")
    wait_for(lambda: clusters[0].cancelled == [sent for sent, _ in clusters[0].sent])
    assert given_up == [(job.id, "")]


def test_whoever_has_begun_a_job_is_the_only_one_to_keep_it(ws: Workspace, clusters: list[Rehearsed]) -> None:
    job = queued(ws, clusters[0])
    _, claimed = clusters[0].sent[0]
    ws.jobs.begin(claimed, "elsewhere:1")
    wait_for(lambda: len(clusters[0].sent) == 2)  # its heartbeats did not come, so it was claimed again
    assert ws.jobs.get(job.id).attempt == 2


def test_a_job_that_gets_nowhere_in_the_cluster_says_why_waits_longer_each_time_and_is_given_up(
    ws: Workspace, clusters: list[Rehearsed], given_up: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "MAX_STALLED", 3)
    pauses: list[float] = []
    monkeypatch.setattr(runner, "pause", lambda row: pauses.append(row.stalled) or timedelta(seconds=0.2))
    job = queued(ws, clusters[0])
    for attempt in range(3):
        wait_for(lambda at=attempt: len(clusters[0].sent) > at)
        clusters[0].ends(attempt, Ended(attempt, True, "There is no use of the database x. Start it."))
        if attempt == 0:
            wait_for(lambda: "no use of the database x. Start it; trying again" in ws.jobs.get(job.id).message)
    wait_for(lambda: ws.jobs.get(job.id).status == "failed")
    assert pauses == [1, 2]
    why = f"{runner.GIVEN_UP} There is no use of the database x. Start it."
    assert (ws.jobs.get(job.id).error, given_up) == (why, [(job.id, why)])
    assert len(clusters[0].sent) == 3


def test_a_job_that_got_somewhere_before_it_failed_is_tried_again_at_once(
    ws: Workspace, clusters: list[Rehearsed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "pause", lambda _: timedelta(hours=1))
    queued(ws, clusters[0])
    _, claimed = clusters[0].sent[0]
    ws.jobs.begin(claimed, "elsewhere:1")
    ws.jobs.progress(claimed, 1, 2)
    clusters[0].ends(0, Ended(0, True, "Its machine in the cluster was lost."))
    wait_for(lambda: len(clusters[0].sent) == 2)


def test_a_short_outage_of_the_database_gives_up_no_job_that_waits(
    ws: Workspace, clusters: list[Rehearsed], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = queued(ws, clusters[0])
    whole, failed = Jobs.hold, threading.Event()

    def fails_once(self: Jobs, job: JobRow, lease_s: float, now: datetime, message: str) -> bool:
        if not failed.is_set():
            failed.set()
            raise ConnectionError("the server closed the connection")
        return whole(self, job, lease_s, now, message)

    monkeypatch.setattr(Jobs, "hold", fails_once)
    assert failed.wait(PATIENCE_S)
    wait_for(lambda: ws.jobs.get(job.id).heartbeat_at > ws.jobs.get(job.id).started_at)
    assert (len(clusters[0].sent), clusters[0].cancelled) == (1, [])


def test_a_worker_that_waits_for_its_parts_outlasts_an_outage_and_sees_that_it_is_cancelled(
    ws: Workspace, clusters: list[Rehearsed], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = queued(ws, clusters[0])
    _, claimed = clusters[0].sent[0]
    ws.jobs.begin(claimed, "elsewhere:1")
    waiting, whole = ray_work.Waiting(ws.jobs, claimed), Jobs.cancel_requested

    def fails(_self: Jobs, _job: JobRow) -> bool:
        raise ConnectionError("the server closed the connection")

    monkeypatch.setattr(Jobs, "cancel_requested", fails)
    waiting("no machine of the cluster has 1 GPU")
    monkeypatch.setattr(Jobs, "cancel_requested", whole)
    waiting("no machine of the cluster has 1 GPU")
    assert ws.jobs.get(job.id).message == "waits: no machine of the cluster has 1 GPU"
    ws.jobs.request_cancel(job.id)
    with pytest.raises(Cancelled):
        waiting("")


def test_jobs_of_a_cluster_that_was_lost_wait_for_it_and_go_on_when_it_is_joined_again(
    ws: Workspace, clusters: list[Rehearsed], given_up: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, waiting = queued(ws, clusters[0]), queued(ws, clusters[0])
    ws.jobs.begin(clusters[0].sent[0][1], "elsewhere:1")
    monkeypatch.setattr(Rehearsed, "down", StoreDown("It does not answer."))
    clusters[0].lose()
    wait_for(lambda: all("cluster head:6379 was lost" in ws.jobs.get(job.id).message for job in (begun, waiting)))
    gone = ws.jobs.enqueue("practice", None)
    ws.wake()
    wait_for(lambda: "cluster head:6379 was lost" in ws.jobs.get(gone.id).message)
    ws.jobs.request_cancel(gone.id)
    wait_for(lambda: ws.jobs.get(gone.id).status == "cancelled")
    monkeypatch.setattr(Rehearsed, "down", None)
    wait_for(lambda: len(clusters) == 2 and len(clusters[1].sent) == 2)
    assert {job.id for _, job in clusters[1].sent} == {begun.id, waiting.id}
    assert {ws.jobs.get(job.id).stalled for job in (begun, waiting)} == {1}  # it was not their fault
    assert given_up == [(gone.id, "")]


def test_closing_puts_what_is_in_the_cluster_back_into_the_queue(ws: Workspace, clusters: list[Rehearsed]) -> None:
    job = queued(ws, clusters[0])
    ws.dispatcher.stop()
    assert ws.jobs.get(job.id).status == "queued"


def test_a_worker_whose_clock_is_wrong_begins_no_job_and_says_so(
    ws: Workspace, clusters: list[Rehearsed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = queued(ws, clusters[0])
    _, claimed = clusters[0].sent[0]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    right = Database.clock
    monkeypatch.setattr(Database, "clock", lambda self: right(self) + timedelta(minutes=1))
    with pytest.raises(Conflict, match=r"The clock of \S+ is \d\d seconds behind the database's"):
        ray_work.work(ws.settings, claimed, {})
    assert ws.jobs.get(job.id).worker == claimed.worker
    monkeypatch.setattr(Database, "clock", right)
    ray_work.work(ws.settings, claimed, {})
    assert ws.jobs.get(job.id).status == "done"


def test_a_dashboard_whose_clock_is_wrong_sends_no_jobs(
    tmp_path: Path, postgres_url: str, clusters: list[Rehearsed], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = {"chroma_url": "http://nowhere.invalid:1/t", "files_url": str(tmp_path), "ray_address": "head:6379"}
    with Workspace.open(Settings(tmp_path / "home", postgres_url, **elsewhere)) as ws:  # type: ignore[arg-type]
        monkeypatch.setattr(Database, "clock", lambda _: datetime.now(UTC) - timedelta(minutes=1))
        with pytest.raises(Conflict, match="The clock of this machine is 60 seconds ahead of the database's"):
            _ = ws.dispatcher
    assert clusters == []


def test_the_cluster_is_left_after_what_runs_here_has_ended_which_may_need_it(
    ws: Workspace, clusters: list[Rehearsed], monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[bool] = []
    begun = threading.Event()

    def trains(_ws: Workspace, lease: Lease) -> None:
        begun.set()
        try:
            while True:
                lease.check()
                threading.Event().wait(0.05)
        finally:
            left.append(clusters[0].lost.wait(1.0))

    monkeypatch.setitem(kinds.KINDS, "training", Kind(trains, lambda *_: None))
    ws.jobs.enqueue("training", None)
    ws.wake()
    assert begun.wait(PATIENCE_S)
    ws.dispatcher.stop()
    assert (left, clusters[0].lost.is_set()) == ([False], True)


@pytest.mark.parametrize("address", ["head", "ray://head:10001", "head:port", "http://head:6379", ":6379", ""])
def test_an_address_that_is_none_is_refused_in_one_line(address: str) -> None:
    with pytest.raises(BadInput, match="TRIPTYCH_RAY_ADDRESS cannot be used"):
        ray_joining.host_and_port(address)


def test_a_head_that_is_not_there_is_one_line_about_the_head() -> None:
    pytest.importorskip("ray", reason="Ray is not tested: it is not installed (the extra `ray`)")
    with pytest.raises(StoreDown, match=r"cluster 127.0.0.1:9 does not answer: Connection refused\. Start its head"):
        ray_joining.connect("127.0.0.1:9", patience_s=0)
    with pytest.raises(BadInput, match="not a host and a port"):
        RayCluster("127.0.0.1")  # by the process that would drive it


def test_joining_ends_at_once_when_the_program_does() -> None:
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(StoreDown, match="this program is ending"):
        RayCluster("127.0.0.1:9", stopping)
