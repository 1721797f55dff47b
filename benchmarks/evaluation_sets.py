"""The evaluation sets of `shared/data`: corpora, questions and what counts as found. Nothing is tuned on test."""

import gzip
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DATA = Path(os.environ.get("TRIPTYCH_DATA", Path(__file__).resolve().parents[2] / "shared")) / "data"
SETS = {  # name: (folder, domain)
    "doc2dial": ("support/doc2dial", "support"),
    "techqa": ("support/techqa", "support"),
    "tatqa": ("finance/tatqa", "finance"),
    "financebench": ("finance/financebench", "finance"),
    "medquad": ("healthcare/medquad", "healthcare"),
    "pubmedqa": ("healthcare/pubmedqa", "healthcare"),
    "cuad": ("legal/cuad", "legal"),
    "xquad": ("general/xquad_en", "support"),
    "scifact": ("retrieval/scifact", "healthcare"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the documents that answer it, and the passages of them that do (may be empty)."""

    text: str
    documents: frozenset[str]
    evidence: tuple[str, ...]


def corpus_bytes(name: str) -> bytes:
    """A set's corpus in the corpus.jsonl format."""
    folder = DATA / SETS[name][0]
    if name != "scifact":
        return (folder / "corpus.jsonl").read_bytes()
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    lines = (json.dumps({"id": row["_id"], "title": row["title"], "text": row["text"], "source": ""}) for row in rows)
    return "\n".join(lines).encode()


def questions(name: str, split: str) -> list[Question]:
    """The questions of a split (train or test); none where the set has no such split."""
    folder = DATA / SETS[name][0]
    if name == "scifact":
        return list(_scifact(folder, split))
    file = folder / f"{split}.jsonl"
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.is_file() else []
    return [
        Question(row["question"], frozenset(row["doc_ids"]), tuple(_pieces(row["evidence"] or _span(name, row))))
        for row in rows
    ]


def plain(text: str) -> str:
    """Text for comparing: white space collapsed, lower case."""
    return " ".join(text.split()).lower()


def _span(name: str, row: dict[str, str]) -> str:
    return row["answer"] if name == "xquad" else ""


def _pieces(evidence: str) -> Iterator[str]:
    return (plain(piece) for piece in re.split(r"\n\s*\n| \.\.\. ", evidence) if piece.strip())


def _scifact(folder: Path, split: str) -> Iterator[Question]:
    rows = (json.loads(line) for line in (folder / "queries.jsonl").read_text("utf-8").splitlines())
    texts = {row["_id"]: row["text"] for row in rows}
    gold: dict[str, set[str]] = {}
    name = "qrels.tsv" if split == "test" else "qrels_train.tsv"
    for line in (folder / name).read_text("utf-8").splitlines()[1:]:
        query, document, score = line.split("\t")
        if int(score) > 0:
            gold.setdefault(query, set()).add(document)
    return (Question(texts[query], frozenset(documents), ()) for query, documents in gold.items())
