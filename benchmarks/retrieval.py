"""What retrieval finds on the evaluation sets: words alone, meaning alone, and ways of fusing them.

    python -m benchmarks.retrieval [--split test] [--sets doc2dial,techqa] [--limit 50] [--workspace FOLDER]

Every set goes through the product: its corpus.jsonl is added to a workspace in a temporary folder,
indexed by the index job, and searched through the retriever. A workspace that is named is kept: what it holds
already is not indexed again. All rows see the same index and differ from
the product in the fusion rule only.
"""

import argparse
import math
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.evaluation_sets import SETS, Question, corpus_bytes, plain, questions
from benchmarks.report import table, write
from core.ingestion.intake import add_files, create_corpus
from core.retrieval.fusion import Ranked, fuse, ranked
from core.retrieval.passages import Passage
from core.settings import Settings
from core.workspace import Workspace
from storage.hits import Hit

HEAD = ("set", "path", "questions", "doc in first 5", "evidence in first 3", "in first 5", "in first 10", "nDCG@10")
DEEP = 30  # results asked for, so that ten documents are among them
Pairs = Sequence[tuple[int, float]]


def main() -> None:
    """Index, search, score, write results/retrieval.md (retrieval-on-train.md for train questions)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", default="test", choices=("train", "test"))
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--limit", type=int, default=10_000, help="questions of each set")
    parser.add_argument("--workspace", type=Path, help="a folder to keep; else a temporary one")
    chosen = parser.parse_args()
    rows: list[Sequence[object]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = chosen.workspace or Path(folder)
        ws = Workspace.open(Settings(home=home, database_url=f"sqlite:///{home / 'triptych.db'}"))
        for name in chosen.sets.split(","):
            asked = questions(name, chosen.split)[: chosen.limit]
            rows += measure(ws, name, asked) if asked else []
            write(name_of(chosen.split), f"What retrieval finds ({chosen.split} questions)", table(HEAD, rows) + NOTES)
        ws.close()


def name_of(split: str) -> str:
    """The result's name; figures on train questions, which may be tuned on, stand apart."""
    return "retrieval" if split == "test" else "retrieval-on-train"


def measure(ws: Workspace, name: str, asked: Sequence[Question]) -> list[Sequence[object]]:
    """One row for each way of ranking."""
    corpus = ws.corpora.by_name(name) or create_corpus(ws, name, SETS[name][1])
    add_files(ws, corpus.id, [("corpus.jsonl", corpus_bytes(name))])
    while ws.dispatcher.run_one():
        pass
    retriever = ws.retriever
    found = [tuple(map(pairs, retriever.both(retriever.query(corpus.id, q.text)))) for q in asked]
    rules: dict[str, Callable[[Pairs, Pairs], list[Ranked]]] = {
        "words": lambda words, _: fuse(words, []),
        "meaning": lambda _, meaning: fuse([], meaning),
        "reciprocal ranks, k=10": reciprocal,
        "min-max, 0.3 meaning": partial(stretched, weight=0.3),
        "min-max, 0.5 meaning": partial(stretched, weight=0.5),
    }
    rows = []
    for label, rule in rules.items():
        rows.append((name, label, *scores([retriever.passages(rule(*both), DEEP) for both in found], asked)))
    rows.append((name, "**the product**", *scores([retriever.search(corpus.id, q.text, DEEP) for q in asked], asked)))
    return rows


def scores(results: Sequence[Sequence[Passage]], asked: Sequence[Question]) -> tuple[object, ...]:
    """The columns after set and path."""
    five = sum(any(p.document in q.documents for p in found[:5]) for found, q in zip(results, asked, strict=True))
    held = [
        [evidence(found[:top], q) for top in (3, 5, 10)] for found, q in zip(results, asked, strict=True) if q.evidence
    ]
    shares = [sum(column) / len(held) for column in zip(*held, strict=True)] if held else ["-"] * 3
    gain = sum(ndcg(found, q) for found, q in zip(results, asked, strict=True)) / len(asked)
    return (len(asked), five / len(asked), *shares, gain)


def evidence(found: Sequence[Passage], question: Question) -> float:
    """The share of the gold passages that stand as a whole in one passage of a gold document."""
    texts = [plain(passage.text) for passage in found if passage.document in question.documents]
    return sum(any(piece in text for text in texts) for piece in question.evidence) / len(question.evidence)


def ndcg(found: Sequence[Passage], question: Question) -> float:
    """nDCG@10 over documents, each at the place of its best passage."""
    documents = list(dict.fromkeys(passage.document for passage in found))[:10]
    gain = sum(1 / math.log2(at + 2) for at, document in enumerate(documents) if document in question.documents)
    return gain / sum(1 / math.log2(at + 2) for at in range(min(10, len(question.documents))))


def reciprocal(words: Pairs, meaning: Pairs) -> list[Ranked]:
    """Reciprocal rank fusion with k=10, as a peer."""
    places: dict[int, float] = {}
    for found in (words, meaning):
        for rank, (key, _) in enumerate(found, 1):
            places[key] = places.get(key, 0.0) + 1 / (10 + rank)
    return ranked(places, words, meaning)


def stretched(words: Pairs, meaning: Pairs, weight: float) -> list[Ranked]:
    """Min-max fusion, as a peer: each list stretched to 0..1, `weight` to meaning and the rest to words."""
    places: dict[int, float] = {}
    for found, share in ((words, 1 - weight), (meaning, weight)):
        low, high = min((s for _, s in found), default=0.0), max((s for _, s in found), default=1.0)
        for key, score in found:
            places[key] = places.get(key, 0.0) + share * ((score - low) / (high - low) if high > low else 1.0)
    return ranked(places, words, meaning)


def pairs(hits: Sequence[Hit]) -> Pairs:
    """Hits as fusion takes them."""
    return [(hit.chunk_id, hit.score) for hit in hits]


NOTES = """

A result is a passage: neighbouring chunks of a page joined, at most 2,000 characters. *Evidence* is the share of
the gold passages that stand as a whole in one of the passages (xquad: the answer's words); sets without gold
passages show a dash. nDCG ranks documents by their best passage.
"""

if __name__ == "__main__":
    main()
