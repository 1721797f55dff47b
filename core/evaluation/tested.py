"""A gold question out of the retrieval test: where its answer may stand, and what a person made of it. Pure.

Chunks that only words or only meaning find are offered as well: that search should find them is what one wants to keep.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from core.errors import BadInput
from core.retrieval.explaining import Explanation, FoundChunk
from storage.gold import GoldDraft

ORIGIN = "retrieval test"


@dataclass(frozen=True, slots=True)
class Spot:
    """A place that the test found: its name for people, and the words that stand there."""

    name: str
    document: str
    page: int
    text: str


def spots(found: Explanation) -> list[Spot]:
    """The passages found, then the single chunks of them that were merged, and those that one look-up alone found."""
    told, single = [], set[int]()
    for each in found.together:
        passage = each.passage
        where = f"{passage.document}, {passage.page_label or f'page {passage.page}'}"
        name = f"{passage.rank}. {where}" + (f" (all {each.merged + 1} chunks)" if each.merged else "")
        told.append(Spot(name, passage.document, passage.page, passage.text))
        if not each.merged:
            single.update(passage.chunk_ids)
    return told + list(_chunks(found, single))


def _chunks(found: Explanation, told: set[int]) -> Iterator[Spot]:
    """The chunks of both look-ups, each once and none that is `told`."""
    looked: tuple[tuple[str, tuple[FoundChunk, ...]], ...] = ("words", found.by_words), ("meaning", found.by_meaning)
    for way, rows in looked:
        for each in rows:
            if each.chunk.id not in told:
                told.add(each.chunk.id)
                place = f"{each.document}, page {each.chunk.page}, chunk {each.chunk.ordinal + 1}"
                yield Spot(f"by {way} {each.rank}. {place}", each.document, each.chunk.page, each.chunk.said)


def draft(question: str, answer: str, at: Spot | None, words: str = "", *, answerable: bool = True) -> GoldDraft:
    """The gold question that a person says it is.

    Args:
        at: where the answer stands.
        words: those of its words that hold the answer; "" for all of them.
        answerable: False says that the documents do not hold the answer.

    Raises:
        BadInput: there is no place, or the words do not stand there, or there are both an answer and none.
    """
    answer, words = answer.strip(), " ".join(words.split())
    if not answerable:
        if answer or words:
            raise BadInput(
                "An answer was typed, yet the documents are said not to hold it; nothing was saved.",
                "Choose where it stands, or empty the answer.",
            )
        return GoldDraft(question, answerable=False, origin=ORIGIN)
    if at is None:
        raise BadInput(
            "It is not said where the answer stands; nothing was saved.",
            "Choose a place, or that the documents do not hold the answer.",
        )
    if words and words.casefold() not in " ".join(at.text.split()).casefold():
        raise BadInput(
            "These words do not stand at that place; nothing was saved.", "Copy them from there, or leave them empty."
        )
    return GoldDraft(question, answer, documents=(at.document,), page=at.page, evidence=words or at.text, origin=ORIGIN)
