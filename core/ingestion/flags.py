"""Places in a document that a person should look at, as they are stored with it, and how they are told. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.ingestion.chunking import ChunkDraft
from core.ingestion.parsed import Page
from core.ingestion.personal import find
from core.ingestion.personal import told as counts
from core.ingestion.suspicious import signs
from storage.rows import ChunkRow

Kind = Literal["suspicious", "personal"]
MOST = 500
"""Flags kept of one document."""
ADVICE = {
    "suspicious": "seems written for an AI, not for a reader; look at it before you rely on answers",
    "personal": "seems to hold personal data",
}


@dataclass(frozen=True, slots=True)
class Flag:
    """A place: `what` was found on `page`, at `start` to `end` (half open) of its text."""

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


def personal(pages: Sequence[Page]) -> list[Flag]:
    """What of a document's pages seems to be personal data."""
    return [Flag("personal", one.kind, page.number, one.start, one.end) for page in pages for one in find(page.text)][
        :MOST
    ]


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
            shown = ", ".join(map(str, pages[:8])) + (" and more" if len(pages) > 8 else "")
            yield f"page{'s' if len(pages) > 1 else ''} {shown}: {advice} ({whats})"


def _kinds(flags: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(sorted({str(flag["what"]) for flag in flags}))


def of_chunk(flags: Sequence[Mapping[str, Any]], chunk: ChunkRow) -> list[str]:
    """What was found inside a chunk, with the words of its page that show it."""
    inside = [f for f in flags if f["page"] == chunk.page and chunk.start <= f["start"] < chunk.end]
    words = [chunk.text[f["start"] - chunk.start : f["end"] - chunk.start][:120] for f in inside]
    return [f"{flag['kind']}: {flag['what']} (“{said}”)" for flag, said in zip(inside, words, strict=True)]
