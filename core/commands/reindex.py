"""`triptych reindex`: another embedding model or other chunks for a corpus: tried, built, and swapped in."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.commands.train import followed
from core.domains import ChunkingPolicy, written
from core.errors import BadInput, NotFound, TriptychError
from core.ingestion import cutting, reindexing
from core.ingestion.embedders import Choice, from_values
from core.settings import Settings
from storage.rows import IndexRow

if TYPE_CHECKING:
    from core.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to change; what is empty stays as it is.

    `embedding` is "packaged", a folder, or an endpoint's address, where `model` and `key_variable` go with it.
    """

    embedding: str = ""
    model: str = ""
    key_variable: str = ""
    structure: str = ""
    usual: int | None = None
    longest: int | None = None
    as_domain: bool = False


def reindex(settings: Settings, corpus_name: str, wanted: Wanted, *, dry_run: bool) -> dict[str, Any]:
    """Build the other index and have it serve: `{"embedding_model", "chunker", "chunks", "seconds", "swapped"}`.

    The index that served before is kept, so that the same command with what was before swaps it back in a moment.

    Raises:
        NotFound: there is no such corpus, or nothing is indexed. Conflict: that is how it is indexed. WorkspaceLocked:
            a server is running. BadInput, EngineFailed, ModelMissing: it cannot be used. TriptychError: it failed.
    """
    from core.workspace import Workspace

    with Workspace.open(settings) as ws:
        corpus = ws.corpora.by_name(corpus_name)
        active = ws.corpora.active_index(corpus.id) if corpus else None
        if corpus is None or active is None:
            raise NotFound(f"There is no corpus {corpus_name!r} with documents.", "Index documents into one first.")
        policy = _policy(ws, active, wanted)
        told = reindexing.estimate(ws, corpus.id, _choice(active, wanted), policy)
        found: dict[str, Any] = {
            "embedding_model": told.probed.name,
            "chunker": cutting.named(policy) if policy else active.chunker,
            "chunks": told.chunks,
            "seconds": round(told.seconds, 1),
            "swapped": False,
        }
        return found if dry_run else found | _built(ws, corpus.id, told)


def readable(found: dict[str, Any]) -> str:
    """What became of it, for people."""
    what = f"{found['embedding_model']}, {found['chunker']}"
    if found["swapped"]:
        return f"Answers come from the new index: {what}; {found['chunks']:,} chunks in {found['seconds']:,.0f} s."
    return f"{what}: {found['chunks']:,} chunks would take about {found['seconds']:,.0f} s. Nothing was changed."


def _built(ws: "Workspace", corpus_id: int, told: reindexing.Estimate) -> dict[str, Any]:
    began = time.monotonic()
    index = reindexing.begin(ws, corpus_id, told.probed, told.policy)
    job = ws.index_changes.job(corpus_id)
    ws.dispatcher.start()
    if job is None or followed(ws, job.id) != "done":
        raise TriptychError(
            ws.jobs.get(job.id).error if job else "The job is gone.", "The old index serves; run the command again."
        )
    reindexing.swap(ws, index.id)
    chunks = ws.indexes.count_ready(index.id)
    return {"chunks": chunks, "seconds": round(time.monotonic() - began, 1), "swapped": True}


def _choice(active: IndexRow, wanted: Wanted) -> Choice:
    if not wanted.embedding:
        return Choice.of(active)
    if wanted.embedding == "packaged":
        return Choice()
    kind = "endpoint" if "://" in wanted.embedding else "folder"
    values = {"kind": kind, "location": wanted.embedding, "model": wanted.model, "key_variable": wanted.key_variable}
    return from_values(values)


def _policy(ws: "Workspace", active: IndexRow, wanted: Wanted) -> ChunkingPolicy | None:
    """How documents are to be cut; None for as they are."""
    if wanted.as_domain:
        return ws.domains.get(ws.corpora.get(active.corpus_id).domain).chunking
    if not wanted.structure and wanted.usual is None and wanted.longest is None:
        return None
    now = cutting.policy_for(ws, active)
    structure = wanted.structure or now.structure
    if structure not in written.STRUCTURES:
        raise BadInput(f"Documents cannot be cut at {structure!r}.", f"Choose one of {', '.join(written.STRUCTURES)}.")
    usual = now.target_chars if wanted.usual is None else wanted.usual
    longest = max(now.max_chars, usual) if wanted.longest is None else wanted.longest
    return ChunkingPolicy(structure, usual, longest)  # type: ignore[arg-type]  # one of STRUCTURES
