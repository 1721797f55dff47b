"""A small workspace for retrieval tests: real rows, full text, vectors and the real embedding model."""

from dataclasses import dataclass

from core.ingestion.embedding import Embedder
from core.retrieval.retriever import Retriever
from storage.corpora import Corpora
from storage.database import Database
from storage.indexes import Indexes
from storage.lexical import Lexical
from storage.tables import Chunk, Document, Page
from storage.vectors import Vectors


@dataclass
class Library:
    """Adds documents whose pages are lists of chunks."""

    database: Database
    corpora: Corpora
    lexical: Lexical
    vectors: Vectors
    embedder: Embedder
    retriever: Retriever

    def corpus(self, name: str) -> int:
        return self.corpora.create(name, "legal").id

    def add(self, corpus_id: int, name: str, pages: list[list[str]], title: str = "", status: str = "ready") -> int:
        with self.database.write() as session:
            document = Document(
                corpus_id=corpus_id, name=name, title=title, content_sha256=name, size_bytes=1, status=status
            )
            session.add(document)
            session.flush()
            chunks: list[Chunk] = []
            for number, texts in enumerate(pages, 1):
                session.add(Page(document_id=document.id, number=number, text="\n".join(texts)))
                at = 0
                for text in texts:
                    chunks.append(
                        Chunk(
                            corpus_id=corpus_id,
                            document_id=document.id,
                            ordinal=len(chunks),
                            page=number,
                            start=at,
                            end=at + len(text),
                            kind="paragraph",
                            text=text,
                        )
                    )
                    at += len(text) + 1
            session.add_all(chunks)
            session.flush()
            self.lexical.add(session, chunks)
            ids, document_id = [chunk.id for chunk in chunks], document.id
        index = Indexes(self.database).ensure(corpus_id, self.embedder.name, self.embedder.dimension, "test")
        self.vectors.upsert(
            index.collection, ids, self.embedder.embed_chunks([text for texts in pages for text in texts])
        )
        return document_id
