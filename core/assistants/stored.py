"""An answer as rows: passages and citations by reference, for `storage.conversations`.

Only the mapping; reading them back and their words on the page are storage's.
"""

from core.assistants.answer import Answer
from storage.rows import CitationRow, PassageRow


def passage_rows(answer: Answer) -> list[PassageRow]:
    """What was retrieved, best first, and whether it was shown to the base model or quoted."""
    quoted = {c.passage for c in answer.citations if c.sentence_start < answer.quoted_until}
    return [
        PassageRow(
            rank=passage.rank,
            document_id=passage.document_id,
            page=passage.page,
            start=passage.start,
            end=passage.end,
            heading=passage.heading,
            score=passage.score,
            in_prompt=passage.rank in quoted if quoted else position < answer.context.fitted,
        )
        for position, passage in enumerate(answer.passages)
    ]


def citation_rows(answer: Answer) -> list[CitationRow]:
    """Every sentence of the answer and the place that supports it."""
    return [
        CitationRow(
            sentence_start=citation.sentence_start,
            sentence_end=citation.sentence_end,
            passage_rank=citation.passage,
            document_id=citation.document_id,
            page=citation.page,
            quote_start=citation.quote_start,
            quote_end=citation.quote_end,
            support=citation.support,
            edited=citation.edited,
        )
        for citation in answer.citations
    ]
