"""A passage: a stretch of one page that was retrieved for a question, and why it was.

Pure data. Neighbouring chunks of one page that were both found are one passage.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """Attributes:
    rank: 1 is the best.
    document_id, document, title: the row's id, the name it is cited by (file name, or the id of a
        corpus.jsonl line), and a title for people ("" when there is none).
    page, page_label: 1-based page and what people call it ("" for a plain page number).
    start, end: offsets into the page's text, so `text == page_text[start:end]` unless it is edited.
    text: the words as they stand on the page, or what a person put in their place (`edited`).
    heading: the path of headings above it, joined by " > "; "" at the top.
    header: for table rows, the table's header line that `text` itself does not hold; else "".
    chunk_ids: the chunks it was made from, in order.
    score: the fused score that ranked it; comparable only within one question.
    lexical_rank, dense_rank: where each path alone ranked its best chunk (1-based), None if it did not.
    lexical_score, dense_score: BM25 (higher is better) and cosine (-1..1) of its best chunk, None likewise.
    """

    rank: int
    document_id: int
    document: str
    title: str
    page: int
    page_label: str
    start: int
    end: int
    text: str
    heading: str
    header: str
    chunk_ids: tuple[int, ...]
    score: float
    lexical_rank: int | None = None
    dense_rank: int | None = None
    lexical_score: float | None = None
    dense_score: float | None = None
    edited: bool = False
