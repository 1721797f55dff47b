"""The parent's side of a training run: starts the trainer's process, reads what it says, ends it in order.

Nothing is piped but the child's standard input, whose end tells it that we are gone; what it says is in
files of the run's folder, so no full pipe can stop it and closing the browser changes nothing.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.settings import Settings

LEAVE_S = 120.0
"""Seconds a trainer has to finish its step and save before it is killed; the last checkpoint stands then."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Ray cluster, and how many of its processes train one adapter together."""

    address: str
    workers: int

    @classmethod
    def of(cls, settings: Settings) -> "Cluster | None":
        """The one to train in; None where this machine trains by itself."""
        together = bool(settings.ray_address) and settings.train_workers > 1
        return cls(settings.ray_address, settings.train_workers) if together else None


class Running:
    """One trainer process over a run's folder; with `cluster`, one that has a Ray cluster train it."""

    def __init__(
        self, folder: Path, *, probe: bool = False, threads: int | None = None, cluster: Cluster | None = None
    ) -> None:
        self.folder = folder
        # Threads that wait must sleep: spinning ones take the cores that the others and the server need.
        quiet = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_WAIT_POLICY": "PASSIVE"}
        environment = os.environ | quiet
        if threads:
            environment["OMP_NUM_THREADS"] = str(threads)
        more = ["--probe"] if probe else []
        command = [sys.executable, "-m", "core.finetuning.child", str(folder), *more]
        if cluster is not None:
            command[2:] = ["core.finetuning.spread", str(folder), cluster.address, str(cluster.workers)]
        with (folder / "log.txt").open("ab") as log:
            self._child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        self._read = 0

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._child.pid

    def news(self) -> Iterator[dict[str, Any]]:
        """What it has said since the last call; a line that is not finished yet comes next time."""
        file = self.folder / "progress.jsonl"
        if not file.is_file():
            return
        with file.open("rb") as stream:
            if file.stat().st_size < self._read:
                self._read = 0  # it took lines back that it will do again
            stream.seek(self._read)
            for line in stream:
                if not line.endswith(b"\n"):
                    return
                self._read += len(line)
                yield json.loads(line)

    def ended(self) -> int | None:
        """Its exit code; None while it runs. Negative: killed by that signal."""
        return self._child.poll()

    def wait(self, timeout_s: float) -> int | None:
        """Its exit code once it has ended; None if that takes longer."""
        try:
            return self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def leave(self) -> None:
        """Have it save and end; kill it when it does not."""
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
        if self.wait(LEAVE_S) is None:
            self._child.kill()
            self._child.wait()
        self.close()

    def close(self) -> None:
        """Let go of its input."""
        if self._child.stdin is not None:
            self._child.stdin.close()


def told(folder: Path) -> list[dict[str, Any]]:
    """All that a run has said so far, oldest first; a cut last line is left out."""
    file = folder / "progress.jsonl"
    if not file.is_file():
        return []
    lines = []
    for line in file.read_text("utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return lines
