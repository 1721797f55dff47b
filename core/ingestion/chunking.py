"""Cut pages into chunks: by structure first, by length second, and never across a page.

Pure. Every chunk is a slice of one page, so a citation can be highlighted by its offsets. What a
slice loses by being cut out (the headings above it, the header of its table, the question of a long
answer) travels beside it in `heading` and `header` and is searched together with it.

Knows nothing of formats (parsing marked the blocks) and nothing of embedding models.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.domains import ChunkingPolicy
from core.ingestion.parsed import Block, Page, ParsedDocument

CHUNKER = "structure-1"
"""Version of these rules; part of an index's fingerprint, so raise it when chunks would change."""

SMALL = 200
"""A section shorter than this many characters shares a chunk with the next: alone it says too little."""

CLAUSE = re.compile(
    r"(?:\d{1,3}(?:\.\d{1,3})+\.?|\d{1,3}\.|\([a-z]{1,4}\)|§+\s*\d+|(?:Article|Section|Clause)\s+\w+)\s"
)
SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]”’]*\s+(?=[\"'(\[“‘]?[A-Z0-9])|\n+")


@dataclass(frozen=True, slots=True)
class ChunkDraft:
    """A chunk before it is a row: `text == page.text[start:end]`."""

    ordinal: int
    page: int
    start: int
    end: int
    kind: str
    heading: str
    header: str
    text: str

    @property
    def searchable(self) -> str:
        """What is embedded: headings that the text does not open with, the lost table header, the text."""
        opening = " ".join(self.text[:400].split())
        above = " > ".join(title for title in self.heading.split(" > ") if title not in opening)
        return "\n".join(part for part in (above, self.header, self.text) if part)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch that is kept whole: a block, or a part of one that was too long."""

    block: Block
    start: int
    end: int
    heading: str
    opens: bool  # structure says that a chunk should begin here


def chunk(parsed: ParsedDocument, policy: ChunkingPolicy) -> list[ChunkDraft]:
    """Cut a document into chunks of about `policy.target_chars`, at most `policy.max_chars` characters.

    A single table row or an unbroken word longer than that is cut at the limit as well.
    """
    drafts: list[ChunkDraft] = []
    headings: list[tuple[int, str]] = []
    for page in parsed.pages:
        for group in groups(list(pieces(page, headings, policy)), policy):
            if page is parsed.pages[-1] or not only_headings(group):  # else they travel on in `heading`
                drafts.append(draft(len(drafts), page, group))
    return drafts


def pieces(page: Page, headings: list[tuple[int, str]], policy: ChunkingPolicy) -> Iterator[Piece]:
    """The page's blocks in order, long ones split; `headings` is the path so far and is carried on."""
    question = ""
    for block in page.blocks:
        text = page.text[block.start : block.end]
        if block.kind == "heading":
            headings[:] = [h for h in headings if h[0] < block.level]
            headings.append((block.level, " ".join(text.split())[:160]))
        question = " ".join(text.split()) if block.kind == "question" else question if block.kind == "answer" else ""
        path = [title for _, title in headings] + ([question[:200]] if question else [])
        for number, (start, end) in enumerate(split_long(text, policy)):
            opens = number == 0 and begins(block, text, policy)
            yield Piece(block, block.start + start, block.start + end, " > ".join(path), opens)


def begins(block: Block, text: str, policy: ChunkingPolicy) -> bool:
    """Whether the domain's structure wants a new chunk at this block."""
    if block.kind in ("heading", "question"):
        return True
    return policy.structure == "clause" and block.kind in ("paragraph", "list_item") and bool(CLAUSE.match(text))


def split_long(text: str, policy: ChunkingPolicy) -> Iterator[tuple[int, int]]:
    """Offsets of parts of at most `max_chars`, cut after a sentence, else a word, else anywhere."""
    start = 0
    while len(text) - start > policy.max_chars:
        window = text[start : start + policy.max_chars]
        ends = [match.end() for match in SENTENCE_END.finditer(window) if match.end() > SMALL]
        near = [end for end in ends if end <= policy.target_chars] or ends[:1]
        cut = near[-1] if near else window.rfind(" ") + 1 or policy.max_chars
        yield start, start + len(text[start : start + cut].rstrip())
        start += cut
    if text[start:].strip():
        yield start, len(text)


def groups(parts: list[Piece], policy: ChunkingPolicy) -> Iterator[list[Piece]]:
    """Pieces of one page that share a chunk."""
    group: list[Piece] = []
    for number, part in enumerate(parts):
        if group and closes(group, part, parts[number + 1 : number + 2], policy):
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def closes(group: list[Piece], part: Piece, following: list[Piece], policy: ChunkingPolicy) -> bool:
    """Whether `part` has to begin a new chunk after `group`."""
    so_far, length = group[-1].end - group[0].start, part.end - group[0].start
    if length > policy.max_chars:
        return True
    if part.opens and so_far >= SMALL and not only_headings(group):
        return True
    if part.opens and part.block.kind == "question":
        return True
    lonely_row = part.block.kind == "table_row" and not following
    return length > policy.target_chars and so_far >= SMALL and not lonely_row


def draft(ordinal: int, page: Page, group: list[Piece]) -> ChunkDraft:
    """The chunk that covers a group; a row's header comes along unless it is in the slice already."""
    start, end = group[0].start, group[-1].end
    text = page.text[start:end]
    header = next((p.block.header for p in group if p.block.header), "")
    kinds: list[str] = [p.block.kind for p in group if p.block.kind != "heading"] or [group[0].block.kind]
    return ChunkDraft(
        ordinal=ordinal,
        page=page.number,
        start=start,
        end=end,
        kind=max(kinds, key=kinds.count),
        heading=group[0].heading if group[0].block.kind != "heading" else deepest(group),
        header="" if header in text else header,
        text=text,
    )


def only_headings(group: list[Piece]) -> bool:
    """Whether a group holds no text of its own."""
    return all(p.block.kind == "heading" for p in group)


def deepest(group: list[Piece]) -> str:
    """The heading path of the first text under the headings a chunk opens with."""
    return next((p.heading for p in group if p.block.kind != "heading"), group[-1].heading)
