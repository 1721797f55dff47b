"""An adapter from elsewhere becomes one of a corpus: taken in aside, checked, given its place, then its row.

It is a candidate: it serves when somebody promotes it, or when it wins before the gate on held-out questions of this
corpus. What it learned from is not known here, and every verdict on it says so.
"""

import json
import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import room
from core.errors import BadInput, TriptychError
from core.finetuning import base as bases
from core.finetuning import foreign, gate, incoming
from core.finetuning.checkpoints import sha256
from core.finetuning.planning import chosen_examples, split
from core.finetuning.recipe import KINDS, Recipe
from core.finetuning.serving import READINGS
from core.finetuning.trainable import source_of
from storage.errors import NotFound
from storage.jobs import OPEN
from storage.rows import AdapterRow, JobRow
from storage.tables import now

if TYPE_CHECKING:
    from core.jobs.lease import Lease
    from core.workspace import Workspace

ANSWER_TOKENS = 128
"""How long its answers may be, as nobody says how long those were that it learned."""
UNKNOWN = "It was imported: whether it learned from these documents is not known."


def take_in(ws: "Workspace", corpus_id: int, kind: str, source: Path, by: str = "") -> AdapterRow:
    """Import a peft folder, or a zip of one, as a candidate of a corpus.

    Raises:
        BadInput: the files are refused, or do not fit the corpus's base model; the message says why.
        NoRoom: the disk may not hold it.
    """
    if kind not in KINDS:
        raise BadInput(f"There is no kind of adapter called {kind!r}.", f"One of: {', '.join(KINDS)}.")
    model = source_of(ws, corpus_id)
    size = source.stat().st_size if source.is_file() else sum(f.stat().st_size for f in source.glob("*"))
    room.need(ws.home, 2 * size, "this adapter")
    root = ws.home / "adapters"
    root.mkdir(exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".importing-", dir=root))
    place = root / f"imported-{aside.name.removeprefix('.importing-')}"
    try:
        files = aside / "adapter"
        files.mkdir()
        incoming.take(source, files)
        base = bases.prepared(model.path, ws.home / "models")
        found = foreign.checked(files, base.folder, base.sha256)
        extractor = incoming.extractor_in(files) if kind == "grounded" else None
        hashes = {file.name: sha256(file) for file in sorted(files.iterdir())}
        os.sync()
        aside.rename(place)
        named = f" Its config names {found.named} as its base model." if found.named else ""
        return ws.adapters.take_in(
            corpus_id,
            kind,
            model.name,
            place.name,
            base_sha256=model.sha256,
            recipe={"rank": found.rank, "alpha": found.alpha},
            result={
                "imported": True,
                "corpus": sorted(ws.corpora.contents(corpus_id)),
                "reading": asdict(READINGS[kind]),
                "extractor": extractor.json() if extractor else None,
                "answer_tokens": ANSWER_TOKENS,
            },
            files=hashes,
            note=f"imported.{named}",
            created_by=by,
        )
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def may_be_judged(adapter: AdapterRow) -> bool:
    """Whether it is an imported one that can be put before the gate."""
    return bool(adapter.result.get("imported")) and adapter.status == "candidate"


def start(ws: "Workspace", adapter_id: int, by: str = "") -> JobRow:
    """Queue putting an imported adapter before the gate; returns the job, the one there is if it has not ended.

    Raises:
        BadInput: it was trained here and judged then, or there are too few accepted examples.
    """
    adapter = ws.adapters.get(adapter_id)
    if not may_be_judged(adapter):
        raise BadInput("That adapter was judged when its training ended, or serves.", "Choose an imported candidate.")
    if len(held_out(ws, adapter)) < gate.ENOUGH:
        raise BadInput(
            f"The gate needs {gate.ENOUGH} questions that examples of this corpus hold out.",
            "Accept examples about at least three documents.",
        )
    for job in ws.jobs.list(adapter.corpus_id, OPEN):
        if job.kind == "judge" and job.payload.get("adapter") == adapter_id:
            return job
    job = ws.jobs.enqueue("judge", adapter.corpus_id, {"adapter": adapter_id, "by": by})
    ws.wake()
    return job


def held_out(ws: "Workspace", adapter: AdapterRow) -> list[dict[str, Any]]:
    """The questions it is judged on: those that a training of the usual recipe would hold out."""
    rows = split(chosen_examples(ws, adapter.corpus_id), Recipe().seed).held_out
    return [asdict(row) | {"part": "held-out", "created_at": row.created_at.isoformat()} for row in rows]


def run(ws: "Workspace", lease: "Lease") -> None:
    """Put the adapter of a claimed job before the gate."""
    job = lease.job
    try:
        adapter = ws.adapters.get(int(job.payload["adapter"]))
    except NotFound as error:
        raise TriptychError("The adapter was deleted before it was judged.") from error
    ws.jobs.say(job, f"{adapter.kind} v{adapter.version}: answering the held-out questions")
    file = ws.serving.folder(adapter) / "examples.jsonl"
    part = file.with_suffix(".part")
    part.write_text("".join(json.dumps(row) + "\n" for row in held_out(ws, adapter)), "utf-8")
    part.replace(file)
    judged = gate.judge(ws, adapter, lease.check)
    words = f"{judged.gate['words']} {UNKNOWN}"
    ws.adapters.change(judged.id, gate=judged.gate | {"words": words}, trained_at=judged.trained_at or now())
    ws.jobs.progress(job, 1, 1, f"{adapter.kind} v{adapter.version}: {judged.status}")


def give_up(ws: "Workspace", job: JobRow, reason: str) -> None:
    """The adapter stays what it was."""
