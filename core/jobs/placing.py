"""Whether a job whose kind may go to a Ray cluster has to stay on the dashboard's machine after all."""

from typing import TYPE_CHECKING

from core.ingestion.spreading import why_here
from storage.rows import IndexRow, JobRow

if TYPE_CHECKING:
    from core.workspace import Workspace


def stays(ws: "Workspace", job: JobRow) -> bool:
    """Whether its embedding model can be used here alone; the job's own line says why (`spreading.why_here`)."""
    index = _index(ws, job)
    return index is not None and bool(why_here(ws.settings, index))


def _index(ws: "Workspace", job: JobRow) -> IndexRow | None:
    """The index that a job embeds for; None before the first, which is made with the packaged model."""
    if job.kind == "reindex":
        return ws.index_changes.get(job.payload["index_id"])
    return ws.corpora.active_index(job.corpus_id) if job.corpus_id is not None else None
