"""More than one machine: a Ray cluster of several nodes, started here, with PostgreSQL, Chroma and shared files."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput, StoreDown
from core.ingestion import intake
from core.jobs import ray_executor
from core.settings import Settings
from core.workspace import Workspace

PATIENCE_S = 300  # until a test gives up on a busy machine
ROOT = Path(__file__).resolve().parents[3]


def silent_head(home: Path) -> dict[str, str]:
    """What keeps a Ray head from calling out: as in `compose.yaml` and its image."""
    home.mkdir()
    (home / "ray_bootstrap_config.yaml").write_text("provider: {type: local}")
    report = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_USAGE_STATS_REPORT_URL": "http://127.0.0.1:9/"}
    return report | {"HOME": str(home)}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A head without CPUs, so that jobs run on the nodes that a test adds."""
    ray = pytest.importorskip("ray", reason="Ray is not tested: it is not installed (the extra `ray`)")
    from ray.cluster_utils import Cluster

    for name, value in silent_head(tmp_path / "ray-home").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": 80 << 20}
    started = Cluster(initialize_head=True, head_node_args=head)
    yield started
    ray.shutdown()
    started.shutdown()


def node(cluster: Any) -> Any:
    return cluster.add_node(num_cpus=1, object_store_memory=80 << 20)


@pytest.fixture
def settings(tmp_path: Path, postgres_url: str, chroma_url: str, cluster: Any) -> Settings:
    return Settings(
        tmp_path / "home", postgres_url, chroma_url=chroma_url, files_url=str(tmp_path / "shared"),
        ray_address=cluster.address,
    )  # fmt: skip


def wait_for(condition: Any) -> None:
    pause = threading.Event()
    for _ in range(PATIENCE_S * 5):
        if condition():
            return
        pause.wait(0.2)
    raise AssertionError("it did not happen")


def embedded(ws: Workspace) -> int:
    index = ws.corpora.indexes()
    row = ws.corpora.documents(1)[0]
    return row.progress_done if index else 0


def test_a_job_whose_node_is_lost_finishes_once_on_another(settings: Settings, cluster: Any) -> None:
    first = node(cluster)
    paragraph = "Section {0}. The fee for item {0} is {0} euro, payable on receipt of the goods, " * 8
    text = "\n\n".join(paragraph.format(number) for number in range(900))
    with Workspace.open(settings) as ws:
        corpus = intake.create_corpus(ws, "contracts", "legal").id
        intake.add_files(ws, corpus, [("manual.txt", text.encode())])
        ws.dispatcher.start()
        wait_for(lambda: embedded(ws) > 0)
        job = ws.jobs.list(corpus)[0]
        assert (job.status, job.attempt) == ("running", 1)
        assert job.worker != f"{os.uname().nodename}:{os.getpid()}"
        cluster.remove_node(first, allow_graceful=False)  # at once: a fast machine is soon done
        node(cluster)
        wait_for(lambda: ws.jobs.get(job.id).status == "done")
        assert ws.jobs.get(job.id).attempt > 1
        rows, index = ws.corpora.documents(corpus), ws.corpora.indexes()[0]
        assert [row.status for row in rows] == ["ready"]
        chunks = len(ws.corpora.chunks(rows[0].id))
        counts = {ws.indexes.count_ready(index.id), ws.vectors.count(index.collection), ws.lexical.count(corpus)}
        assert counts == {chunks}
        assert ws.lexical.search(corpus, "the fee for item 899", 1)


def test_a_job_is_cancelled_in_the_cluster_and_while_it_waits_for_room(settings: Settings, cluster: Any) -> None:
    with Workspace.open(settings) as ws:
        corpus = intake.create_corpus(ws, "contracts", "legal").id
        took = intake.add_files(ws, corpus, [("lease.md", b"# Lease\n\nThe rent is 4,200 euro.\n")])
        assert took.job_id is not None
        ws.dispatcher.start()
        wait_for(lambda: ws.jobs.get(took.job_id).status == "running")
        intake.cancel_job(ws, took.job_id)
        node(cluster)
        wait_for(lambda: ws.jobs.get(took.job_id).status == "cancelled")
        assert [row.status for row in ws.corpora.documents(corpus)] == ["cancelled"]


def test_a_cluster_needs_stores_that_it_can_reach(tmp_path: Path, sqlite_url: str) -> None:
    alone = Settings(tmp_path / "home", sqlite_url, ray_address="127.0.0.1:9")
    with Workspace.open(alone) as ws, pytest.raises(BadInput, match=r"DATABASE_URL.*CHROMA_URL.*FILES_URL"):
        _ = ws.dispatcher


def test_without_ray_installed_the_address_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(StoreDown, match=r"triptych\[ray\]"):
        ray_executor.connect("127.0.0.1:9")
