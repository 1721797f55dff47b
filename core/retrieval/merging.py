"""Ranked chunks become the groups that passages are made of: neighbours join, documents take turns. Pure.

A chunk that stands right beside a better one on the same page joins its group, which keeps the better
one's place. The fifth place goes to a document that has none of the first four, if it has something nearly
as good, so that five passages of one long document do not hide all others.
"""

from collections.abc import Mapping, Sequence

from core.retrieval.fusion import Ranked
from storage.rows import ChunkRow

MOST_CHARS = 2000
JOIN_WITHIN = 50  # ranks; chunks found further down are no reason to lengthen a passage
FREE = 4  # places given by rank alone
NEARLY = 0.6  # share of the fourth's score that another document needs for the fifth place


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
    return take_turns(groups, chunks)[:top]


def take_turns(groups: Sequence[list[Ranked]], chunks: Mapping[int, ChunkRow]) -> list[list[Ranked]]:
    """The groups in order, but the fifth is the best of a document that is not among the first four."""
    shown = {chunks[group[0].chunk_id].document_id for group in groups[:FREE]}
    enough = NEARLY * max((hit.score for group in groups[FREE - 1 : FREE] for hit in group), default=0.0)
    for place in range(FREE, len(groups)):
        good = max(hit.score for hit in groups[place]) >= enough
        if good and chunks[groups[place][0].chunk_id].document_id not in shown:
            return [*groups[:FREE], groups[place], *groups[FREE:place], *groups[place + 1 :]]
    return list(groups)


def joins(hit: Ranked, group: Sequence[Ranked], chunks: Mapping[int, ChunkRow]) -> bool:
    """Whether a chunk lies right before or after a group of its page, and the whole stays short.

    A chunk whose words a person changed stands alone: a passage is either the page's words or theirs.
    """
    row, first, last = chunks[hit.chunk_id], chunks[group[0].chunk_id], chunks[group[-1].chunk_id]
    if any(each.edited is not None for each in (row, first, last)):
        return False
    beside = row.ordinal in (first.ordinal - 1, last.ordinal + 1)
    return beside and max(row.end, last.end) - min(row.start, first.start) <= MOST_CHARS
