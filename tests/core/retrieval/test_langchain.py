"""LangChain's own tests for retrievers, on ours."""

from typing import Any

import pytest
from langchain_tests.integration_tests import RetrieversIntegrationTests
from library import Library

from core.retrieval.langchain import PassageRetriever


@pytest.mark.anyio
class TestPassageRetriever(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _corpus(self, library: Library) -> None:
        self.library = library
        self.corpus = library.corpus("c")
        for number in range(4):
            library.add(
                self.corpus, f"{number}.md", [[f"Clause {number}: rent is due on day {number}."]], title="Lease"
            )

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @property
    def retriever_constructor(self) -> type[PassageRetriever]:
        return PassageRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"retriever": self.library.retriever, "corpus_id": self.corpus}

    @property
    def retriever_query_example(self) -> str:
        return "When is the rent due?"

    def test_metadata_say_where_a_document_comes_from(self) -> None:
        retriever = self.retriever_constructor(**self.retriever_constructor_params)
        best = retriever.invoke("rent on day 2")[0]
        assert best.metadata["document"] == "2.md"
        assert (best.metadata["page"], best.metadata["start"], best.metadata["rank"]) == (1, 0, 1)
        assert best.metadata["end"] == len(best.page_content)
