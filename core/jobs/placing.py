"""Whether a job that may go to a Ray cluster has to stay on the dashboard's machine, and what goes along with it."""

from typing import TYPE_CHECKING

from core.evaluation import elsewhere
from core.evaluation.elsewhere import Carried
from core.ingestion.spreading import why_here
from storage.errors import NotFound
from storage.rows import IndexRow, JobRow

if TYPE_CHECKING:
    from core.workspace import Workspace


def stays(ws: "Workspace", job: JobRow) -> bool:
    """Whether what it needs can be used here alone: its embedding model, and of an evaluation all that answers it.

    The job's own line says why (`spreading.why_here`, `elsewhere.why_here`).
    """
    if job.kind == "evaluate":
        return _evaluated_here(ws, job)
    index = _index(ws, job)
    return index is not None and bool(why_here(ws.settings, index))


def _index(ws: "Workspace", job: JobRow) -> IndexRow | None:
    """The index that a job embeds for; None before the first, which is made with the packaged model."""
    if job.kind == "reindex":
        return ws.index_changes.get(job.payload["index_id"])
    return ws.corpora.active_index(job.corpus_id) if job.corpus_id is not None else None


def carried(ws: "Workspace", job: JobRow) -> Carried:
    """The files that go along with a job to another machine: of an evaluation, those of its adapters."""
    if job.kind != "evaluate":
        return {}
    try:
        return elsewhere.carried(ws, ws.evaluations.get(job.payload["evaluation"]))
    except NotFound:  # somebody deleted it, which the job finds by itself
        return {}


def _evaluated_here(ws: "Workspace", job: JobRow) -> bool:
    try:
        return bool(elsewhere.why_here(ws, ws.evaluations.get(job.payload["evaluation"])))
    except NotFound:  # somebody deleted it, which the job finds by itself
        return True
