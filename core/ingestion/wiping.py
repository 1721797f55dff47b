"""The vectors of deleted chunks leave Chroma's files: their collections are made anew from the rows.

Chroma only marks a deleted vector, and words can be guessed from one. A small corpus is done at once, a large one by
a job; while it lasts the rows themselves are searched. A Chroma server looks after its own files.
"""

from typing import TYPE_CHECKING

from storage.jobs import OPEN
from storage.rows import IndexRow, JobRow

if TYPE_CHECKING:
    from core.jobs.lease import Lease
    from core.workspace import Workspace

KIND = "wipe"
AT_ONCE = 2_000
"""Vectors that are written anew within the deletion: about a second."""


def leave_no_vectors(ws: "Workspace", corpus_id: int) -> None:
    """Have the deleted vectors of a corpus leave the files, now or soon."""
    if ws.settings.chroma_url:
        return
    indexes = _indexes(ws, corpus_id)
    if sum(ws.vectors.count(index.collection) for index in indexes) <= AT_ONCE:
        wipe(ws, indexes)
    elif not any(job.kind == KIND and job.status == "queued" for job in ws.jobs.list(corpus_id, OPEN, limit=1000)):
        ws.jobs.enqueue(KIND, corpus_id)
        ws.wake()


def wipe(ws: "Workspace", indexes: list[IndexRow]) -> None:
    """Make collections anew from the rows, and let nothing of the old ones stay."""
    for index in indexes:
        ws.vectors.rebuild(index.collection, ws.indexes.all(index.id))
    ws.vectors.leave_nothing()


def run(ws: "Workspace", lease: "Lease") -> None:
    """Wipe the collections of a claimed job's corpus."""
    if lease.job.corpus_id is not None:
        ws.jobs.say(lease.job, "deleted vectors leave the search index")
        wipe(ws, _indexes(ws, lease.job.corpus_id))
        ws.jobs.progress(lease.job, 1, 1, "deleted vectors left the search index")


def give_up(ws: "Workspace", job: JobRow, reason: str) -> None:
    """Nothing is left half made: a collection that differs from the rows is made anew at the next start."""


def _indexes(ws: "Workspace", corpus_id: int) -> list[IndexRow]:
    return [index for index in ws.corpora.indexes() if index.corpus_id == corpus_id]
