"""A question becomes passages: both look-ups at once, fused, read from the rows, neighbours merged.

The rows have the last word: what they do not hold as part of a ready document is not shown, whatever
a look-up still believes. A look-up that is damaged fails no question. In place of a collection the vectors' rows are
searched, which finds the same. A full text is made anew in seconds, as long as cutting all rows into words for one
question would take; until then meaning finds alone. Knows nothing of prompts or answers.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from core.errors import StoreDown
from core.ingestion.embedders import Embeds
from core.retrieval.fusion import Ranked, fuse, gained, level
from core.retrieval.labels import gains
from core.retrieval.merging import merge
from core.retrieval.passages import Passage
from core.retrieval.query import Query
from core.retrieval.terms import Same, same
from core.retrieval.variants import inside, preferred, variants
from core.tracing import where
from storage.corpora import Corpora
from storage.errors import Damaged, Rebuilding, Unreachable
from storage.hits import Hit
from storage.lexical import Lexical
from storage.rarity import Counts
from storage.rows import ChunkRow, IndexRow, NamedRow, PageRow
from storage.vectors import Floats, Vectors
from storage.words import Stemmer

log = logging.getLogger(__name__)
Exact = Callable[[int, Floats, int], list[Hit]]
CANDIDATES = 100  # chunks that each path brings


class Retriever:
    """Searches one workspace; safe to share between threads."""

    def __init__(
        self,
        corpora: Corpora,
        lexical: Lexical,
        vectors: Vectors,
        embedder_of: Callable[[IndexRow], Embeds],
        exact: Exact | None = None,
        terms_of: Callable[[int], Sequence[str]] = lambda _: (),
    ) -> None:
        """`embedder_of` gives the embedding model of an index; `exact` searches its rows when its collection fails.

        `terms_of` gives the words that mean the same in a corpus: see `terms`.
        """
        self._exact = exact
        self._terms_of = terms_of
        self._corpora = corpora
        self._lexical = lexical
        self._vectors = vectors
        self._embedder_of = embedder_of
        self._stemmer = Stemmer()

    def search(self, corpus_id: int, question: str, top: int = 10, also: Sequence[int] = ()) -> list[Passage]:
        """The `top` best passages of a corpus, best first; fewer when there are no more.

        Neighbouring chunks of a page that were both found are one passage of at most 2,000 characters.
        `also` are corpora that are searched as if they were part of this one.
        """
        if not question.strip() or top < 1:
            return []
        query = self.query(corpus_id, question)
        return self.found(query, self._together(query, also), top)

    def query(self, corpus_id: int, question: str) -> Query:
        """A question to a corpus, with what is known of its words there."""
        return Query(corpus_id, question, self.same(corpus_id, question), self._lexical)

    def found(self, query: Query, ranked: Sequence[Ranked], top: int) -> list[Passage]:
        """At most `top` passages made of ranked chunks after what a question asks for.

        Documents that it names are preferred (`variants`), and tables with a row that is called so (`labels`).
        """
        chunks = self._corpora.chunks_by_ids([hit.chunk_id for hit in ranked])
        documents = self._corpora.names_by_ids({row.document_id for row in chunks.values()})
        names = {id: row.name for id, row in documents.items()}
        ranked = preferred(variants(query.text), ranked, chunks, names, inside(query.text))
        ranked = gained(ranked, self.of_rows(query, chunks, documents))
        return self._passages(ranked, top, chunks, documents)

    def passages(self, ranked: Sequence[Ranked], top: int) -> list[Passage]:
        """At most `top` passages made of ranked chunks by their scores alone, as far as the rows know these."""
        chunks = self._corpora.chunks_by_ids([hit.chunk_id for hit in ranked])
        documents = self._corpora.names_by_ids({row.document_id for row in chunks.values()})
        return self._passages(ranked, top, chunks, documents)

    def of_rows(
        self, query: Query, chunks: Mapping[int, ChunkRow], documents: Mapping[int, NamedRow]
    ) -> dict[int, float]:
        """What chunks gain by rows that are called what was asked, by their ids: see `labels`."""
        tables = [row for row in chunks.values() if "|" in row.said]
        if not tables:
            return {}
        names = {id: (row.name, row.title) for id, row in documents.items()}
        return gains(query.text, tables, names, query.same, self._stemmer.stems, query.rarity)

    def _passages(
        self, ranked: Sequence[Ranked], top: int, chunks: Mapping[int, ChunkRow], documents: Mapping[int, NamedRow]
    ) -> list[Passage]:
        groups = merge(ranked, chunks, top)
        used = [chunks[hit.chunk_id] for group in groups for hit in group]
        pages = self._corpora.pages_by_keys({(row.document_id, row.page) for row in used})
        there = [group for group in groups if _place(group, chunks) in pages]
        return [passage(rank, group, chunks, documents, pages) for rank, group in enumerate(there, 1)]

    def ranked(self, corpus_id: int, question: str, also: Sequence[int] = ()) -> list[Ranked]:
        """Every chunk that either path found, best first, as the look-ups see it."""
        return self._together(self.query(corpus_id, question), also)

    def _together(self, query: Query, also: Sequence[int]) -> list[Ranked]:
        found = [self._found(each) for each in (query, *(self.query(other, query.text) for other in also))]
        words = sorted((hit for words, _, _ in found for hit in words), key=lambda hit: -hit.score)
        meaning = level([(model, _pairs(meaning)) for _, meaning, model in found])
        return fuse(_pairs(words[:CANDIDATES]), meaning[:CANDIDATES])

    def by_words(self, corpus_id: int, question: str) -> list[Hit]:
        """Chunks that share words with the question, best first; none while the full text is damaged."""
        index = self._corpora.active_index(corpus_id)
        return self._worded(index, question) if index else []

    def by_meaning(self, corpus_id: int, question: str) -> list[Hit]:
        """Chunks whose vectors are nearest to the question's, best first."""
        return self.both(self.query(corpus_id, question))[1]

    def same(self, corpus_id: int, question: str) -> list[Same]:
        """What means the same in a corpus as words of a question."""
        index = self._corpora.active_index(corpus_id)
        return self._same(index, question) if index else []

    def both(self, query: Query) -> tuple[list[Hit], list[Hit]]:
        """What words find and what meaning finds, of one index: never some of each side of a swap."""
        words, meaning, _ = self._found(query)
        return words, meaning

    def _found(self, query: Query) -> tuple[list[Hit], list[Hit], str]:
        """Both, and the embedding model of that index."""
        try:
            return self._of_serving(query)
        except Unreachable as error:
            raise StoreDown(f"Nothing can be searched by meaning: {error}.", "Start it, and ask again.") from error

    def _of_serving(self, query: Query) -> tuple[list[Hit], list[Hit], str]:
        index = self._corpora.active_index(query.corpus_id)
        while index is not None:
            with ThreadPoolExecutor(1, "words") as beside:  # both spend their time outside the interpreter
                words = beside.submit(self._worded, index, query.by_words, query.counts)
                meaning = self._nearest(index, self._embedder_of(index).embed_one(query.by_meaning))
            still = self._corpora.active_index(query.corpus_id)
            if still is not None and still.id == index.id:
                return words.result(), meaning, index.embedding_model
            index = still  # swapped meanwhile, and perhaps dropped: ask the one that serves now
        return [], [], ""

    def _worded(self, index: IndexRow, question: str, counts: Counts | None = None) -> list[Hit]:
        try:
            return self._lexical.search(index.corpus_id, question, CANDIDATES, index.cut, counts)
        except Damaged as error:  # known to the database from now on, so it is made anew
            log.error("the full text cannot be searched; meaning finds alone, until it is made anew: %s", where(error))
            return []

    def _same(self, index: IndexRow, question: str) -> list[Same]:
        terms, held = self._terms_of(index.corpus_id), partial(self._lexical.held, index.corpus_id)
        return same(question, terms, partial(self._mentions, index), held)

    def _mentions(self, index: IndexRow, word: str) -> list[str]:
        try:
            return self._lexical.mentions(index.corpus_id, word, CANDIDATES, index.cut)
        except Damaged:  # until it is made anew, abbreviations are looked up as they were written
            return []

    def _nearest(self, index: IndexRow, vector: Floats) -> list[Hit]:
        try:
            return self._vectors.search(index.collection, vector, CANDIDATES)
        except Unreachable:
            raise
        except Rebuilding:
            if self._exact is None:
                raise
            return self._exact(index.id, vector, CANDIDATES)
        except Exception as error:
            if self._exact is None:
                raise
            said = "collection %s cannot be searched; the rows are, until it is made anew: %s"
            log.error(said, index.collection, where(error))
            return self._exact(index.id, vector, CANDIDATES)


