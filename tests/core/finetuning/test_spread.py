"""Training by several processes: a real Ray cluster of two nodes reaches what one process reaches, also after a loss.

Where Ray is not installed the tests of the cluster are left out, and say so.
"""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.finetuning import checkpoints, lora
from core.finetuning.lessons import Lesson
from core.finetuning.running import Cluster, Running, told
from core.finetuning.spread import LOST
from core.settings import Settings
from tests.core.finetuning.test_training import losses
from tests.core.finetuning.test_training import run_folder as run_folder
from tests.core.jobs.test_ray import cluster as cluster
from tests.core.jobs.test_ray import node

PATIENCE_S = 600
WORKERS = 2


def shortened(folder: Path, epochs: float) -> Path:
    plan = json.loads((folder / "plan.json").read_text())
    plan["recipe"] |= {"epochs": epochs, "looks": 4, "learning_rate": 5e-3}
    (folder / "plan.json").write_text(json.dumps(plan))
    return folder


def log(folder: Path) -> str:
    return (folder / "log.txt").read_text()


def reached(folder: Path, step: int, running: Running) -> None:
    """Wait until it has told of a step."""
    deadline = time.monotonic() + PATIENCE_S
    while max((line.get("step", 0) for line in told(folder)), default=0) < step:
        assert running.ended() is None, log(folder)
        assert time.monotonic() < deadline, log(folder)
        time.sleep(0.05)


def looks(folder: Path) -> list[float]:
    return [line["held_out"] for line in told(folder) if "look" in line]


@pytest.mark.timeout(2 * PATIENCE_S)
def test_two_workers_of_a_cluster_reach_the_loss_of_one(run_folder: Path, tmp_path: Path, cluster: Any) -> None:
    import shutil

    shortened(run_folder, 4)
    alone = Path(shutil.copytree(run_folder, tmp_path / "alone"))
    for _ in range(WORKERS):
        node(cluster)
    together = Running(run_folder, cluster=Cluster(cluster.address, WORKERS))
    single = Running(alone)
    assert single.wait(PATIENCE_S) == 0, log(alone)
    assert together.wait(PATIENCE_S) == 0, log(run_folder)
    assert sorted(losses(told(run_folder))) == list(range(1, 33))
    assert losses(told(run_folder)) == pytest.approx(losses(told(alone)), rel=2e-2)
    assert looks(run_folder) == pytest.approx(looks(alone), rel=2e-2)
    assert looks(alone)[-1] < 0.9 * looks(alone)[0]
    one, two = (lora.deltas(folder / "adapter") for folder in (alone, run_folder))
    assert one.keys() == two.keys()
    for name, delta in one.items():
        np.testing.assert_allclose(two[name].dense(), delta.dense(), atol=2e-2)
    assert any(line.get("samples") for line in told(run_folder))


@pytest.mark.timeout(3 * PATIENCE_S)
def test_a_lost_worker_costs_what_came_since_the_last_checkpoint_and_leaving_saves_first(
    run_folder: Path, cluster: Any
) -> None:
    first = [node(cluster) for _ in range(WORKERS)]
    running = Running(run_folder, cluster=Cluster(cluster.address, WORKERS))
    reached(run_folder, 20, running)
    cluster.remove_node(first[1], allow_graceful=False)
    assert running.wait(PATIENCE_S) == LOST, log(run_folder)
    before = checkpoints.newest(run_folder / "checkpoints")
    assert before is not None
    node(cluster)
    again = Running(run_folder, cluster=Cluster(cluster.address, WORKERS))
    reached(run_folder, before.step + 12, again)
    os.kill(again.pid, signal.SIGTERM)
    assert again.wait(PATIENCE_S) == 75, log(run_folder)
    after = checkpoints.newest(run_folder / "checkpoints")
    assert after is not None
    assert after.step > before.step
    steps = [line["step"] for line in told(run_folder) if "loss" in line]
    assert steps == list(range(1, len(steps) + 1))  # none is missing, none is told twice


def test_a_cluster_trains_only_where_there_is_one_and_more_workers_than_one(tmp_path: Path) -> None:
    settings = Settings(tmp_path, "sqlite://", ray_address="head:6379", train_workers=3)
    assert Cluster.of(settings) == Cluster("head:6379", 3)
    assert Cluster.of(Settings(tmp_path, "sqlite://", ray_address="head:6379")) is None
    assert Cluster.of(Settings(tmp_path, "sqlite://", train_workers=3)) is None


def _rank(rank: int, count: int, port: int, results: Any) -> None:
    import torch

    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.distributed.init_process_group("gloo", rank=rank, world_size=count)
    from core.finetuning.peers import Distributed

    peers = Distributed("cpu")
    weight = torch.nn.Parameter(torch.zeros(3))
    bare = torch.nn.Parameter(torch.zeros(2))
    weight.grad = torch.full((3,), float(rank + 1))
    peers.add_gradients([weight, bare])
    results.put(
        (
            rank,
            list(peers.share([Lesson((1,), (number,)).answer[0] for number in range(5)])),
            peers.total(rank + 1.0, 10.0),
            peers.any(rank == 1),
            [weight.grad.tolist(), bare.grad.tolist() if bare.grad is not None else None],
        )
    )
    torch.distributed.destroy_process_group()


def test_shares_make_the_whole_and_gradients_are_summed_over_all() -> None:
    import multiprocessing
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    started = [context.Process(target=_rank, args=(rank, 2, port, results)) for rank in range(2)]
    for each in started:
        each.start()
    found = sorted(results.get(timeout=PATIENCE_S) for _ in started)
    for each in started:
        each.join()
    assert [each[1] for each in found] == [[0, 2, 4], [1, 3]]
    for _, _, total, flag, gradients in found:
        assert total == [3.0, 20.0]
        assert flag is True
        assert gradients == [[3.0] * 3, [0.0] * 2]
