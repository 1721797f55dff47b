"""Another embedding model or other chunks for a corpus, without a minute in which it cannot be asked.

    begin -> job: cut what is not cut so -> embed what lacks a vector -> rows -> Chroma -> whole -> swap -> drop

The index that serves is not touched until the swap, and is kept after it, so that it can be swapped back. What
is added meanwhile goes to the one that serves first and to the other right after. The job asks the rows what is
missing, so it may be killed anywhere and goes on from there. Indexes with the same chunker share their chunks; others
have a cut of their own, found by words and by meaning only once it serves, and swept away when no index has it.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import room
from core.domains import ChunkingPolicy
from core.errors import Conflict, NotFound
from core.ingestion import cutting
from core.ingestion.embedders import Checked, Choice, Probed
from core.ingestion.indexing import embedded_text
from core.ingestion.spreading import why_here
from storage.errors import Busy, Exists
from storage.errors import NotFound as NoRow
from storage.rows import ChunkRow, IndexRow, JobRow

if TYPE_CHECKING:
    from core.jobs.lease import Lease
    from core.workspace import Workspace

SERVES = "{} is what this corpus is indexed with, and its chunks are like that."
STEP = 32
"""Chunks a step: small, so that questions asked meanwhile wait for little and a kill costs little. In a cluster more,
for all workers (`spreading`): questions are not asked there."""
VECTOR_COPIES = 4
"""A vector is in rows, in the log of the rows, and twice in Chroma while it is sorted in."""
SAMPLE = 16
"""Chunks embedded to estimate how long all of them take."""
SAMPLE_DOCUMENTS = 8
"""Documents cut to estimate how many chunks another way of cutting makes."""
CUT = 8
"""Documents cut anew in one transaction."""
SWEPT = 200
"""Chunks of a cut that no index has any more, deleted at once: searches and other writers go on in between."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a change would take: chunks to embed, and seconds by a probe of a few. `policy` None: cut as now."""

    probed: Probed
    chunks: int
    seconds: float
    policy: ChunkingPolicy | None = None


def estimate(ws: "Workspace", corpus_id: int, choice: Choice, policy: ChunkingPolicy | None = None) -> Estimate:
    """Try an embedding model on a few of the corpus's chunks, and a way of cutting on a few of its documents.

    Raises:
        NotFound: nothing is indexed yet. Conflict: that is how it is indexed. BadInput, EngineFailed, ModelMissing:
            it cannot be used.
    """
    active = ws.corpora.active_index(corpus_id)
    if active is None:
        raise NotFound("Nothing is indexed here yet.", "Add files first.")
    probed = ws.embedders.probe(choice)
    chunker = cutting.named(cutting.checked(policy)) if policy else active.chunker
    if (probed.name, probed.dimension, chunker) == (active.embedding_model, active.dimension, active.chunker):
        raise Conflict(SERVES.format(probed.name), "Choose another embedding model, or other chunks.")
    chunks = ws.indexes.count_ready(active.id)
    if policy is not None and chunker != active.chunker:
        chunks = round(chunks * _more(ws, corpus_id, policy))
    sample = ws.index_changes.sample(corpus_id, SAMPLE)
    embedder = ws.embedders.open(probed)
    began = time.perf_counter()
    if sample:
        embedder.embed_chunks([embedded_text("", row) for row in sample])
    return Estimate(probed, chunks, (time.perf_counter() - began) / max(len(sample), 1) * chunks, policy)


def begin(ws: "Workspace", corpus_id: int, probed: Probed, policy: ChunkingPolicy | None = None) -> IndexRow:
    """Begin an index with another embedding model or other chunks; what served before the last change is dropped.

    Raises:
        NotFound: nothing is indexed yet. Conflict: that is how it is indexed. BadInput: chunks of that size are not
            possible. NoRoom: the disk may not hold it.
    """
    active = ws.corpora.active_index(corpus_id)
    chunks = ws.indexes.count_ready(active.id) if active else 0
    room.need(ws.home, VECTOR_COPIES * 4 * probed.dimension * chunks, "the new index")
    chunker = cutting.named(cutting.checked(policy)) if policy else ""
    try:
        index, dropped = ws.index_changes.begin(
            corpus_id, probed.name, probed.choice.stored(), probed.dimension, chunker
        )
    except Exists as error:
        raise Conflict(SERVES.format(probed.name), "Choose another embedding model, or other chunks.") from error
    except NoRow as error:
        raise NotFound("Nothing is indexed here yet.", "Add files first.") from error
    for collection in dropped:
        ws.vectors.drop(collection)
    ws.wake()
    return index


def run(ws: "Workspace", lease: "Lease") -> None:
    """Fill an index, after chunks that no index has were swept away; safe to call again after being killed anywhere.

    It ends when the index is dropped meanwhile, and leaves nothing of it in Chroma.
    """
    if lease.job.corpus_id is not None:
        _sweep(ws, lease, lease.job.corpus_id)
    index = ws.index_changes.get(lease.job.payload["index_id"])
    if index is None:
        return
    try:
        _make_whole(ws, lease, index)
    finally:
        if ws.index_changes.get(index.id) is None:
            _leave_nothing(ws, index)
    lease.check()  # dropped: whoever did so asked this job to end


def give_up(ws: "Workspace", job: JobRow, reason: str) -> None:
    """Nothing to put in order: what was embedded is kept for the next attempt, and nothing searches it."""


