"""An answer as rows: passages and citations by reference, for `storage.conversations`, and its JSON.

Only the mapping; reading rows back and their words on the page are storage's.
"""

from dataclasses import asdict
from typing import Any

from core.assistants.answer import Answer, Checks, ContextUse, Finding
from storage.rows import CitationRow, MessageRow, PassageRow

CHECKS = "checks"
"""Where, beside the fields of `ContextUse`, a message keeps what was checked of it."""


def context_json(answer: Answer) -> dict[str, Any]:
    """How the prompt was spent, and what was checked of the answer if anything was."""
    checks = {CHECKS: asdict(answer.checks)} if answer.checks.carried else {}
    return asdict(answer.context) | checks


def context_of(message: MessageRow) -> ContextUse:
    """How the prompt of a stored answer was spent."""
    return ContextUse(**{name: value for name, value in message.context.items() if name != CHECKS})


def checks_of(message: MessageRow) -> Checks:
    """What was checked of a stored answer; nothing of those that were written before there were checks."""
    kept = message.context.get(CHECKS, {})
    return Checks(tuple(kept.get("carried", ())), tuple(Finding(**each) for each in kept.get("found", ())))


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
