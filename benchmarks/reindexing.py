"""Changing the embedding model of 10,000 chunks while five people search, with a kill -9 in the middle.

    python -m benchmarks.reindexing [--chunks 10000] [--people 5]

A child process owns the workspace, runs the job, and searches for its people; it is killed when half the vectors
are there and started again, swaps, and swaps back and forth. The texts are made up and the old vectors random; the
new embedding model is a tiny one with random weights. So this measures whether it holds, not how well it finds,
and not how long a real embedding model would take. No base model is asked: what is searched is what could be mixed.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert

from benchmarks.embedding import unit
from benchmarks.report import table, write
from core.ingestion import reindexing
from core.ingestion.cutting import packed
from core.ingestion.embedders import Choice
from core.ingestion.embedding import Vectors
from core.ingestion.parsed import Block
from core.settings import Settings
from core.workspace import Workspace
from storage.rows import IndexRow
from storage.tables import Chunk, Document, Embedding, Page
from tests.core.ingestion.small_model import small_model

PER_DOCUMENT = 100
SAID = "Device {document}-{line}: fault F{line} is mended by part {part}."


def main() -> None:
    """Fill a workspace, change its embedding model, write results/reindexing.md."""
    chosen = arguments(__doc__)
    if chosen.child:
        child(chosen.child, chosen.people)
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "workspace"
        with Workspace.open(Settings.load(home)) as ws:
            corpus_id = filled(ws, chosen.chunks)
            probed = ws.embedders.probe(Choice("folder", str(small_model(Path(folder) / "small"))))
            index = reindexing.begin(ws, corpus_id, probed)
        began = time.perf_counter()
        killed_at = killed(home, index, chosen.people)
        said: dict[str, Any] = json.loads(started(home, chosen.people).communicate()[0].splitlines()[-1])
        seconds = time.perf_counter() - began
    rows = [
        ("vectors there when it was killed", killed_at),
        ("vectors that were lost by it", killed_at - (said["total"] - said["left"])),
        ("attempts of the job", said["attempts"]),
        ("searches while it was built and swapped, after the kill", said["searches"]),
        ("of them failed", len(said["failures"])),
        ("of them empty", said["empty"]),
        ("swaps", said["swaps"]),
        ("chunks in the new index: rows, vectors", f"{said['rows']}, {said['vectors']}"),
        ("seconds from the beginning, the kill and a second start among them", f"{seconds:.0f}"),
    ]
    note = "".join(f"\n- {failure}" for failure in sorted(set(said["failures"])))
    write("reindexing", "Changing the embedding model while people ask", table(("what", "figure"), rows) + note)


def arguments(about: str | None) -> argparse.Namespace:
    """How many chunks and people; `child` is the workspace of the process that is killed and started again."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=10_000)
    parser.add_argument("--people", type=int, default=5)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def filled(ws: Workspace, count: int, said: str = SAID, shift: int = 0) -> int:
    """A corpus of ready chunks with random vectors in its index; returns its id.

    Args:
        said: each line of a document, with the numbers of document, line and part.
        shift: characters by which chunks begin behind their lines; 0 makes each line a chunk.
    """
    corpus = ws.corpora.create("many", "support")
    index = ws.indexes.ensure(corpus.id, ws.embedder.name, ws.embedder.dimension, "benchmark")
    rng = np.random.default_rng(0)
    for number in range(count // PER_DOCUMENT):
        lines = [said.format(document=number, line=n, part=number * 7 + n) for n in range(PER_DOCUMENT)]
        vectors = unit(rng.normal(size=(PER_DOCUMENT, index.dimension)).astype(np.float32))
        ws.vectors.upsert(index.collection, document(ws, index, number, lines, shift, vectors), vectors)
    return corpus.id


def document(ws: Workspace, index: IndexRow, number: int, lines: list[str], shift: int, vectors: Vectors) -> list[int]:
    """Store one ready document, as many chunks as lines, with its vectors; returns the chunks' ids."""
    text = "\n".join(lines)
    with ws.database.write() as session:
        name = f"document {number}"
        row = Document(corpus_id=index.corpus_id, name=name, content_sha256=name, size_bytes=1, status="ready")
        session.add(row)
        session.flush()
        blocks = packed(Block("paragraph", start, end) for start, end in places(lines, 0))
        session.add(Page(document_id=row.id, number=1, text=text, blocks=blocks))
        place = {"corpus_id": index.corpus_id, "document_id": row.id, "page": 1, "kind": "paragraph"}
        rows = [
            place | {"ordinal": at, "start": start, "end": end, "text": text[start:end]}
            for at, (start, end) in enumerate(places(lines, shift))
        ]
        ids = list(session.scalars(insert(Chunk).returning(Chunk.id, sort_by_parameter_order=True), rows))
        stored = zip(ids, vectors.astype("<f4"), strict=True)
        session.execute(
            insert(Embedding), [{"chunk_id": k, "index_id": index.id, "vector": v.tobytes()} for k, v in stored]
        )
        ws.lexical.add(session, session.query(Chunk).where(Chunk.document_id == row.id))
    return ids


def places(lines: list[str], shift: int) -> list[tuple[int, int]]:
    """Start and end of each chunk: of its line, or shifted behind it, so that none begins or ends where a line does."""
    starts = [0, *np.cumsum([len(line) + 1 for line in lines]).tolist()]
    if not shift:
        return [(start, start + len(line)) for start, line in zip(starts, lines, strict=False)]
    return list(pairwise([0, *(start + shift for start in starts[1:-1]), starts[-1] - 1]))


def started(home: Path, people: int, benchmark: str = "benchmarks.reindexing") -> "subprocess.Popen[str]":
    """A process that owns the workspace until the change is made."""
    command = [sys.executable, "-m", benchmark, "--child", str(home), "--people", str(people)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))