def passage(
    rank: int,
    group: Sequence[Ranked],
    chunks: Mapping[int, ChunkRow],
    documents: Mapping[int, NamedRow],
    pages: Mapping[tuple[int, int], PageRow],
) -> Passage:
    """One passage from neighbouring chunks in page order."""
    rows = [chunks[hit.chunk_id] for hit in group]
    best = min(group, key=lambda hit: (-hit.score, hit.chunk_id))
    document, page = documents[rows[0].document_id], pages[_place(group, chunks)]
    start, end = rows[0].start, rows[-1].end
    edited = any(row.edited is not None for row in rows)  # then it is one chunk: see `merging.joins`
    text = rows[0].said if edited else page.text[start:end]
    header = next((row.header for row in rows if row.header and row.header not in text), "")
    return Passage(
        rank=rank,
        document_id=document.id,
        document=document.name,
        title=document.title,
        page=page.number,
        page_label=page.label,
        start=start,
        end=end,
        text=text,
        heading=rows[0].heading,
        header=header,
        chunk_ids=tuple(row.id for row in rows),
        score=best.score,
        lexical_rank=best.lexical_rank,
        dense_rank=best.dense_rank,
        lexical_score=best.lexical_score,
        dense_score=best.dense_score,
        edited=edited,
    )


def _place(group: Sequence[Ranked], chunks: Mapping[int, ChunkRow]) -> tuple[int, int]:
    row = chunks[group[0].chunk_id]
    return row.document_id, row.page


def _pairs(hits: Sequence[Hit]) -> list[tuple[int, float]]:
    return [(hit.chunk_id, hit.score) for hit in hits]
