"""What an unchanged pass over a watched folder costs, against the least it could (a walk with one `stat` a file).

    python -m benchmarks.keeping_up [--files 1000] [--passes 100]

In turns, in one run: the ratio holds on a busy machine, the figures do not. Nothing is indexed: what is measured is
finding out that there is nothing to do, and that this writes nothing.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.report import table, write
from core.ingestion import intake
from core.settings import Settings
from core.sync import sources
from core.sync.looking import look
from core.sync.watching import look_once
from core.workspace import Workspace

WORDS = "This agreement is made between the parties named below and takes effect on the date of the last signature. "


def main() -> None:
    """Measure and write results/keeping-up.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--passes", type=int, default=100)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Workspace.open(Settings.load(Path(folder) / "home")) as ws:
        papers = Path(folder) / "papers"
        fill(papers, chosen.files)
        rows = measured(ws, papers, chosen.passes)
    write("keeping-up", f"Following a folder of {chosen.files:,} files", table(["what", "value"], rows))


def fill(folder: Path, count: int) -> None:
    """Files of about 5 kB in 50 subfolders, written an hour ago."""
    an_hour_ago = time.time() - 3600
    for number in range(count):
        path = folder / f"case {number % 50}" / f"letter {number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"Letter {number}. " + WORDS * 45)
        os.utime(path, (an_hour_ago, an_hour_ago))


def measured(ws: Workspace, papers: Path, passes: int) -> list[tuple[str, object]]:
    """Seconds of the first look, of the sync job and of unchanged passes; rows and bytes before and after."""
    corpus = intake.create_corpus(ws, "papers", "legal")
    source = sources.add_folder(ws, corpus.id, papers)
    first = seconds(lambda: look(ws, source))
    sources.sync_now(ws, source.id)
    job = seconds(ws.dispatcher.run_one)
    before, stored = counted(ws), written(ws)
    ours, floor = [], []
    for _ in range(passes):
        ours.append(seconds(lambda: look_once(ws, ws.sources.get(source.id))))
        floor.append(seconds(lambda: walked(papers)))
    same = counted(ws) == before and written(ws) == stored
    return [
        ("first look, every file read and hashed (dry run), s", first),
        ("sync job: stored, flushed to disk, admitted, written down, s", job),
        ("unchanged pass, median, s", statistics.median(ours)),
        (f"unchanged pass, slowest of {passes}, s", max(ours)),
        ("a bare walk with one stat a file, median, s", statistics.median(floor)),
        ("ratio of the medians", statistics.median(ours) / statistics.median(floor)),
        (f"rows and bytes of the workspace after {passes} passes", "as before" if same else "CHANGED"),
    ]


def walked(folder: Path) -> int:
    """The least one has to do: look at every file's size and date."""
    return sum(os.stat(Path(at) / name).st_size for at, _, names in os.walk(folder) for name in names)


def seconds(do: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


def counted(ws: Workspace) -> tuple[int, int, int]:
    """Documents, jobs and items."""
    items = sum(len(ws.sources.items(source.id)) for source in ws.sources.list())
    return sum(ws.corpora.count_documents(each.id) for each in ws.corpora.list()), len(ws.jobs.list(limit=9999)), items


def written(ws: Workspace) -> list[tuple[str, int, int]]:
    """Every file of the workspace with its size and date, but for SQLite's shared memory."""
    files = [path for path in ws.home.rglob("*") if path.is_file() and path.suffix != ".db-shm"]
    return sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files)


if __name__ == "__main__":
    main()
