"""The index job is killed without warning, again and again, and still each document is there once."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from core.settings import Settings
from core.workspace import Workspace

pytestmark = pytest.mark.embedded  # it watches the SQLite file while the job is at work
SMALL, MIDDLE = 40, 150


def canary(number: int) -> str:
    """A word that no other document holds, made of letters only so that it is one token."""
    return "zq" + "".join(chr(97 + int(digit)) * 2 for digit in f"{number:03d}") + "canary"


def write_documents(folder: Path) -> None:
    folder.mkdir()
    for number in range(SMALL):
        text = f"# Note {number}\n\nThe word of this note is {canary(number)}. It was filed by office {number}.\n"
        (folder / f"note-{number}.md").write_text(text)
    paragraph = "Section {0}. The fee for item {0} is {0} euro, payable on receipt of the goods, " * 6
    text = "\n\n".join(paragraph.format(number) for number in range(MIDDLE)) + f"\n\nLast of all, {canary(999)}.\n"
    (folder / "manual.txt").write_text(text)


def index(home: Path, folder: Path) -> "subprocess.Popen[bytes]":
    arguments = ["index", "--workspace", home, "--domain", "legal", "--corpus", "notes", folder]
    return subprocess.Popen(
        [sys.executable, "-m", "core.cli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).resolve().parents[3],
        start_new_session=True,
    )


def counted(home: Path, query: str) -> int:
    """A number from the rows, read beside the process that writes them; 0 before there are tables."""
    try:
        with closing(sqlite3.connect(f"file:{home / 'triptych.db'}?mode=ro", uri=True)) as rows:
            return int(rows.execute(query).fetchone()[0])
    except sqlite3.OperationalError:
        return 0


RUNNING = "SELECT count(*) FROM jobs WHERE status = 'running'"
READY = "SELECT count(*) FROM documents WHERE status = 'ready'"
EMBEDDING = "SELECT count(*) FROM documents WHERE status = 'embedding'"
VECTORS = "SELECT count(*) FROM embeddings"


def moments(chance: random.Random) -> list[tuple[str, int]]:
    """When to kill: as soon as a count is reached, and a moment later."""
    return [
        (RUNNING, 1),
        (EMBEDDING, 1),
        (READY, chance.randint(2, SMALL // 2)),
        (READY, chance.randint(SMALL // 2, SMALL)),
        (VECTORS, chance.randint(SMALL, SMALL + MIDDLE // 4)),
    ]


@pytest.mark.timeout(900)
def test_an_index_job_that_is_killed_at_random_moments_finishes_once(tmp_path: Path) -> None:
    home, folder = tmp_path / "workspace", tmp_path / "documents"
    write_documents(folder)
    chance = random.Random()
    for query, least in moments(chance):
        process = index(home, folder)
        while process.poll() is None and counted(home, query) < least:
            time.sleep(0.002)
        time.sleep(chance.random() / 10)
        with suppress(ProcessLookupError):  # it was quicker than we are
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert counted(home, "SELECT attempt FROM jobs") > 1  # it was hit in the middle of its work
    last = index(home, folder)
    output = last.communicate()[0].decode()
    assert last.returncode == 0, output
    check(home)


def check(home: Path) -> None:
    with Workspace.open(Settings(home, f"sqlite:///{home / 'triptych.db'}")) as ws:
        corpus = ws.corpora.by_name("notes")
        assert corpus is not None
        documents = ws.corpora.documents(corpus.id, limit=1000)
        assert sorted(row.name for row in documents) == sorted(["manual.txt", *(f"note-{n}.md" for n in range(SMALL))])
        assert {row.status for row in documents} == {"ready"}
        index_row = ws.corpora.active_index(corpus.id)
        assert index_row is not None
        chunks = [chunk for row in documents for chunk in ws.corpora.chunks(row.id)]
        assert len(chunks) == ws.indexes.count_ready(index_row.id)
        assert len(chunks) == ws.vectors.count(index_row.collection)
        assert len(chunks) == ws.lexical.count(corpus.id) == ws.corpora.statistics(corpus.id).chunks
        for number in (*range(SMALL), 999):
            found = {ws.corpora.chunks_by_ids([hit.chunk_id])[hit.chunk_id].document_id
                     for hit in ws.lexical.search(corpus.id, canary(number), 10)}  # fmt: skip
            assert found == {row.id for row in documents if row.name == document_of(number)}
        assert ws.retriever.search(corpus.id, f"Which note has the word {canary(7)}?", 1)[0].document == "note-7.md"
        assert ws.jobs.waiting() == 0
        stored = [path for path in (home / "files").rglob("*") if path.is_file() and path.parent.name != "incoming"]
        assert len(stored) == len(documents)


def document_of(number: int) -> str:
    return "manual.txt" if number == 999 else f"note-{number}.md"
