"""Upload, ask, delete, train, over and over: is the server as large after it as before? `python -m tests.torture.soak`.

    python -m tests.torture.soak [--minutes 30] [--out FILE]

Every round ends with as much in the workspace as it began with. Memory, threads, open files and disk are sampled
between rounds, of the server and of all that it started; after the warm-up (a third) each should have no slope.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil

from core.workspace import Workspace
from tests.core.ingestion.small_model import small_model
from tests.torture.killing import Torture
from tests.torture.tiny import tiny_gguf

WARM_UP = 1 / 3
TRAIN_EVERY = 40
"""Rounds."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the server holds at one moment; memory and disk in MB."""

    seconds: float
    memory: float
    threads: int
    files: int
    disk: float

    @classmethod
    def of(cls, began: float, pid: int, home: Path) -> "Sample":
        """Measured now."""
        memory, threads, files = 0, 0, 0
        server = psutil.Process(pid)
        for each in [server, *server.children(recursive=True)]:
            with suppress(psutil.Error):
                memory += each.memory_full_info().pss
                threads += each.num_threads()
                files += each.num_fds()
        disk = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
        return cls(time.monotonic() - began, memory / 1e6, threads, files, disk / 1e6)


def main() -> int:
    """Run it and say what grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--out", type=Path, help="where the result goes, as Markdown")
    given = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    folder = Path(tempfile.mkdtemp(prefix="triptych-soak-"))
    torture = Torture(folder, 1, tiny_gguf(folder / "tiny.gguf"), small_model(folder / "small"))
    torture.start()
    torture.begin()
    samples, rounds = soak(torture, 60 * given.minutes)
    torture.finish()
    found = table(samples, rounds)
    print(found)
    if given.out:
        given.out.write_text(found, "utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def soak(torture: Torture, seconds: float) -> tuple[list[Sample], int]:
    """Rounds for so long, with a sample after each."""
    began, rounds, samples = time.monotonic(), 0, []
    settle(torture)
    while time.monotonic() - began < seconds:
        rounds += 1
        one_round(torture, rounds)
        if torture.process is not None:
            samples.append(Sample.of(began, torture.process.pid, torture.home))
    return samples, rounds


def one_round(torture: Torture, number: int) -> None:
    """Documents come, questions are asked, all of it goes again."""
    deeds = torture.deeds
    names = [f"round-{number}-{each}.{ending}" for each, ending in enumerate(("md", "txt", "html"))]
    torture.now("upload", corpus=deeds.main, files={name: deeds.text(name) for name in names})
    first = torture.now("ask", corpus=deeds.main, question=f"What does item {number} cost?", conversation=None)
    for each in range(2):
        asked = f"And what does item {number + each} cost?"
        torture.now("ask", corpus=deeds.main, question=asked, conversation=first["conversation"])
    if number % TRAIN_EVERY == 1:
        torture.now("train", corpus=deeds.learning)
    settle(torture)
    torture.now("forget_adapters", corpus=deeds.learning)
    torture.now("delete", corpus=deeds.main, names=names)
    torture.now("forget", conversation=first["conversation"])


def settle(torture: Torture) -> None:
    """Wait until no job is left."""
    with Workspace.open(torture.settings, owner=False) as ws:
        while ws.jobs.waiting():
            time.sleep(0.05)


def table(samples: list[Sample], rounds: int) -> str:
    """The result, as Markdown: the value after the warm-up, at the end, and the slope an hour with its error."""
    warm = samples[int(len(samples) * WARM_UP) :]
    minutes = samples[-1].seconds / 60
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}: {rounds} rounds in {minutes:.0f} minutes; each: three documents, three "
        f"questions, all of it deleted again; every {TRAIN_EVERY}th round trains and deletes an adapter.",
        "",
        "| of the server and what it started | first sample | after warm-up | at the end | slope an hour |",
        "|---|---|---|---|---|",
    ]
    for name, title in (
        ("memory", "memory, MB"),
        ("threads", "threads"),
        ("files", "open files"),
        ("disk", "disk, MB"),
    ):
        values = np.array([getattr(sample, name) for sample in warm], float)
        hours = np.array([sample.seconds for sample in warm]) / 3600
        slope = float(np.polyfit(hours, values, 1)[0]) if len(warm) > 2 else 0.0
        first = getattr(samples[0], name)
        lines.append(f"| {title} | {first:.0f} | {values[0]:.0f} | {values[-1]:.0f} | {slope:+.1f} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
