"""What answers.py, citations.py and refusal.py share: a workspace with the sets and samples in it.

The workspace is filled through the product's own intake and jobs, once; `--workspace` keeps it for the next
run. Nothing here measures anything.
"""

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.domains import ORDER, domain
from core.ingestion.intake import add_files, create_corpus, load_sample
from core.settings import Settings
from core.workspace import Workspace

os.environ.setdefault("HF_HUB_OFFLINE", "1")
ROOT = Path(__file__).resolve().parents[1]
SETS = {
    "xquad": ("general/xquad_en", "support"),
    "tatqa": ("finance/tatqa", "finance"),
    "doc2dial": ("support/doc2dial", "support"),
    "medquad": ("healthcare/medquad", "healthcare"),
    "techqa": ("support/techqa", "support"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """One line of a set: `answer` None means that the corpus does not hold it."""

    id: str
    question: str
    answer: str | None
    doc_ids: tuple[str, ...]
    evidence: str | None
    meta: dict[str, Any]


def arguments(about: str) -> argparse.ArgumentParser:
    """The options every benchmark has."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--workspace", type=Path, default=Path("build/benchmark"), help="kept for the next run")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TRIPTYCH_DATA", ROOT.parent / "shared")))
    return parser


def opened(folder: Path) -> Workspace:
    """The benchmark's workspace."""
    return Workspace.open(Settings.load(folder.resolve()))


def questions(file: Path) -> list[Question]:
    """The lines of a train, test, gold or unanswerable file."""
    keys = ("id", "question", "answer", "doc_ids", "evidence", "meta")
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
    return [Question(**{key: row.get(key) for key in keys} | {"doc_ids": tuple(row["doc_ids"])}) for row in rows]


def set_corpus(ws: Workspace, name: str, data: Path) -> int:
    """The corpus of a public set, indexed if it is not there yet."""
    folder, domain_name = SETS[name]
    corpus = ws.corpora.by_name(name) or create_corpus(ws, name, domain_name)
    add_files(ws, corpus.id, [("corpus.jsonl", data / "data" / folder / "corpus.jsonl")])
    return indexed(ws, corpus.id)


def sample_corpora(ws: Workspace) -> dict[str, int]:
    """The four sample corpora, by domain."""
    return {name: indexed(ws, load_sample(ws, name)) for name in ORDER}


def gold(name: str) -> list[Question]:
    """A domain's gold questions."""
    return questions(domain(name).gold_file)


def train(name: str) -> list[Question]:
    """A domain's training pairs."""
    return questions(domain(name).train_file)


def indexed(ws: Workspace, corpus_id: int) -> int:
    """Index what is waiting, and the corpus's id; raises SystemExit when a document of it is not ready then."""
    while ws.dispatcher.run_one():
        pass
    numbers = ws.corpora.statistics(corpus_id)
    if numbers.failed or numbers.ready != numbers.documents:
        raise SystemExit(f"corpus {corpus_id}: {numbers.ready} of {numbers.documents} documents are ready")
    return corpus_id