def swap(ws: "Workspace", index_id: int) -> None:
    """Have an index serve from the next question on; the one that served is kept for swapping back.

    Raises:
        NotFound: it was dropped. Conflict: it is not whole yet; the job that fills it is queued.
    """
    index = _there(ws, index_id)
    _agree(ws, index)
    try:
        ws.index_changes.activate(index_id)
    except Busy as error:
        ws.index_changes.catch_up(index.corpus_id)
        ws.wake()
        raise Conflict(f"Nothing was swapped: {error}.", "They are being added; try again in a moment.") from error
    except NoRow as error:
        raise NotFound("That index was dropped.", "Begin it again.") from error


def drop(ws: "Workspace", index_id: int) -> None:
    """Delete an index that does not serve, and stop the job that fills it; raises Conflict when it serves."""
    try:
        collection = ws.index_changes.drop(index_id)
    except Busy as error:
        raise Conflict("This index serves; it was kept.", "Swap the other one in first.") from error
    if collection is not None:
        ws.vectors.drop(collection)
    ws.wake()


def _make_whole(ws: "Workspace", lease: "Lease", index: IndexRow) -> None:
    """Cut, embed and put into Chroma what an index lacks; ends early when it is dropped."""
    if not _cut(ws, lease, index):
        return
    left = ws.index_changes.count_lacking(index)
    total = left + ws.indexes.count_ready(index.id)
    if left and not _fill(ws, lease, index, left, total):
        return
    lease.check()
    _agree(ws, index)
    ws.jobs.progress(lease.job, total, total, "ready to be swapped in")


def _leave_nothing(ws: "Workspace", index: IndexRow) -> None:
    """Drop the collection of a dropped index: a step that was under way may have made it again.

    Not when it was begun once more: that index has the same collection.
    """
    if all(each.collection != index.collection for each in ws.corpora.indexes()):
        ws.vectors.drop(index.collection)


def _cut(ws: "Workspace", lease: "Lease", index: IndexRow) -> bool:
    """Cut the documents that the index's cut lacks; one that comes later waits for the next job (`catch_up`).

    Returns False when the index was dropped.
    """
    cut = 0
    while ids := ws.cuts.uncut(index, CUT):
        lease.check()
        if not cutting.cut_again(ws, lease.job, index, ids):
            return False
        cut += len(ids)
        ws.jobs.say(lease.job, f"{cut:,} documents cut anew")
    return True


def _sweep(ws: "Workspace", lease: "Lease", corpus_id: int) -> None:
    swept = 0
    while ids := ws.cuts.leftover(corpus_id, SWEPT):
        lease.check()
        ws.cuts.remove(corpus_id, ids)
        swept += len(ids)
        ws.jobs.say(lease.job, f"{swept:,} chunks of the dropped index removed")


def _more(ws: "Workspace", corpus_id: int, policy: ChunkingPolicy) -> float:
    """How many times as many chunks a policy makes of some documents as they have now."""
    ready = ws.corpora.documents(corpus_id, status="ready")
    some = ready[:: max(1, len(ready) // SAMPLE_DOCUMENTS)][:SAMPLE_DOCUMENTS]
    now = sum(document.chunk_count for document in some)
    then = sum(len(cutting.cut(ws.cuts.pages(document.id), policy)) for document in some)
    return then / now if now else 1.0


def _fill(ws: "Workspace", lease: "Lease", index: IndexRow, left: int, total: int) -> bool:
    """Embed what lacks a vector, `left` of `total` chunks; the line says where, if there is a cluster.

    Returns False when the index was dropped.
    """
    embedder, here = ws.embedders.of(index), why_here(ws.settings, index)
    model = f"with {index.embedding_model}" + (f" ({here})" if here else "")
    ws.jobs.say(lease.job, model)
    while rows := ws.index_changes.lacking(index, embedder.at_once(STEP)):
        lease.check()
        if not _embed(ws, lease.job, index, rows, embedder):
            return False
        left = max(0, left - len(rows))
        ws.jobs.progress(lease.job, total - left, total, model + embedder.where())
    return True


def _embed(ws: "Workspace", job: JobRow, index: IndexRow, rows: list[ChunkRow], embedder: Checked) -> bool:
    """Embed chunks and store their vectors; False when the index was dropped."""
    titles = {key: row.title for key, row in ws.corpora.documents_by_ids({row.document_id for row in rows}).items()}
    texts = [embedded_text(titles.get(row.document_id, ""), row) for row in rows]
    vectors = embedder.embed_chunks(texts)
    ids = [row.id for row in rows]
    if not ws.index_changes.store(job, index.id, {row.id: row.said for row in rows}, vectors):
        return False
    wanted = [at for at, row in enumerate(rows) if not row.switched_off]
    ws.vectors.upsert(index.collection, [ids[at] for at in wanted], vectors[wanted])
    ws.vectors.remove(index.collection, [row.id for row in rows if row.switched_off])
    return True


def _agree(ws: "Workspace", index: IndexRow) -> None:
    """Make the collection of an index that does not serve anew, when it differs from the rows."""
    if not index.active and ws.vectors.count(index.collection) != ws.indexes.count_ready(index.id):
        ws.vectors.rebuild(index.collection, ws.indexes.ready(index.id))


def _there(ws: "Workspace", index_id: int) -> IndexRow:
    index = ws.index_changes.get(index_id)
    if index is None:
        raise NotFound("That index was dropped.", "Begin it again.")
    return index
