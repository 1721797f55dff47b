"""Chunks per second of our embedding against `SentenceTransformer.encode` with its defaults, and what it costs.

    python -m benchmarks.embedding [--chunks 512] [--rounds 3] [--abstracts 5183]

The same chunks, in turns, in one run: the ratio holds on a busy machine, the figures do not. The loss is
measured on SciFact's test questions, over all abstracts or the first so many.
"""

import argparse
import json
import math
import random
import time
from collections.abc import Callable, Sequence

import numpy as np
from sentence_transformers import SentenceTransformer

from benchmarks.evaluation_sets import SETS, corpus_bytes, questions
from benchmarks.report import table, write
from core.ingestion.embedding import Embedder, Vectors
from core.models import embedding_folder

CHARS = 700  # a domain's usual chunk


def main() -> None:
    """Measure and write results/embedding.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--abstracts", type=int, default=5183, help="0 leaves the nDCG out")
    chosen = parser.parse_args()
    peer, ours = SentenceTransformer(str(embedding_folder()), device="cpu"), Embedder()
    ways = {
        "SentenceTransformer.encode": peer.encode,
        "questions (float32)": ours.embed,
        "chunks (int8)": ours.embed_chunks,
    }
    texts = chunks(chosen.chunks)
    for way in ways.values():
        way(texts[:32])
    speed = {name: max(rate(way, texts) for _ in range(chosen.rounds)) for name, way in ways.items()}
    reference, found = unit(np.asarray(peer.encode(texts))), ours.embed_chunks(texts)
    base = next(iter(speed.values()))
    questions_by = {name: ours.embed if way == ours.embed_chunks else way for name, way in ways.items()}
    gains = {
        name: ndcg(way, questions_by[name], chosen.abstracts) if chosen.abstracts else math.nan
        for name, way in ways.items()
    }
    rows = [(name, f"{speed[name]:.1f}", f"{speed[name] / base:.2f}", gains[name]) for name in ways]
    body = table(("way", "chunks/s", "ratio", f"SciFact nDCG@10 ({chosen.abstracts} abstracts)"), rows)
    cosines = (reference * found).sum(1)
    write(
        "embedding",
        "Embedding chunks",
        f"{body}\n\n{len(texts)} chunks of {CHARS} characters, best of {chosen.rounds} rounds. int8: cosine to it "
        f"least {cosines.min():.6f}, mean {cosines.mean():.6f}. One question: {1000 * question_s(ours):.1f} ms.",
    )


def chunks(count: int) -> list[str]:
    """Slices of real documents of all domains."""
    names = [name for name in SETS if name != "scifact"]
    documents = [json.loads(line)["text"] for name in names for line in corpus_bytes(name).splitlines()]
    slices = [text[at : at + CHARS] for text in documents for at in range(0, len(text), CHARS)]
    return random.Random(0).sample(slices, count)


def rate(way: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    """Texts per second."""
    begun = time.perf_counter()
    way(texts)
    return len(texts) / (time.perf_counter() - begun)


def question_s(embedder: Embedder) -> float:
    """Seconds for one question, the median of 20."""
    times = []
    for number in range(20):
        begun = time.perf_counter()
        embedder.embed_one(f"What does clause {number} say about the deposit?")
        times.append(time.perf_counter() - begun)
    return sorted(times)[10]


def ndcg(way: Callable[[Sequence[str]], object], asking: Callable[[Sequence[str]], object], abstracts: int) -> float:
    """nDCG@10 of the nearest abstracts, embedded one way, for SciFact's test questions, embedded another."""
    rows = [json.loads(line) for line in corpus_bytes("scifact").splitlines()][:abstracts]
    ids = [row["id"] for row in rows]
    there = set(ids)
    asked = [question for question in questions("scifact", "test") if question.documents & there]
    documents = unit(np.asarray(way([f"{row['title']}\n{row['text']}" for row in rows])))
    scores = unit(np.asarray(asking([question.text for question in asked]))) @ documents.T
    total = 0.0
    for row, question in zip(scores, asked, strict=True):
        best = [ids[at] for at in np.argsort(-row)[:10]]
        gain = sum(1 / math.log2(at + 2) for at, key in enumerate(best) if key in question.documents)
        total += gain / sum(1 / math.log2(at + 2) for at in range(min(10, len(question.documents & there))))
    return total / len(asked)


def unit(vectors: Vectors) -> Vectors:
    """Rows scaled to unit length."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


if __name__ == "__main__":
    main()
