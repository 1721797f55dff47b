"""Joining a real Ray cluster from a machine without a node of it, and losing its head."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.errors import StoreDown
from core.ingestion import intake
from core.jobs.ray_cluster import RayCluster
from core.settings import Settings
from core.workspace import Workspace
from tests.core.jobs.test_ray import cluster as cluster
from tests.core.jobs.test_ray import manual, node, silent_head, wait_for
from tests.core.jobs.test_ray import settings as settings

OBJECTS = f"--object-store-memory={80 << 20}"
ELSEWHERE = """
import subprocess, sys, threading
import psutil
from core.jobs import ray_joining
from core.jobs.ray_cluster import RayCluster

def left():
    seen = [each.info for each in psutil.process_iter(["pid", "name", "status"])]  # one that ends meanwhile is no error
    return [each["pid"] for each in seen if each["name"] == "raylet" and each["status"] != "zombie"]

joined = RayCluster(sys.argv[1])
threading.Event().wait(4)
print(sorted(machine.get("CPU", 0) for machine in joined.machines), len(left()))
joined.close()
ray_joining.connect(sys.argv[1])
import ray
print(ray.get(ray.remote(lambda: "done there").options(num_cpus=1).remote()))
ray_joining.leave()
print(left())
killed = "import os, sys; from core.jobs.ray_cluster import RayCluster; RayCluster(sys.argv[1]); os._exit(9)"
subprocess.run([sys.executable, "-c", killed, sys.argv[1]])
for _ in range(600):
    if left():
        threading.Event().wait(0.1)
