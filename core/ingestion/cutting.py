"""How the documents of an index are cut, and cutting what is stored anew for another index.

    policy -> its name in an index's fingerprint; pages and their blocks from the rows -> chunks of another cut

Files are not read again: what parsing said of each page is kept with it, so that a document of which no original is
kept (personal data was replaced) can be cut anew like any other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, cast

from core.domains import ChunkingPolicy
from core.errors import BadInput
from core.ingestion.chunking import CHUNKER, ChunkDraft, chunk
from core.ingestion.parsed import Block, BlockKind, Page, ParsedDocument
from storage.contents import ChunkText
from storage.cuts import CutPage
from storage.rows import ChunkRow, IndexRow, JobRow

if TYPE_CHECKING:
    from core.workspace import Workspace

Packed = dict[str, list[Any]]


def named(policy: ChunkingPolicy) -> str:
    """The name of a way of cutting, as an index's fingerprint has it: `structure-1 section 900 1400`."""
    return f"{CHUNKER} {policy.structure} {policy.target_chars} {policy.max_chars}"


def policy_of(chunker: str, otherwise: ChunkingPolicy) -> ChunkingPolicy:
    """The policy that `named` named; `otherwise` for an index from before names held it."""
    words = chunker.split()
    if len(words) != 4:
        return otherwise
    return ChunkingPolicy(cast("Any", words[1]), int(words[2]), int(words[3]))


def policy_for(ws: "Workspace", index: IndexRow) -> ChunkingPolicy:
    """How documents are cut for an index."""
    return policy_of(index.chunker, ws.domains.get(ws.corpora.get(index.corpus_id).domain).chunking)


def checked(policy: ChunkingPolicy) -> ChunkingPolicy:
    """A policy that a person chose.

    Raises:
        BadInput: its sizes are out of bounds.
    """
    from core.domains.written import LARGEST, SMALLEST

    if not SMALLEST <= policy.target_chars <= policy.max_chars <= LARGEST:
        raise BadInput(
            f"Chunks of {policy.target_chars:,} to {policy.max_chars:,} characters are not possible.",
            f"Choose a usual length of at least {SMALLEST} and a longest of at most {LARGEST:,}, not below it.",
        )
    return policy


def packed(blocks: Iterable[Block]) -> Packed:
    """Blocks as a page's row keeps them; the header that many rows of a table share is written once."""
    rows = list(blocks)
    headers = list(dict.fromkeys(block.header for block in rows))
    at = {header: number for number, header in enumerate(headers)}
    return {"headers": headers, "blocks": [[b.kind, b.start, b.end, b.level, at[b.header]] for b in rows]}


def unpacked(kept: Mapping[str, Any]) -> tuple[Block, ...]:
    """What `packed` packed."""
    headers = kept["headers"]
    return tuple(Block(kind, start, end, level, headers[at]) for kind, start, end, level, at in kept["blocks"])


def cut_again(ws: "Workspace", job: JobRow, index: IndexRow, document_ids: Sequence[int]) -> bool:
    """Cut stored documents as an index wants them; False when it was dropped. May raise LeaseLost."""
    policy = policy_for(ws, index)
    return ws.cuts.store(job, index.id, {key: cut(ws.cuts.pages(key), policy) for key in document_ids})


def cut(pages: Sequence[CutPage], policy: ChunkingPolicy) -> list[ChunkText]:
    """The chunks of a document's stored pages by a policy."""
    parsed = ParsedDocument("", "", tuple(Page(page.number, page.label, page.text, _blocks(page)) for page in pages))
    old = {page.number: page.chunks for page in pages if page.blocks is None}
    return [ChunkText(**asdict(_under(draft, old.get(draft.page, ())))) for draft in chunk(parsed, policy)]


def _blocks(page: CutPage) -> tuple[Block, ...]:
    """A page's own blocks; stored before they were kept, its chunks stand for them."""
    if page.blocks is not None:
        return unpacked(page.blocks)
    return tuple(Block(cast("BlockKind", row.kind), row.start, row.end, 0, row.header) for row in page.chunks)


def _under(draft: ChunkDraft, old: Sequence[ChunkRow]) -> ChunkDraft:
    """A draft with the heading of the old chunk it begins in, where blocks did not say one."""
    above = next((row.heading for row in old if row.start <= draft.start < row.end), "")
    return draft if draft.heading or not above else replace(draft, heading=above)
