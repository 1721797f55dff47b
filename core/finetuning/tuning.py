"""The job that trains: prepares a run, keeps a trainer process at it, and puts the adapter before the gate.

Every step is safe to do again: the folder of a run is whole or absent, the trainer goes on from its newest checkpoint,
an adapter that is finished is passed over. Knows nothing of gradients (`training`) and nothing of pages.
"""

import json
import logging
import shutil
import signal
import time
from typing import TYPE_CHECKING, Any

from core import room
from core.errors import BadInput, NoRoom, TriptychError
from core.finetuning import gate
from core.finetuning.checkpoints import sha256
from core.finetuning.child import LEFT
from core.finetuning.forgetting import settle
from core.finetuning.planning import Heard, prepare
from core.finetuning.recipe import KINDS, Kind, Recipe, preset
from core.finetuning.running import Cluster, Running, told
from core.finetuning.sizing import disk_bytes, too_large
from core.finetuning.trainable import source_of
from storage.jobs import OPEN
from storage.rows import AdapterRow, JobRow
from storage.tables import now

if TYPE_CHECKING:
    from core.jobs.lease import Lease
    from core.workspace import Workspace

log = logging.getLogger(__name__)
LOOK_S = 0.5
WRITTEN_DOWN = ("answer_tokens", "reading", "extractor", "examples", "held_out", "gold_left_out", "corpus")
"""What of a run's plan its adapter's row holds."""
FRUITLESS = 3
"""Times in a row a trainer may be killed from outside without a new checkpoint before it is given up."""


def start(
    ws: "Workspace",
    corpus_id: int,
    kinds: tuple[Kind, ...],
    preset_name: str,
    changes: dict[str, Any] | None = None,
    by: str = "",
) -> JobRow:
    """Queue the training of adapters of a corpus; returns the job.

    Args:
        changes: fields of the recipe that differ from the preset's.

    Raises:
        BadInput: a kind, the preset or the recipe makes no sense, or the base model cannot be trained (here).
        NoRoom: the disk may not hold it.
    """
    if not kinds or any(kind not in KINDS for kind in kinds):
        raise BadInput("Say which adapter to train.", f"One or both of: {', '.join(KINDS)}.")
    source = source_of(ws, corpus_id)
    recipes = [Recipe.of(preset(preset_name, kind, source.parameters).json() | (changes or {})) for kind in kinds]
    room.need(ws.home, sum(disk_bytes(source, recipe.rank) for recipe in recipes), "this training")
    if Cluster.of(ws.settings) is None and (why := max(too_large(source, recipe.rank) for recipe in recipes)):
        raise BadInput(why)
    payload = {"kinds": list(kinds), "preset": preset_name, "changes": changes or {}, "by": by}
    job = ws.jobs.enqueue("finetune", corpus_id, payload)
    ws.wake()
    return job


def open_jobs(ws: "Workspace", corpus_id: int) -> list[JobRow]:
    """The trainings of a corpus that wait, run or pause."""
    return [job for job in ws.jobs.list(corpus_id, OPEN, limit=200) if job.kind == "finetune"]


def run(ws: "Workspace", lease: "Lease") -> None:
    """Train the adapters of a claimed job, one after another, once the corpus is indexed."""
    job = lease.job
    _indexed(ws, lease)
    for number, kind in enumerate(job.payload["kinds"], 1):
        adapter = begin(ws, job, kind)
        if adapter.status != "training":
            continue
        where = f"{kind} adapter ({number} of {len(job.payload['kinds'])})"
        ws.jobs.say(job, f"{where}: preparing the examples")
        plan = prepare(ws, adapter, recipe_of(ws, job, kind), _heard(ws, lease, where))
        ws.adapters.change(
            adapter.id,
            base_sha256=plan["base_sha256"],
            prompt_sha256=plan["prompt_sha256"],
            examples_sha256=plan["examples_sha256"],
            documents=plan["documents"],
            recipe=plan["recipe"],
            result={name: plan.get(name) for name in WRITTEN_DOWN},
        )
        train(ws, lease, ws.adapters.get(adapter.id), where)
        ws.jobs.say(job, f"{where}: answering the held-out questions")
        gate.judge(ws, ws.adapters.get(adapter.id), lease.check)
        settle(ws, adapter)


def _indexed(ws: "Workspace", lease: "Lease") -> None:
    """Wait while documents are being indexed: what is not found yet teaches a grounded adapter nothing."""
    while any(job.kind == "index" for job in ws.jobs.list(lease.job.corpus_id, ("queued", "running"), limit=200)):
        lease.check()
        ws.jobs.say(lease.job, "waiting until the documents are indexed")
        time.sleep(LOOK_S)


def _heard(ws: "Workspace", lease: "Lease", where: str) -> Heard:
    """Passes on how far the examples are, at most twice a second."""
    last = time.monotonic()
    began, first = last, 0

    def heard(done: int, total: int) -> None:
        nonlocal began, first, last
        lease.check()
        now = time.monotonic()
        if done and not first:  # it waited for models to load, and says nothing of the others
            began, first = now, done
        if done and now - last > LOOK_S:
            last = now
            left = f", {_minutes((now - began) / (done - first) * (total - done))}" if done > first else ""
            ws.jobs.say(lease.job, f"{where}: finding passages for example {done} of {total}{left}")

    return heard


