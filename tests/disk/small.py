"""A workspace on a file system of 400 MB that gets full: `python -m tests.disk.small PLACE`; 0 when all is well."""

import os
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from core import room
from core.errors import NoRoom
from core.ingestion import intake
from core.keeping.doctor import examine
from core.settings import Settings
from core.workspace import Workspace
from storage.gold import GoldDraft

PATIENCE_S = 120
BLOCK = 1 << 20


def fill(file: Path, leave: int) -> None:
    """Take all room but some."""
    with file.open("ab") as opened:
        while (left := room.free(file.parent) - leave) > 0:
            try:
                opened.write(os.urandom(min(BLOCK, left)))
                opened.flush()
            except OSError:
                return


def indexed(home: Path) -> "subprocess.CompletedProcess[str]":
    """`triptych index` of one more document."""
    arguments = ["index", "--workspace", str(home), "--corpus", "Leases", str(home.parent / "more.md")]
    return subprocess.run([sys.executable, "-m", "core.cli", *arguments], capture_output=True, text=True)


def main(place: Path) -> None:
    """Fill it, try, make room, go on."""
    home, ballast = place / "home", place / "ballast"
    settings = Settings(home=home, database_url=f"sqlite:///{home / 'triptych.db'}")
    with Workspace.open(settings) as ws:
        corpus = ws.corpora.list()[0].id
        a_zip_that_does_not_fit_unpacked_is_not_damaged(ws, corpus, ballast)
        jobs_wait_and_go_on(ws, corpus, ballast)
    (place / "more.md").write_text("# More\n\nThe fee of the tower is nine euro.")
    fill(ballast, 0)
    told = indexed(home)
    assert told.returncode == 3, told
    assert "disk" in told.stderr, told
    assert len(told.stderr.strip().splitlines()) == 1, told
    ballast.unlink()
    again = indexed(home)
    assert again.returncode == 0, again
    with Workspace.open(settings) as ws:
        found = {each.what: each.state for each in examine(ws)}
        assert {state for what, state in found.items() if what != "Disk"} == {"healthy"}, found
        assert ws.retriever.search(corpus, "What is the fee of the tower?", 1)[0].document == "more.md"


def a_zip_that_does_not_fit_unpacked_is_not_damaged(ws: Workspace, corpus: int, ballast: Path) -> None:
    """Packed there is room for it, unpacked there is not: that is the disk's fault, and said to be."""
    packed = ballast.with_name("many.zip")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(8):
            archive.writestr(f"{number}.txt", (f"Part {number}: {os.urandom(500).hex()}\n" * 20_000)[: 18 * BLOCK])
    fill(ballast, room.LEAST + 10 * BLOCK)
    with pytest.raises(OSError, match="No space left") as raised:
        intake.add_files(ws, corpus, [("many.zip", packed)])
    assert room.told(raised.value) is not None
    assert len(ws.corpora.documents(corpus)) == 2
    assert list(ws.scratch.iterdir()) == []
    ballast.unlink()
    packed.unlink()


def jobs_wait_and_go_on(ws: Workspace, corpus: int, ballast: Path) -> None:
    """With little room nothing large is taken and no job begins; with room again, it is done without being asked."""
    intake.add_files(ws, corpus, [("tower.md", b"# Tower\n\nThe deposit of the tower is ten euro.")])
    fill(ballast, room.LEAST // 2)
    assert "full" in room.warning(ws.home)
    with pytest.raises(NoRoom, match="Free some disk"):
        intake.add_files(ws, corpus, [("large.txt", os.urandom(BLOCK).hex().encode())])
    ws.dispatcher.start()
    time.sleep(2)
    assert ws.jobs.waiting() == 1
    fill(ballast, 0)
    error: list[BaseException] = []
    writing = threading.Thread(target=lambda: write_gold(ws, corpus, error))
    writing.start()
    writing.join()
    assert error, "rows were written without room"
    assert room.told(error[0]) is not None, repr(error[0])
    ballast.unlink()
    until = time.monotonic() + PATIENCE_S
    while ws.jobs.waiting():
        assert time.monotonic() < until, "the job did not go on"
        time.sleep(0.1)
    assert {row.status for row in ws.corpora.documents(corpus)} == {"ready"}


def write_gold(ws: Workspace, corpus: int, error: list[BaseException]) -> None:
    """Write rows until that fails."""
    try:
        for number in range(2_000):
            ws.gold.add(corpus, GoldDraft(f"Question {number} {'?' * 4_000}", "answer"))
    except Exception as raised:  # noqa: BLE001  it is looked at
        error.append(raised)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
