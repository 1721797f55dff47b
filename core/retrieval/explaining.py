"""Why a question finds what it finds: by words, by meaning and together, with ranks, scores and the words that matched.

    explain(ws, corpus_id, "What is the notice period?")

The same look-ups, fusion and merging as an answer's (`retriever`), with nothing left out. Whether it would be
answered is `Assistant.trial`: that reads every sentence of the passages and takes longer.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import BadInput
from core.retrieval.fusion import Ranked, fuse
from core.retrieval.passages import Passage
from core.retrieval.query import Query
from core.retrieval.terms import NOWHERE
from core.retrieval.variants import NAMED, WEIGHT, agreement, bearing, inside, variants
from storage.hits import Hit
from storage.rows import ChunkRow, NamedRow
from storage.words import WORD, Stemmer, content_words, searched

if TYPE_CHECKING:
    from core.workspace import Workspace

TOP = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """A word of the question: its rarity in the corpus, ln(1 + (N - n + 0.5) / (n + 0.5)), and whether it is there."""

    word: str
    rarity: float
    known: bool


@dataclass(frozen=True, slots=True)
class FoundChunk:
    """A chunk that one look-up found: its rank (1 is best), its score there, and the words of the question it holds."""

    rank: int
    score: float
    chunk: ChunkRow
    document: str
    words: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage with the words of the question it holds; `merged` counts the neighbours that joined it.

    `named` is what its document's name added to its score, or took from it: see `variants`. `row` is what a row added
    that is called what was asked: see `labels`.
    """

    passage: Passage
    words: tuple[Asked, ...]
    merged: int
    named: float = 0.0
    row: float = 0.0


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a question finds. `by_words` scores are BM25, `by_meaning` cosines, a passage's is the fused score.

    `looked_up` is the question with what means the same in the corpus: see `terms`.
    """

    question: str
    looked_up: str
    words: tuple[Asked, ...]
    by_words: tuple[FoundChunk, ...]
    by_meaning: tuple[FoundChunk, ...]
    together: tuple[FoundPassage, ...]
    seconds: float


def explain(ws: "Workspace", corpus_id: int, question: str, top: int = TOP) -> Explanation:
    """The `top` best of each look-up and of both together.

    Raises:
        BadInput: the question is empty.
    """
    if not question.strip():
        raise BadInput("The question is empty.", "Type a question.")
    began = time.perf_counter()
    query = ws.retriever.query(corpus_id, question)
    words, meaning = ws.retriever.both(query)
    ranked: list[Ranked] = fuse([(hit.chunk_id, hit.score) for hit in words], [(h.chunk_id, h.score) for h in meaning])
    passages = ws.retriever.found(query, ranked, top)
    shown = [hit.chunk_id for hit in (*words[: 2 * top], *meaning[: 2 * top])]
    chunks = ws.corpora.chunks_by_ids([*shown, *(key for each in passages for key in each.chunk_ids)])
    documents = ws.corpora.names_by_ids({chunk.document_id for chunk in chunks.values()})
    rows = ws.retriever.of_rows(query, chunks, documents)
    said = _asked(query)
    stemmer, numbers = Stemmer(), variants(question)
    named = bearing({each.document_id: each.document for each in passages}, inside(question))

    def found(hits: Sequence[Hit]) -> tuple[FoundChunk, ...]:
        there = [hit for hit in hits if hit.chunk_id in chunks][:top]
        return tuple(
            _found(rank, hit, chunks[hit.chunk_id], documents, said, stemmer) for rank, hit in enumerate(there, 1)
        )

    together = tuple(
        FoundPassage(
            each,
            _held(f"{each.title} {each.document} {each.heading} {each.header} {each.text}", said, stemmer),
            len(each.chunk_ids) - 1,
            WEIGHT * agreement(numbers, variants(each.document), each.text) + NAMED * (each.document_id in named),
            max(rows.get(key, 0.0) for key in each.chunk_ids),
        )
        for each in passages
    )
    return Explanation(
        question=question,
        looked_up=query.by_meaning,
        words=tuple(sorted(said, key=lambda word: -word.rarity)),
        by_words=found(words),
        by_meaning=found(meaning),
        together=together,
        seconds=time.perf_counter() - began,
    )


def _asked(query: Query) -> list[Asked]:
    own, words = content_words(query.by_meaning), searched(query.by_meaning)
    rarity = query.rarity([*words, NOWHERE])
    asked = [Asked(word, rarity[word], rarity[word] < rarity[NOWHERE]) for word in words]
    return [each for each in asked if each.known or each.word in own]


def _found(
    rank: int, hit: Hit, chunk: ChunkRow, documents: Mapping[int, NamedRow], said: Sequence[Asked], stemmer: Stemmer
) -> FoundChunk:
    document = documents.get(chunk.document_id)
    name, title = (document.name, document.title) if document else ("", "")
    held = _held(f"{title} {name} {chunk.heading} {chunk.header} {chunk.said}", said, stemmer)
    return FoundChunk(rank, hit.score, chunk, name, held)


def _held(text: str, said: Sequence[Asked], stemmer: Stemmer) -> tuple[Asked, ...]:
    """The words of the question that a text holds, stemmed as the full text is, the rarest first."""
    asked = stemmer.stems([word.word for word in said])
    there = set(stemmer.stems(list(dict.fromkeys(WORD.findall(text.lower())))).values())
    held = [word for word in said if asked.get(word.word) in there]
    return tuple(sorted(held, key=lambda word: -word.rarity))
