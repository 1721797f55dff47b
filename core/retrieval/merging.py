"""Ranked chunks become the groups that passages are made of: neighbours join, documents take turns. Pure.

A chunk that stands right beside a better one on the same page joins its group, which keeps the better
one's place. What a document says twice in the same words is one group. The fourth and the fifth place go to documents
that have none of those before, if they have something nearly as good, so that five passages of one long document do
not hide all others.
"""

from collections.abc import Mapping, Sequence

from core.retrieval.fusion import Ranked
from storage.rows import ChunkRow

MOST_CHARS = 2000
JOIN_WITHIN = 50  # ranks; chunks found further down are no reason to lengthen a passage
FREE, SHARED = 3, 5  # places given by rank alone, and those up to which other documents are given theirs
NEARLY = 0.7  # share of the third's score that another document needs for the fourth or fifth place


def merge(ranked: Sequence[Ranked], chunks: Mapping[int, ChunkRow], top: int) -> list[list[Ranked]]:
    """Groups of neighbouring chunks, at most `top`, best group first; a group's chunks in page order.

    Args:
        ranked: best first; chunks whose row is gone are passed over.
        chunks: rows by id.
    """
    groups: list[list[Ranked]] = []
    of_page: dict[tuple[int, int], list[list[Ranked]]] = {}
    for place, hit in enumerate(ranked):
        row = chunks.get(hit.chunk_id)
        if row is None:
            continue
        here = of_page.setdefault((row.document_id, row.page), [])
        home = next((group for group in here if joins(hit, group, chunks)), None)
        if home is None:
            groups.append([hit])
            here.append(groups[-1])
        elif place < JOIN_WITHIN:
            home.append(hit)
            home.sort(key=lambda member: chunks[member.chunk_id].ordinal)
    return take_turns(once(groups, chunks), chunks)[:top]


def once(groups: Sequence[list[Ranked]], chunks: Mapping[int, ChunkRow]) -> list[list[Ranked]]:
    """The groups in order, less those whose words a better one has said under the same heading of the document."""
    found: dict[tuple[object, ...], list[Ranked]] = {}
    for group in groups:
        rows = [chunks[hit.chunk_id] for hit in group]
        said = ((row.heading, row.header, row.said) for row in rows)
        found.setdefault((rows[0].document_id, *said), group)
    return list(found.values())


def take_turns(groups: Sequence[list[Ranked]], chunks: Mapping[int, ChunkRow]) -> list[list[Ranked]]:
    """The groups in order, but the fourth and the fifth are the best of documents that are not among those before."""
    first, rest = list(groups[:FREE]), list(groups[FREE:])
    enough = NEARLY * max((hit.score for group in first[-1:] for hit in group), default=0.0)
    while rest and len(first) < SHARED:
        shown = {chunks[group[0].chunk_id].document_id for group in first}
        good = (group for group in rest if max(hit.score for hit in group) >= enough)
        chosen = next((group for group in good if chunks[group[0].chunk_id].document_id not in shown), rest[0])
        first.append(chosen)
        rest.remove(chosen)
    return first + rest


def joins(hit: Ranked, group: Sequence[Ranked], chunks: Mapping[int, ChunkRow]) -> bool:
    """Whether a chunk lies right before or after a group of its page, and the whole stays short.

    A chunk whose words a person changed stands alone: a passage is either the page's words or theirs.
    """
    row, first, last = chunks[hit.chunk_id], chunks[group[0].chunk_id], chunks[group[-1].chunk_id]
    if any(each.edited is not None for each in (row, first, last)):
        return False
    beside = row.ordinal in (first.ordinal - 1, last.ordinal + 1)
    return beside and max(row.end, last.end) - min(row.start, first.start) <= MOST_CHARS
