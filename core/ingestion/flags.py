"""Places in a document that a person should look at, as they are stored with it, and how they are told. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.ingestion.chunking import ChunkDraft
from core.ingestion.parsed import ParsedDocument
from core.ingestion.personal import beside, find
from core.ingestion.personal import told as counts
from core.ingestion.suspicious import signs
from storage.rows import ChunkRow

Kind = Literal["suspicious", "personal"]
MOST = 500
"""Flags kept of one document."""
BESIDE = "its title, page headers or text that was left out"
ADVICE = {
    "suspicious": "seems written for an AI, not for a reader; look at it before you rely on answers",
    "personal": "seems to hold personal data",
}


@dataclass(frozen=True, slots=True)
class Flag:
    """A place: `what` was found on `page`, at `start` to `end` (half open) of its text.

    Page 0 is all that a document holds beside its pages' text; there both are negative and only tell flags apart.
    """

    kind: Kind
    what: str
    page: int
    start: int
    end: int


def suspicious(chunks: Sequence[ChunkDraft]) -> list[Flag]:
    """What of a document speaks to an AI: each kind once a chunk."""
    found: list[Flag] = []
    for chunk in chunks:
        kinds: set[str] = set()
        for sign in signs(chunk.text):
            if sign.kind not in kinds and len(found) < MOST:
                found.append(
                    Flag("suspicious", sign.kind, chunk.page, chunk.start + sign.start, chunk.start + sign.end)
                )
                kinds.add(sign.kind)
    return found


def personal(document: ParsedDocument) -> list[Flag]:
    """What of a document seems to be personal data, on its pages and beside them."""
    outside = [one.kind for text in beside(document) for one in find(text)]
    found = [Flag("personal", kind, 0, -number, -number) for number, kind in enumerate(outside, 1)]
    for page in document.pages:
        found += [Flag("personal", one.kind, page.number, one.start, one.end) for one in find(page.text)]
    return found[:MOST]


def counted(flags: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many places there are of each kind; of several flags at one place one counts."""
    return Counter(kind for kind, *_ in {(flag["kind"], flag["page"], flag["start"]) for flag in flags})


def told(flags: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line a kind: what, where, and what to do; never the words themselves."""
    return list(_told(flags))


def _told(flags: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for kind, advice in ADVICE.items():
        mine = [flag for flag in flags if flag["kind"] == kind]
        pages = sorted({int(flag["page"]) for flag in mine})
        if mine:
            whats = counts(Counter(str(flag["what"]) for flag in mine)) if kind == "personal" else _kinds(mine)
            yield f"{_where(pages)}: {advice} ({whats})"


def _where(pages: Sequence[int]) -> str:
    numbers = [page for page in pages if page]
    shown = ", ".join(map(str, numbers[:8])) + (" and more" if len(numbers) > 8 else "")
    said = [f"page{'s' if len(numbers) > 1 else ''} {shown}"] if numbers else []
    return " and ".join([*said, *([BESIDE] if 0 in pages else [])])


def _kinds(flags: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(sorted({str(flag["what"]) for flag in flags}))


def of_chunk(flags: Sequence[Mapping[str, Any]], chunk: ChunkRow) -> list[str]:
    """What was found inside a chunk, with the words of its page that show it."""
    inside = [f for f in flags if f["page"] == chunk.page and chunk.start <= f["start"] < chunk.end]
    words = [chunk.text[f["start"] - chunk.start : f["end"] - chunk.start][:120] for f in inside]
    return [f"{flag['kind']}: {flag['what']} (“{said}”)" for flag, said in zip(inside, words, strict=True)]
