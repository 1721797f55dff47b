"""A training over several GPUs or machines of a Ray cluster: Ray Train starts the workers, our own loop runs in each.

    python -m core.finetuning.spread FOLDER ADDRESS WORKERS

In the place of `child`, over the same folder and with the same exit codes, so nothing above it knows the difference:

    this process <- mailbox <- the first worker: lines of progress, checkpoints, the adapter

The run's folder stays on this machine. Lessons and the checkpoint to go on from travel to the workers, what they make
comes back through an actor on this machine; the base model has to be on theirs, at the same path. When a worker is lost
all end, this process with LOST, and whoever started it starts it again: it goes on from the last checkpoint.
"""

import fcntl
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from core.errors import TriptychError
from core.finetuning import checkpoints
from core.finetuning.checkpoints import MANIFEST
from core.finetuning.child import LEFT, Run, in_one_line, watch_parent
from core.finetuning.spread_worker import Mailbox, work
from core.folders import Files, read_files, write_files
from core.jobs.ray_joining import connect
from core.tracing import where

LOST = 76
"""Exit code when the cluster lost a worker: to be started again."""
LOOK_S = 0.5
LEAVE_S = 90.0
"""Seconds the workers have to save and leave; less than `running.LEAVE_S`."""
SENT = ("plan.json", "lessons.jsonl", "held_out.jsonl", "general.jsonl", "samples.jsonl")


class Spread:
    """One run in a cluster."""

    def __init__(self, run: Run, workers: int) -> None:
        """The cluster is joined already."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._run, self._workers, self._ray = run, workers, ray
        self._failed = False
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._mailbox = ray.remote(Mailbox).options(num_cpus=0, scheduling_strategy=here).remote()
        self._ended = False

    def train(self) -> int:
        """Until it is done or asked to leave; returns the exit code."""
        newest = checkpoints.newest(self._run.folder / "checkpoints")
        self._run.forget_after(newest.step if newest else -1)
        thread = threading.Thread(target=self._fit, daemon=True)
        thread.start()
        while thread.is_alive() and not self._run.leaving.wait(LOOK_S):
            self._take()
        if thread.is_alive():
            self._ray.get(self._mailbox.leave.remote())
            thread.join(LEAVE_S)
        self._take()
        if self._run.leaving.is_set():
            return LEFT
        if self._failed:
            return 1
        return LOST if self._ended else 0

    def _fit(self) -> None:
        """Start the workers and wait for them."""
        from ray.train import RunConfig, ScalingConfig
        from ray.train.torch import TorchTrainer

        scratch = tempfile.mkdtemp(prefix="ray-train-")  # Ray wants a place; nothing of ours goes there
        try:
            gpus = self._ray.cluster_resources().get("GPU", 0) >= self._workers
            TorchTrainer(
                work,
                train_loop_config=self._sent(),
                scaling_config=ScalingConfig(num_workers=self._workers, use_gpu=gpus),
                run_config=RunConfig(storage_path=scratch),
            ).fit()
        except Exception as error:  # noqa: BLE001  what a worker raised was told by it; the rest is a worker lost
            print(where(error), file=sys.stderr)  # not its message, which holds that of the worker
            self._ended = True
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _sent(self) -> dict[str, Any]:
        """All that a worker needs."""
        folder = self._run.folder
        files = {name: (folder / name).read_bytes() for name in SENT if (folder / name).is_file()}
        whole = [each for each in sorted((folder / "checkpoints").glob("step-*")) if checkpoints.opened(each)]
        kept = {each.name: read_files(each) for each in whole}
        return {"files": files, "checkpoints": kept, "mailbox": self._mailbox}

    def _take(self) -> None:
        """Write down what has come: checkpoints first, so that no line tells of one that is not there."""
        try:
            lines, made = self._ray.get(self._mailbox.take.remote())
        except self._ray.exceptions.RayError as error:
            print(where(error), file=sys.stderr)
            return
        for name, files in made:
            self._put(name, files)
        for line in lines:
            self._failed = self._failed or "failed" in line
            self._run.tell(line)

    def _put(self, name: str, files: Files) -> None:
        """A folder, whole or not at all."""
        root = self._run.folder if name == "adapter" else self._run.folder / "checkpoints"
        root.mkdir(exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".writing-", dir=root))
        write_files(aside, files)
        os.sync()
        shutil.rmtree(root / name, ignore_errors=True)
        aside.rename(root / name)
        if MANIFEST in files:
            checkpoints.prune(root, json.loads(files["state.json"])["best_step"])


def main() -> None:
    """Run as a process."""
    folder, address, workers = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    lock = (folder / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    run = Run(folder)
    _leaves_on_signal(run)
    threading.Thread(target=watch_parent, args=(run.leaving,), daemon=True).start()
    try:
        connect(address)
        _leaves_on_signal(run)  # joining has put Ray's own handler there, which ends the process at once
        code = Spread(run, workers).train()
    except TriptychError as error:
        run.tell({"failed": str(error)})
        code = 1
    except Exception as error:  # noqa: BLE001  as in `child`
        run.tell({"failed": in_one_line(error)})
        print(where(error), file=sys.stderr, flush=True)
        code = 1
    sys.stdout.flush()
    os._exit(code)


def _leaves_on_signal(run: Run) -> None:
    signal.signal(signal.SIGTERM, lambda *_: run.leaving.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main()
