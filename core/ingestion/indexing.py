"""The index job: from queued documents to answerable ones.

    read (sandbox, ahead) -> pages and chunks as rows -> vectors as rows -> Chroma -> ready

Every arrow is one transaction, and each step leaves out what an earlier attempt did, so the job may be
killed anywhere and goes on from there. A document becomes ready, found by words and by meaning, in one
transaction, which also takes away the version it replaces.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from core.errors import UnreadableFile
from core.ingestion import cutting, scanned
from core.ingestion.chunking import ChunkDraft
from core.ingestion.parsed import ParsedDocument
from core.ingestion.reading import GROUP_CHUNKS, Read, groups
from core.ingestion.warming import warming
from core.ingestion.wiping import leave_no_vectors
from storage.errors import NotFound, Swapped
from storage.rows import ChunkRow, DocumentRow, IndexRow, JobRow

if TYPE_CHECKING:
    from core.jobs.lease import Lease
    from core.workspace import Workspace

CORPUS_LINE = "application/x-corpus-line"
"""Media type of a corpus.jsonl line until it is read: UTF-8 text of which we wrote the bytes."""


WEB_PAGE = "text/html"
"""What a web server calls a page."""


@dataclass(slots=True)
class Work:
    """What the steps of one attempt share; `done` and `total` count the job's documents.

    `replaced`: vectors were taken out, and are to leave Chroma's files as well. `here`: why the job does not run in the
    cluster, where there is one.
    """

    ws: "Workspace"
    lease: "Lease"
    index: IndexRow
    done: int
    total: int
    replaced: bool = False
    here: str = ""

    def line(self, where: str = "") -> str:
        """How far it is, in words."""
        return f"{self.done} of {self.total} documents{where}" + (f" ({self.here})" if self.here else "")

    @property
    def job(self) -> JobRow:
        """The claimed job."""
        return self.lease.job


def run(ws: "Workspace", lease: "Lease") -> None:
    """Index the documents of a claimed job; safe to call again after being killed anywhere."""
    batch = ws.documents.batch(lease.job.id)
    if not batch:
        return
    corpus = ws.corpora.get(batch[0].corpus_id)
    total = len(ws.documents.of_job(lease.job.id))
    work = Work(ws, lease, ensure_index(ws, corpus.id), total - len(batch), total)
    if ws.settings.ray_address:
        from core.ingestion.spreading import why_here  # loads what reading alone does not need

        work.here = why_here(ws.settings, work.index)
    ws.jobs.say(lease.job, work.line())
    domain = ws.domains.get(corpus.domain)
    domain = replace(domain, chunking=cutting.policy_of(work.index.chunker, domain.chunking))
    with warming(ws, work.index):
        for group in groups(batch, partial(parse, ws, lease.job), domain, work.index.cut):
            lease.check()
            index_group(work, group)
            work.done += len(group)
            ws.jobs.progress(lease.job, work.done, total, work.line())
    if work.replaced:
        leave_no_vectors(ws, corpus.id)
    ws.index_changes.catch_up(corpus.id)
    ws.wake()


def give_up(ws: "Workspace", job: JobRow, reason: str) -> None:
    """Leave no document of the job unfinished: cancelled, or failed when there is a reason."""
    rest = [document.id for document in ws.documents.batch(job.id)]
    if not reason:
        ws.documents.cancel(rest)
    for document_id in rest if reason else ():
        ws.documents.fail(job, document_id, reason, "Press retry to try again.")


def ensure_index(ws: "Workspace", corpus_id: int) -> IndexRow:
    """The index that serves a corpus; a new one begins with the packaged embedding model, cut as its domain says.

    The files of a conversation begin with the embedding model of the corpus that they are searched together with.
    """
    corpus = ws.corpora.get(corpus_id)
    chunker = cutting.named(ws.domains.get(corpus.domain).chunking)
    beside = ws.conversations.corpus_of_files(corpus_id) if corpus.hidden else None
    if beside is not None and (known := ws.corpora.active_index(beside)) is not None:
        return ws.indexes.ensure(corpus_id, known.embedding_model, known.dimension, chunker, known.embedder)
    return ws.indexes.ensure(corpus_id, ws.embedder.name, ws.embedder.dimension, chunker)


def parse(ws: "Workspace", job: JobRow, document: DocumentRow) -> ParsedDocument:
    """Read one stored upload: in the sandbox, except a corpus.jsonl line, which is plain text already."""
    try:
        path = ws.files.path(document.content_sha256)
    except NotFound as error:
        raise UnreadableFile("Its file was not kept.", "Add it again from its source.") from error
    if document.media_type == CORPUS_LINE:
        from core.ingestion.parsing import parse_line

        return parse_line(path.read_text("utf-8"), document.title)
    ws.documents.set_parsing(job, document.id)
    web = document.source.startswith(("http://", "https://")) and document.media_type == WEB_PAGE
    parsed = ws.sandbox.parse(path, f"{document.name}.html" if web else document.name, web)
    return scanned.read(ws.sandbox, path, document.name, parsed, partial(ws.documents.set_pages_read, job, document.id))


def index_group(work: Work, group: Sequence[Read]) -> None:
    """Take a group of documents that were read all the way to ready (or failed)."""
    ws, job = work.ws, work.job
    for member in group:
        if member.failure:
            ws.documents.fail(
                job, member.document.id, member.failure.message, member.failure.remedy, keep=not member.refused
            )
    ids = ws.documents.store_content(job, [member.content for member in group if member.content])
    ids |= {member.document.id for member in group if not member.content and not member.failure}
    chunks = {member.document.id: member.chunks for member in group}
    while not make_ready(work, ids, chunks):  # another index serves since
        work.index = ensure_index(ws, work.index.corpus_id)


def make_ready(work: Work, ids: set[int], chunks: dict[int, int]) -> bool:
    """Embed stored documents and let them be found; False when another index serves now, so that it lacks them.

    Args:
        chunks: how many chunks each document has.
    """
    ws = work.ws
    ids = embed(work, set(ids), chunks)
    fed = feed(ws, work.index, ids)
    try:
        ready, gone = ws.documents.make_ready(work.job, sorted(ids), work.index.id)
    except Swapped:
        return False
    stale = set(gone.chunk_ids)
    if ready != ids:  # cancelled or deleted since: their vectors must not stay
        stale |= set(fed) - set(ws.corpora.chunks_by_ids(fed))
    forget_vectors(ws, work.index.corpus_id, sorted(stale))
    work.replaced |= bool(stale)
    return True


def forget_vectors(ws: "Workspace", corpus_id: int, chunk_ids: Sequence[int]) -> None:
    """Take chunks out of every collection of a corpus."""
    with ws.owing_vectors():
        for index in ws.corpora.indexes() if chunk_ids else ():
            if index.corpus_id == corpus_id:
                ws.vectors.remove(index.collection, chunk_ids)


def embed(work: Work, ids: set[int], chunks: dict[int, int]) -> set[int]:
    """Store the vectors that documents still lack; returns the ids of those that are still wanted.

    Args:
        chunks: how many chunks each document has.
    """
    if uncut := work.ws.cuts.without(work.index, sorted(ids)):  # read for an index that serves no more
        cutting.cut_again(work.ws, work.job, work.index, uncut)
    missing = work.ws.indexes.missing(work.index.id, sorted(ids))
    titles = {row.id: row.title for row in work.ws.corpora.documents_by_ids(ids).values()}
    left = Counter(row.document_id for row in missing)
    while missing:
        work.lease.check()
        embedder = work.ws.embedders.of(work.index)
        size = embedder.at_once(GROUP_CHUNKS)
        batch, missing = missing[:size], missing[size:]
        vectors = embedder.embed_chunks([embedded_text(titles.get(row.document_id, ""), row) for row in batch])
        work.ws.indexes.store(work.job, work.index.id, [row.id for row in batch], vectors)
        left.subtract(row.document_id for row in batch)
        wanted = work.ws.documents.set_progress(work.job, {key: max(0, chunks[key] - left[key]) for key in ids})
        ids &= wanted
        missing = [row for row in missing if row.document_id in wanted]
        work.ws.jobs.progress(work.job, work.done, work.total, work.line(embedder.where()))
    return ids


def embedded_text(title: str, row: ChunkRow) -> str:
    """What is embedded of a chunk: its document's title, unless the text says it, then what is searchable."""
    draft = ChunkDraft(row.ordinal, row.page, row.start, row.end, row.kind, row.heading, row.header, row.said)
    text = draft.searchable
    return text if not title or title in text else f"{title}\n{text}"


def feed(ws: "Workspace", index: IndexRow, ids: Iterable[int]) -> list[int]:
    """Put documents' vectors from their rows into Chroma; returns the chunk ids."""
    fed: list[int] = []
    for chunk_ids, vectors in ws.indexes.of_documents(index.id, sorted(ids)):
        ws.vectors.upsert(index.collection, chunk_ids, vectors)
        fed += chunk_ids
    return fed
