"""The retriever as LangChain's `BaseRetriever`, for chains and tools that speak it.

    PassageRetriever(retriever=ws.retriever, corpus_id=1, k=5).invoke("Who signed the lease?")

Knows nothing of how passages are found.
"""

import dataclasses
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from core.retrieval.passages import Passage
from core.retrieval.retriever import Retriever


class PassageRetriever(BaseRetriever):
    """Passages of one corpus as LangChain documents, best first.

    Attributes:
        retriever: an open workspace's.
        corpus_id: the corpus it is restricted to.
        k: how many passages; a call may ask for another number with `invoke(question, k=...)`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    retriever: Retriever
    corpus_id: int
    k: int = 10

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None, **_: Any
    ) -> list[Document]:
        found = self.retriever.search(self.corpus_id, query, self.k if k is None else k)
        return [as_document(passage) for passage in found]


def as_document(passage: Passage) -> Document:
    """A passage with its text as content and everything else as metadata."""
    values = {field.name: getattr(passage, field.name) for field in dataclasses.fields(passage)}
    text = values.pop("text")
    return Document(page_content=text, metadata=values | {"chunk_ids": list(passage.chunk_ids)})
