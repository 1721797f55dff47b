"""Time of a search among 100,000 chunks, through the real retriever, one question at a time.

    python -m benchmarks.retrieval_scale [--chunks 100000] [--questions 200]

Texts are halves of real chunks put together anew; vectors are real ones of --embedded chunks, shaken.
Recall compares Chroma's nearest with the exact nearest.
"""

import argparse
import random
import tempfile
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
from sqlalchemy import insert

from benchmarks.embedding import chunks, unit
from benchmarks.evaluation_sets import questions
from benchmarks.report import table, write
from core.ingestion.embedding import Embedder, Vectors
from core.retrieval.explaining import explain
from core.retrieval.retriever import CANDIDATES, Retriever
from core.settings import Settings
from core.workspace import Workspace
from storage.tables import Chunk, Document, Page

PER_DOCUMENT = 100
ASKED = ("doc2dial", "techqa", "tatqa", "cuad", "xquad")


def main() -> None:
    """Fill a workspace, search it, write results/retrieval_scale.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--embedded", type=int, default=1_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        ws = Workspace.open(Settings(home=home, database_url=f"sqlite:///{home / 'triptych.db'}"))
        corpus_id, data, fill_s = filled(ws, chosen.chunks, chosen.embedded)
        asked = [q.text for name in ASKED for q in questions(name, "train")[: chosen.questions // len(ASKED)]]
        rows, recall = timed(ws, corpus_id, asked, data)
        ws.close()
    body = table(("step", "p50 ms", "p95 ms", "worst ms"), rows)
    note = f"{chosen.chunks:,} chunks; full text and vectors filled in {fill_s:.0f} s. Of the {CANDIDATES} nearest, "
    write("retrieval_scale", "Searching many chunks", f"{body}\n\n{note}Chroma finds {recall:.3f}.")


def filled(ws: Workspace, count: int, embedded: int, per_document: int = PER_DOCUMENT) -> tuple[int, Vectors, float]:
    """A corpus of `count` chunks, `per_document` (a part of a hundred) of them each.

    Returns its id, the vectors in order of chunk id, and seconds.
    """
    corpus = ws.corpora.create("many", "support")
    index = ws.indexes.ensure(corpus.id, Embedder.name, Embedder.dimension, "benchmark")
    rng, shake = random.Random(0), np.random.default_rng(0)
    pool = chunks(8_000)
    real = ws.embedder.embed_chunks(pool[:embedded])
    begun = time.perf_counter()
    made: list[Vectors] = []
    for number in range(count // PER_DOCUMENT):
        texts = [rng.choice(pool)[:350] + " " + rng.choice(pool)[350:] for _ in range(PER_DOCUMENT)]
        noise = shake.normal(scale=0.03, size=(PER_DOCUMENT, Embedder.dimension))
        made.append(unit((real[shake.integers(0, len(real), PER_DOCUMENT)] + noise).astype(np.float32)))
        ids: list[int] = []
        for at in range(0, PER_DOCUMENT, per_document):
            named = (number * PER_DOCUMENT + at) // per_document
            ids += document(ws, corpus.id, named, texts[at : at + per_document])
        ws.vectors.upsert(index.collection, ids, made[-1])
    return corpus.id, np.concatenate(made), time.perf_counter() - begun


def document(ws: Workspace, corpus_id: int, number: int, texts: list[str]) -> list[int]:
    """Store one ready document whose page is its chunks, line by line; returns the chunks' ids."""
    with ws.database.write() as session:
        name = f"document {number:05}"
        row = Document(corpus_id=corpus_id, name=name, content_sha256=sha256(name.encode()).hexdigest(), status="ready",
                       size_bytes=sum(map(len, texts)), page_count=1, chunk_count=len(texts))  # fmt: skip
        session.add(row)
        session.flush()
        session.add(Page(document_id=row.id, number=1, text="\n".join(texts)))
        ends = np.cumsum([len(text) + 1 for text in texts]).tolist()
        place = {"corpus_id": corpus_id, "document_id": row.id, "page": 1, "kind": "paragraph"}
        values = [
            {**place, "ordinal": at, "start": end - len(text) - 1, "end": end - 1, "text": text}
            for at, (text, end) in enumerate(zip(texts, ends, strict=True))
        ]
        added = list(session.scalars(insert(Chunk).returning(Chunk), values))
        ws.lexical.add(session, added)
        return [chunk.id for chunk in added]


def timed(ws: Workspace, corpus_id: int, asked: list[str], data: Vectors) -> tuple[list[tuple[str, ...]], float]:
    """Percentiles of each step and of the whole, and Chroma's recall."""
    retriever: Retriever = ws.retriever
    index = ws.corpora.active_index(corpus_id)
    assert index is not None
    embedded = [ws.embedder.embed_one(question) for question in asked]
    steps = {
        "words (FTS5)": [taken(retriever.by_words, corpus_id, question) for question in asked],
        "the question's vector": [taken(ws.embedder.embed_one, question) for question in asked],
        "meaning (Chroma)": [taken(ws.vectors.search, index.collection, vector, CANDIDATES) for vector in embedded],
        "**a search**": [taken(retriever.search, corpus_id, question, 10) for question in asked],
        "a retrieval test": [taken(explain, ws, corpus_id, question) for question in asked],
    }
    overlap = 0
    for vector in embedded:
        exact = set((np.argsort(-(data @ vector))[:CANDIDATES] + 1).tolist())  # the first chunk's id is 1
        overlap += len(exact & {hit.chunk_id for hit in ws.vectors.search(index.collection, vector, CANDIDATES)})
    rows = [
        (name, *(f"{1000 * np.percentile(times, at):.1f}" for at in (50, 95, 100))) for name, times in steps.items()
    ]
    return rows, overlap / (CANDIDATES * len(asked))


def taken(call, *values) -> float:  # type: ignore[no-untyped-def]
    """Seconds a call takes."""
    begun = time.perf_counter()
    call(*values)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
