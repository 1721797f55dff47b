"""The pre-flight: what a training will take on this machine, from a few real steps on real lessons.

A sample of the examples is made into lessons; the trainer's own process computes a few of its batches; steps, looks,
tokens and the time they will take follow from that. Nothing is kept.
"""

import json
import os
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import TriptychError
from core.finetuning import base as bases
from core.finetuning import lessons as lesson_files
from core.finetuning.gate import MOST
from core.finetuning.general import GENERAL
from core.finetuning.lessons import steps_in
from core.finetuning.planning import FEW, LOOKED_AT, SAMPLES, Split, chosen_examples, source_of, split, teach
from core.finetuning.recipe import Kind, Recipe
from core.finetuning.running import Running

if TYPE_CHECKING:
    from core.workspace import Workspace

SAMPLED = 32
START_S = 25.0
"""Loading torch and the base model, twice the merging of a small one aside: measured on two cores."""

GATE_S = 40 * 2 * 1.0
"""Answering the held-out questions twice at about a second each."""

CHECKPOINT_BYTES = 3 * 3 * 4
"""Bytes on the disk for each number of the adapter: itself and two moments, in three checkpoints."""

LONGEST_PROBE_S = 600.0
HEADROOM = 0.9


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one adapter's training will take. `refusal` says why it cannot be, "" when it can."""

    kind: Kind
    examples: int
    held_out: int
    steps: int
    tokens: int
    tokens_per_s: float
    seconds: float
    memory_bytes: int
    memory_free_bytes: int
    disk_bytes: int
    disk_free_bytes: int
    refusal: str = ""

    def json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


def estimate(ws: "Workspace", corpus_id: int, kind: Kind, recipe: Recipe) -> Estimate:
    """Probe and reckon (half a minute).

    Raises:
        BadInput: the base model cannot be trained, or there are too few examples.
        TriptychError: the probe failed; the message says why.
    """
    source = source_of(ws, corpus_id)
    base = bases.prepared(source.path, ws.home / "models")
    parts = split(chosen_examples(ws, corpus_id), recipe.seed)
    share = max(1, -(-len(parts.train) // SAMPLED))
    began = time.monotonic()
    teacher, taught = teach(ws, corpus_id, kind, Split(parts.train[::share], parts.held_out[:FEW]), recipe, base)
    each = (time.monotonic() - began) / (len(parts.train[::share]) + len(parts.held_out[:FEW]))
    plan = {
        "base": str(base.folder),
        "base_sha256": base.sha256,
        "parameters": base.parameters,
        "recipe": recipe.json(),
    }
    folder = Path(tempfile.mkdtemp(prefix="probe-", dir=ws.scratch))
    try:
        (folder / "plan.json").write_text(json.dumps(plan), "utf-8")
        lesson_files.write(folder / "lessons.jsonl", taught.train)
        lesson_files.write(folder / "held_out.jsonl", taught.held_out)
        lesson_files.write(folder / "samples.jsonl", taught.held_out[:SAMPLES])
        probed = _probed(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    usable = len(taught.train) / max(1, len(taught.train) + len(teacher.left_out))
    lessons = max(1, round(len(parts.train) * min(1.0, usable)))
    mean = sum(lesson.length for lesson in taught.train) / len(taught.train)
    found = _reckoned(ws, kind, recipe, base, parts, lessons, mean, probed)
    return replace(found, seconds=found.seconds + each * (len(parts.train) + len(parts.held_out)))


def _reckoned(
    ws: "Workspace", kind: Kind, recipe: Recipe, base: bases.Base, parts: Split, lessons: int, mean: float, probed: Any
) -> Estimate:
    steps = steps_in(lessons, recipe.batch, recipe.epochs)
    tokens = round(lessons * mean * recipe.epochs)
    once = min(1.0, 1 / recipe.epochs) * tokens  # lessons seen for the first time: frozen layers are computed then
    looked = (recipe.looks + 1) * (min(LOOKED_AT, len(parts.held_out)) * mean + len(GENERAL) * 60)
    seconds = START_S + once / probed["first_tokens_per_s"] + (tokens - once) / probed["tokens_per_s"]
    seconds += looked / probed["look_tokens_per_s"] + (recipe.looks + 1) * probed["samples_s"]
    seconds += GATE_S * min(1.0, len(parts.held_out) / MOST)
    free_memory, free_disk = _free(ws.home)
    disk = base.parameters * 2 + adapter_numbers(base.parameters, recipe.rank) * CHECKPOINT_BYTES
    memory = int(probed["peak_bytes"])
    refusal = ""
    if memory > HEADROOM * free_memory:
        refusal = (
            f"It needs {memory / 2**30:.1f} GB of memory and {free_memory / 2**30:.1f} GB are free. "
            "Choose a smaller micro-batch or shorter lessons, or close other programs."
        )
    elif disk > HEADROOM * free_disk:
        refusal = f"It needs {disk / 2**30:.1f} GB of disk and {free_disk / 2**30:.1f} GB are free. Make room first."
    return Estimate(
        kind, lessons, len(parts.held_out), steps, tokens, probed["tokens_per_s"], seconds,
        memory, free_memory, disk, free_disk, refusal,
    )  # fmt: skip


def adapter_numbers(parameters: int, rank: int) -> int:
    """About how many numbers a LoRA adapter on all linear layers has: 4.9 million of 135 at rank 16."""
    return round(parameters * 0.0363 * rank / 16)


def _probed(folder: Path) -> dict[str, Any]:
    running = Running(folder, probe=True)
    try:
        code = running.wait(LONGEST_PROBE_S)
    finally:
        if running.ended() is None:
            running.leave()
        running.close()
    if code != 0:
        log = (folder / "log.txt").read_text("utf-8", "replace").strip().splitlines()
        why = log[-1] if log else f"exit {code}"
        raise TriptychError(f"The trial steps failed: {why[:200]}", "Free some memory, or choose smaller batches.")
    found: dict[str, Any] = json.loads((folder / "probe.json").read_text("utf-8"))
    return found


def _free(home: Path) -> tuple[int, int]:
    import psutil  # type: ignore[import-untyped]

    found = os.statvfs(home)
    return int(psutil.virtual_memory().available), found.f_bavail * found.f_frsize
