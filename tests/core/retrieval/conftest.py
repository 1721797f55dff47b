"""A library of its own for every test, one embedding model for all."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from library import Library

from core.ingestion.embedding import Embedder
from core.retrieval.retriever import Retriever
from storage.corpora import Corpora
from storage.database import Database
from storage.lexical import lexical
from storage.vectors import Vectors


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return Embedder()


@pytest.fixture
def library(tmp_path: Path, database_url: str, embedder: Embedder) -> Iterator[Library]:
    database = Database.open(database_url)
    corpora, words, vectors = Corpora(database), lexical(database), Vectors(tmp_path / "vectors")
    retriever = Retriever(corpora, words, vectors, lambda _: embedder)
    yield Library(database, corpora, words, vectors, embedder, retriever)
    vectors.close()
    database.close()
