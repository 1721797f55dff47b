"""`triptych train`: examples in, adapters trained and put before the gate, by this process or by the server."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.commands.following import OWNER_S, Line, check_owner
from core.commands.index import open_workspace
from core.errors import NotFound, TriptychError
from core.finetuning import tuning
from core.finetuning.recipe import KINDS, Kind
from core.finetuning.uploads import read_file
from core.settings import Settings
from storage.jobs import OPEN

if TYPE_CHECKING:
    from core.workspace import Workspace

LOOK_S = 0.5


def train(
    settings: Settings, corpus_name: str, examples: Path | None, kind: str, preset: str, *, wait: bool
) -> dict[str, Any]:
    """Add examples, train, and say what became of it: `{"job", "status", "added", "bad_rows", "adapters"}`.

    When this process owns the workspace it does the work and waits for it; beside a server it waits if told so.

    Raises:
        NotFound: there is no such corpus.
        BadInput: the file of examples, the kind or the preset cannot be used.
        TriptychError: training failed; the message says why.
    """
    kinds: tuple[Kind, ...] = KINDS if kind == "both" else (kind,)  # type: ignore[assignment]
    upload = read_file(examples) if examples else None
    with open_workspace(settings) as ws:
        corpus = ws.corpora.by_name(corpus_name)
        if corpus is None:
            raise NotFound(f"There is no corpus {corpus_name!r}.", "Index documents into one first.")
        added = ws.examples.add(corpus.id, upload.drafts) if upload else 0
        job = tuning.start(ws, corpus.id, kinds, preset, by="command line")
        if ws.lock is not None:
            ws.dispatcher.start()
        status = followed(ws, job.id) if ws.lock is not None or wait else job.status
        found = {
            "job": job.id,
            "status": status,
            "added": added,
            "bad_rows": [{"row": bad.number, "reason": bad.reason} for bad in upload.bad] if upload else [],
            "adapters": [_adapter(row) for row in ws.adapters.of_job(job.id)],
        }
        if status == "failed":
            raise TriptychError(ws.jobs.get(job.id).error)
        return found


def readable(found: dict[str, Any]) -> str:
    """What became of it, for people."""
    lines = [f"{found['added']} examples added."] if found["added"] else []
    lines += [f"Row {bad['row']} was left out: {bad['reason']}." for bad in found["bad_rows"]]
    lines += [f"{a['kind']} v{a['version']}: {a['status']}. {a['gate'].get('words', '')}" for a in found["adapters"]]
    return "\n".join(lines or [f"Job {found['job']} is {found['status']}."])


def followed(ws: "Workspace", job_id: int) -> str:
    """Wait for a job and show how far it is; returns how it ended. Raises TriptychError: nobody works on it."""
    shown, seen = Line(), time.monotonic()
    while (job := ws.jobs.get(job_id)).status in OPEN:
        shown.show(job.message or job.status)
        if ws.lock is None and time.monotonic() - seen > OWNER_S:
            check_owner(ws)
            seen = time.monotonic()
        time.sleep(LOOK_S)
    shown.end()
    return job.status


def _adapter(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "version": row.version,
        "status": row.status,
        "gate": row.gate,
        "result": row.result,
    }
