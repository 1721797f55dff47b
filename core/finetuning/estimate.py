"""The pre-flight: what a training will take on this machine, from a few real steps on real lessons.

A sample of the examples is made into lessons; the trainer's own process computes a few of its batches; steps, looks,
tokens and the time they will take follow from that. Nothing is kept.
"""

import json
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
from core.finetuning.planning import FEW, LOOKED_AT, SAMPLES, Split, chosen_examples, split, teach
from core.finetuning.recipe import Kind, Recipe
from core.finetuning.running import Running
from core.finetuning.sizing import (
    CHECKPOINT_BYTES,
    HEADROOM,
    adapter_numbers,
    disk_bytes,
    free_disk,
    free_memory,
    memory_bytes,
    too_large,
)
from core.finetuning.trainable import Source, source_of

if TYPE_CHECKING:
    from core.workspace import Workspace

SAMPLED = 32
START_S = 25.0
"""Loading torch and the base model, twice the merging of a small one aside: measured on two cores."""

WRITTEN, READ = 260, 2
"""What the gate's answer costs the embedded engine, in tokens of a look at held-out examples: so many to write it, and
so many for each token of a lesson to read. From four trainings on two cores (`benchmarks/preflight.py`)."""

LONGEST_PROBE_S = 600.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one adapter's training will take. `refusal` says why it cannot be, "" when it can.

    No tokens, speed and time where the size of the base model alone forbids it: nothing was tried then.
    """

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
    parts = split(chosen_examples(ws, corpus_id), recipe.seed)
    if (refused := _by_size(ws, kind, recipe, source, parts)) is not None:
        return refused
    base = bases.prepared(source.path, ws.home / "models")
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
    answer_s = (WRITTEN + READ * mean) / probed["look_tokens_per_s"] if base.gguf else probed["samples_s"] / SAMPLES
    seconds += 2 * min(len(parts.held_out), MOST) * answer_s  # the new adapter's and those of what it is held against
    copied = base.parameters * 2 if base.gguf else 0
    disk = copied + adapter_numbers(base.parameters, recipe.rank) * CHECKPOINT_BYTES
    memory = int(probed.get("peak_gpu_bytes") or probed["peak_bytes"])
    free, room = free_memory(), free_disk(ws.home)
    return Estimate(
        kind, lessons, len(parts.held_out), steps, tokens, probed["tokens_per_s"], seconds,
        memory, free, disk, room, _refusal(memory, free, disk, room),
    )  # fmt: skip


def _refusal(memory: int, free: int, disk: int, room: int) -> str:
    """Why a training cannot be, in one line; "" when it can."""
    if memory > HEADROOM * free:
        return (
            f"It needs {memory / 2**30:.1f} GB of memory and {free / 2**30:.1f} GB are free. "
            "Choose a smaller micro-batch or shorter lessons, or close other programs."
        )
    if disk > HEADROOM * room:
        return f"It needs {disk / 2**30:.1f} GB of disk and {room / 2**30:.1f} GB are free. Make room first."
    return ""


def _by_size(ws: "Workspace", kind: Kind, recipe: Recipe, source: Source, parts: Split) -> Estimate | None:
    """What the size of the base model forbids, without a trial that would only run out of memory; None if nothing."""
    memory, free = memory_bytes(source.parameters, recipe.rank), free_memory()
    disk, room = disk_bytes(source, recipe.rank), free_disk(ws.home)
    why = too_large(source, recipe.rank) or _refusal(memory, free, disk, room)
    steps = steps_in(len(parts.train), recipe.batch, recipe.epochs)
    found = Estimate(kind, len(parts.train), len(parts.held_out), steps, 0, 0.0, 0.0, memory, free, disk, room, why)
    return found if why else None


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
