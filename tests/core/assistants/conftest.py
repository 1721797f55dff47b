"""Passages to answer from, and the real embedding model, loaded once."""

from collections.abc import Callable

import pytest

from core.ingestion.embedding import Embedder
from core.retrieval.passages import Passage


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return Embedder()


@pytest.fixture(scope="session")
def passage() -> Callable[..., Passage]:
    def make(text: str, rank: int = 1, **values: object) -> Passage:
        facts = {
            "document_id": rank, "document": f"document-{rank}.pdf", "title": "", "page": 7, "page_label": "",
            "start": 100, "end": 100 + len(text), "heading": "", "header": "", "chunk_ids": (rank,),
            "score": 1 / rank, "lexical_rank": rank, "dense_rank": rank, "lexical_score": 5.0, "dense_score": 0.5,
        }  # fmt: skip
        return Passage(rank=rank, text=text, **(facts | values))  # type: ignore[arg-type]

    return make