def give_up(ws: "Workspace", job: JobRow, reason: str) -> None:
    """Mark what was not finished; what was learned stays in its folder until the adapter is deleted."""
    for adapter in ws.adapters.of_job(job.id):
        if adapter.status == "training":
            ws.adapters.change(adapter.id, status="failed", note=reason or "cancelled")
            settle(ws, adapter)


def begin(ws: "Workspace", job: JobRow, kind: str) -> AdapterRow:
    """The adapter that a job trains; the same one when the job is run again."""
    if job.corpus_id is None:
        raise TriptychError("The corpus of this job is gone.")
    source = source_of(ws, job.corpus_id)
    return ws.adapters.begin(job.corpus_id, kind, job.id, source.name, created_by=job.payload.get("by", ""))


def recipe_of(ws: "Workspace", job: JobRow, kind: Kind) -> Recipe:
    """The recipe a job asks for, of the preset for a base model of this size."""
    assert job.corpus_id is not None  # `begin` has seen to it
    parameters = source_of(ws, job.corpus_id).parameters
    return Recipe.of(preset(job.payload["preset"], kind, parameters).json() | job.payload["changes"])


def train(ws: "Workspace", lease: "Lease", adapter: AdapterRow, where: str) -> None:
    """Keep a trainer at the run until its adapter is written; it goes on by itself after a kill."""
    folder = ws.serving.folder(adapter)
    fruitless, before = 0, -1
    while not (folder / "adapter").is_dir():
        cluster = Cluster.of(ws.settings)
        if cluster is not None:
            ws.jobs.say(lease.job, f"{where}: waiting for {cluster.workers} workers of the cluster")
        running = Running(folder, cluster=cluster)
        code = _followed(ws, lease, running, where)
        if code == 0:
            break
        if code == 1 and room.SAID_FULL.search(_reason(folder)):
            raise NoRoom("The disk is full; the training goes on from its last checkpoint.", "Free some disk.")
        if code == 1:
            raise TriptychError(f"Training failed: {_reason(folder)}", "See the log of the run; change it and retry.")
        reached = max((int(line.get("step", 0)) for line in told(folder)), default=0)
        fruitless = 0 if reached > before else fruitless + 1
        before = max(before, reached)
        if code == -signal.SIGKILL:
            _less_memory(folder)
        if fruitless >= FRUITLESS:
            raise TriptychError(
                f"The trainer was ended from outside {FRUITLESS} times (exit {code}); what it learned is kept.",
                "It may need more memory than there is: choose smaller batches, or close other programs.",
            )
        if code not in (LEFT, -signal.SIGKILL, -signal.SIGTERM):
            log.warning("the trainer of adapter %d ended with %s; starting it again", adapter.id, code)
    _finished(ws, adapter)


def _followed(ws: "Workspace", lease: "Lease", running: Running, where: str) -> int:
    """Pass the trainer's news on until it ends; returns its exit code."""
    try:
        while True:
            lease.check()
            for line in running.news():
                if "loss" in line:
                    left = _minutes(float(line["left_s"]))
                    said = (
                        f"{where}: step {line['step']} of {line['steps']}, {line['tokens_per_s']:.0f} tokens/s, {left}"
                    )
                    ws.jobs.progress(lease.job, int(line["step"]), int(line["steps"]), said)
            if (code := running.ended()) is not None:
                running.close()
                return code
            time.sleep(LOOK_S)
    except BaseException:
        running.leave()
        raise


def _finished(ws: "Workspace", adapter: AdapterRow) -> None:
    """Write down what was made, and let the checkpoints go."""
    folder = ws.serving.folder(adapter)
    lines = told(folder)
    ended: dict[str, Any] = next((line for line in reversed(lines) if "ended" in line), {})
    steps = [line for line in lines if "loss" in line]
    looks = [line for line in lines if "look" in line and line.get("held_out") is not None]
    best: dict[str, Any] = min(looks, key=lambda line: float(line["held_out"]), default={})
    result = ws.adapters.get(adapter.id).result | {  # names in it may have changed since the training began
        "ended": ended.get("ended", "done"),
        "best_step": ended.get("best_step"),
        "steps": steps[-1]["step"] if steps else 0,
        "seconds": max((float(line.get("seconds", 0)) for line in lines), default=0.0),
        "peak_bytes": ended.get("peak_bytes"),
        "held_out_before": looks[0]["held_out"] if looks else None,
        "held_out_best": best.get("held_out"),
    }
    files = {f.name: sha256(f) for f in sorted((folder / "adapter").iterdir()) if f.is_file()}
    ws.adapters.change(adapter.id, files=files, result=result, trained_at=now())
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)


def _reason(folder: Any) -> str:
    return next((str(line["failed"]) for line in reversed(told(folder)) if "failed" in line), "no reason was given")


def _less_memory(folder: Any) -> None:
    """The system may have taken its memory: compute half as many lessons at once from now on."""
    path = folder / "plan.json"
    plan = json.loads(path.read_text("utf-8"))
    at_once = int(plan["recipe"]["micro_batch"])
    if at_once > 1:
        plan["recipe"]["micro_batch"] = at_once // 2
        aside = path.with_suffix(".part")
        aside.write_text(json.dumps(plan), "utf-8")
        aside.replace(path)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s left" if seconds < 90 else f"{seconds / 60:.0f} min left"