def killed(home: Path, index: IndexRow, people: int, benchmark: str = "benchmarks.reindexing") -> int:
    """Begin, and kill when half is there; returns how many vectors that were."""
    process = started(home, people, benchmark)
    with Workspace.open(Settings.load(home), owner=False) as beside:
        while process.poll() is None and beside.indexes.count_ready(index.id) < beside.index_changes.count_lacking(
            index
        ):
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        return beside.indexes.count_ready(index.id)


def child(home: Path, people: int) -> None:
    """Run the job while people search, then swap eleven times; prints what happened as JSON."""
    with Workspace.open(Settings.load(home)) as ws:
        (corpus,) = ws.corpora.list()
        before, other = ws.corpora.active_index(corpus.id), ws.index_changes.other(corpus.id)
        assert before is not None
        assert other is not None
        left = ws.index_changes.count_lacking(other)
        over, searches, failures, empty = threading.Event(), [0] * people, [], [0] * people

        def ask(person: int) -> None:
            while not over.is_set():
                searches[person] += 1
                try:
                    found = ws.retriever.search(corpus.id, f"How is fault F{searches[person] % 100} mended?")
                    empty[person] += not found
                except Exception as error:  # noqa: BLE001 (whatever it is, it is what we look for)
                    failures.append(f"{type(error).__name__}: {error}")

        threads = [threading.Thread(target=ask, args=(person,)) for person in range(people)]
        for thread in threads:
            thread.start()
        job = ws.dispatcher.run_one()
        for turn in range(11):
            reindexing.swap(ws, (before if turn % 2 else other).id)
            time.sleep(0.2)
        over.set()
        for thread in threads:
            thread.join()
        said = {"left": left, "total": ws.indexes.count_ready(other.id), "searches": sum(searches)}
        said |= {"failures": failures, "empty": sum(empty), "swaps": 11, "attempts": job.attempt if job else 0}
        said |= {"rows": ws.indexes.count_ready(other.id), "vectors": ws.vectors.count(other.collection)}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