print(left())
"""


def test_a_machine_without_a_node_of_the_cluster_joins_it_and_leaves_nothing(cluster: Any) -> None:
    """In a namespace of process ids, as in a container, Ray sees none of the nodes that run here."""
    alone = ["unshare", "--pid", "--fork", "--mount-proc"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("joining from another container is not tested: there is no right to make a namespace here")
    node(cluster)
    script = [sys.executable, "-c", ELSEWHERE, cluster.address]
    told = subprocess.run([*alone, *script], capture_output=True, text=True, timeout=300)
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines() == ["[0, 0, 1.0] 1", "done there", "[]", "[]"], told.stderr


def test_what_answers_and_is_no_head_is_told_from_a_head_that_is_not_there() -> None:
    pytest.importorskip("ray", reason="Ray is not tested: it is not installed (the extra `ray`)")
    with socket.socket() as deaf:
        deaf.bind(("", 0))
        deaf.listen()
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(
            StoreDown, match=f"cannot join the Ray cluster {address}: .*Look whether {address} is a Ray"
        ):
            RayCluster(address)


def test_a_job_whose_texts_no_machine_can_embed_says_so_and_is_cancelled(settings: Settings, cluster: Any) -> None:
    node(cluster)
    with Workspace.open(replace(settings, ray_resources='{"embedding": {"gpus": 1}}')) as ws:
        corpus = intake.create_corpus(ws, "contracts", "legal").id
        took = intake.add_files(ws, corpus, [("lease.md", b"# Lease\n\nThe rent is 4,200 euro.\n")])
        assert took.job_id is not None
        ws.dispatcher.start()
        wait_for(lambda: ws.jobs.get(took.job_id).message == "waits: no machine of the cluster has 1 GPU")
        intake.cancel_job(ws, took.job_id)
        wait_for(lambda: ws.jobs.get(took.job_id).status == "cancelled")
        assert [row.status for row in ws.corpora.documents(corpus)] == ["cancelled"]
        intake.add_files(ws, corpus, [("b.md", b"# Lease\n\nThe rent is 5,200 euro.\n")])
        wait_for(lambda: ws.jobs.list(corpus)[0].message == "waits: no machine of the cluster has 1 GPU")


def test_a_store_that_workers_cannot_reach_stands_in_the_job_s_line(settings: Settings, cluster: Any) -> None:
    node(cluster)
    with Workspace.open(settings) as ws:
        corpus = intake.create_corpus(ws, "contracts", "legal").id
        took = intake.add_files(ws, corpus, [("lease.md", b"# Lease\n\nThe rent is 4,200 euro.\n")])
        assert took.job_id is not None
        ws.settings = replace(ws.settings, database_url="postgresql://x@127.0.0.1:9/none")  # as `localhost` is there
        ws.dispatcher.start()
        wait_for(lambda: "There is no use of the database postgresql" in ws.jobs.get(took.job_id).message)
        wait_for(lambda: ws.jobs.get(took.job_id).attempt > 1)
        assert ws.jobs.get(took.job_id).stalled == ws.jobs.get(took.job_id).attempt


class Nodes:
    """Nodes of Ray in processes of their own, as `ray start` makes them; a head that can be killed."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        self.kept: list[subprocess.Popen[bytes]] = []
        self._options: dict[int, tuple[str, ...]] = {}

    def head(self) -> subprocess.Popen[bytes]:
        port = self.address.split(":")[1]
        sessions = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # a socket's path must be short
        options = ["--head", f"--port={port}", "--num-cpus=0", "--include-dashboard=false", f"--temp-dir={sessions}"]
        return self._start(*options, "--node-ip-address=127.0.0.1")

    def worker(self) -> subprocess.Popen[bytes]:
        return self._start(f"--address={self.address}", "--num-cpus=1")

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for it; a node that ends by itself is started again, as `compose.yaml` has it.

        Ray gives a node 30 seconds to be known to its head, which on a busy machine is not always enough.
        """

        def met() -> bool:
            for each in [each for each in self.kept if each.poll() is not None]:
                self.kept.remove(each)
                self._start(*self._options[each.pid])
            return condition()

        wait_for(met)

    def kill(self, started: subprocess.Popen[bytes]) -> None:
        """With all its processes, none of which is asked."""
        below = psutil.Process(started.pid).children(recursive=True)
        for each in [started, *below]:
            if psutil.pid_exists(each.pid):
                os.kill(each.pid, signal.SIGKILL)
        started.wait()

    def end(self) -> None:
        for started in self._started:
            if started.poll() is None:
                self.kill(started)

    def _start(self, *options: str) -> subprocess.Popen[bytes]:
        command = [str(Path(sys.executable).parent / "ray"), "start", *options, OBJECTS, "--block"]
        with (self._folder / "nodes.log").open("ab") as log:
            self._started.append(subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))
        self._options[self._started[-1].pid] = options
        self.kept.append(self._started[-1])
        return self._started[-1]


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Nodes]:
    pytest.importorskip("ray", reason="Ray is not tested: it is not installed (the extra `ray`)")
    for name, value in silent_head(tmp_path / "ray-home").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[3]), os.environ["PYTHONPATH"]]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    started = Nodes(tmp_path)
    yield started
    started.end()


@pytest.mark.parametrize("at_once", [False, True], ids=["after it was missed", "at once"])
def test_the_head_is_killed_and_its_successor_finishes_the_job(
    nodes: Nodes, tmp_path: Path, postgres_url: str, chroma_url: str, at_once: bool
) -> None:
    shared = str(tmp_path / "shared")
    address = nodes.address
    settings = Settings(tmp_path / "home", postgres_url, chroma_url=chroma_url, files_url=shared, ray_address=address)
    nodes.head(), nodes.worker()
    with Workspace.open(settings) as ws:
        corpus = intake.create_corpus(ws, "contracts", "legal").id
        took = intake.add_files(ws, corpus, [("manual.txt", manual(400))])
        assert took.job_id is not None
        ws.dispatcher.start()
        nodes.until(lambda: "machine" in ws.jobs.get(took.job_id).message)  # some of it is embedded
        head, worker = sorted(nodes.kept, key=lambda each: "--head" not in each.args)
        nodes.kept = []
        nodes.kill(head)
        if not at_once:
            wait_for(lambda: f"the Ray cluster {address} was lost" in ws.jobs.get(took.job_id).message)
        nodes.head(), nodes.worker()
        nodes.until(lambda: ws.jobs.get(took.job_id).status == "done")
        index = ws.corpora.indexes()[0]
        (document,) = ws.corpora.documents(corpus)
        counts = {ws.indexes.count_ready(index.id), ws.vectors.count(index.collection), ws.lexical.count(corpus)}
        assert (document.status, counts) == ("ready", {len(ws.corpora.chunks(document.id))})
    assert worker.wait(120) != 0  # it belonged to the head that is gone
