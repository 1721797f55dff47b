"""The JSON that commands and HTTP routes answer with. Pure."""

from collections.abc import Sequence
from typing import Any

from core.assistants.answer import Answer
from core.retrieval.passages import Passage


def results_json(passages: Sequence[Passage]) -> list[dict[str, Any]]:
    """What a search found: rank, document, page and text of each."""
    return [{"rank": p.rank, "document": p.document, "page": p.page, "text": p.text} for p in passages]


def answer_json(answer: Answer, disclaimer: str) -> dict[str, Any]:
    """An answer. Sentences without support have no citation; speeds that were not measured are null.

    A citation whose quote is a person's words in place of the page's says "edited": true.

    `checks` is what its domain's checks found, a line each; empty when all is well, or nothing was checked.

    `disclaimer` is what the corpus's domain says answers are not; "" where it says nothing.
    """
    timings = answer.timings
    return {
        "answer": answer.text,
        "refused": answer.refused,
        "mode": answer.mode,
        "citations": [
            {"sentence": c.sentence, "document": c.document, "page": c.page, "quote": c.quote}
            | ({"edited": True} if c.edited else {})
            for c in answer.citations
            if c.supported
        ],
        "passages": results_json(answer.passages),
        "timings": {
            "retrieve_s": timings.retrieve_s,
            "first_token_s": timings.first_token_s,
            "total_s": timings.total_s,
            "tokens": timings.tokens,
            "tokens_per_s": timings.tokens_per_s,
        },
        "checks": list(answer.checks.lines),
        "disclaimer": disclaimer,
    }
