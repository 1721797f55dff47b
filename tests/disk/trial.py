"""A workspace whose disk fails at the Nth write: `python -m tests.disk.trial HOME FOLDER N:CODE:TIMES...`.

Runs under LD_PRELOAD. For each fault: the workspace is copied, the fault is set, a day's acts are done in it, the fault
goes away, and the same process does what it could not do before. One JSON line each: the number of writes, the errors
that nobody could have understood, and what was wrong afterwards.
"""

import ctypes
import faulthandler
import json
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from core import room
from core.errors import TriptychError
from core.ingestion import editing, intake
from core.ingestion.embedding import Embedder
from core.ingestion.sandbox import Sandbox
from core.keeping import backup
from core.keeping.doctor import examine
from core.settings import Settings
from core.workspace import Workspace
from storage.gold import GoldDraft

NEW = {f"new{number}.md": f"# New {number}\n\nThe fee of office {number} is {number} euro." for number in range(3)}
QUESTION = "What is the rent of the warehouse?"
LONGEST_S = 900.0


class Trial:
    """One fault."""

    def __init__(self, home: Path, given: dict[str, Any]) -> None:
        self.home, self.given = home, given
        self.settings = Settings(home=home, database_url=f"sqlite:///{home / 'triptych.db'}")
        self.unclear: list[str] = []
        self.told: set[str] = set()
        self.done: set[str] = set()

    def attempt(self, name: str, act: Callable[[], Any]) -> Any:
        """Do it; an error has to be one for people."""
        try:
            found = act()
        except TriptychError as error:
            self.told.add(str(error))
        except Exception as error:  # noqa: BLE001  which it must not be is what is asked here
            why = room.told(error)
            self.told.add(str(why))
            if why is None:
                self.unclear.append(f"{name}: {type(error).__name__}: {error}"[:300])
        else:
            self.done.add(name)
            return found

    def day(self, ws: Workspace) -> None:
        """What a person does in a day; what was done already is passed over."""
        corpus = ws.corpora.list()[0].id
        by_name = {row.name: row for row in ws.corpora.documents(corpus)}
        acts: dict[str, Callable[[], Any]] = {
            "upload": lambda: uploaded(ws, corpus),
            "index": lambda: indexed(ws),
            "gold": lambda: ws.gold.add(corpus, GoldDraft("How high is the fee?", "Two euro.")),
            "edit": lambda: editing.edit(ws, ws.corpora.chunks(by_name["lease.md"].id)[0].id, "The rent is nothing."),
            "delete": lambda: "notice.md" in by_name and intake.delete_document(ws, by_name["notice.md"].id),
            "backup": lambda: backup.write(ws, self.home.parent / "kept.zip"),
        }
        for name, act in acts.items():
            if name not in self.done:
                self.attempt(name, act)

    def wrong(self, ws: Workspace) -> list[str]:
        """What is not as it has to be once all is done."""
        corpus = ws.corpora.list()[0].id
        found = [f"{each.what}: {each.words}" for each in examine(ws) if each.state == "decide" and each.what != "Disk"]
        rows = {row.name: row.status for row in ws.corpora.documents(corpus)}
        if rows != dict.fromkeys([*NEW, "lease.md"], "ready"):
            found.append(f"documents are {rows}")
        if [row.question for row in ws.gold.list(corpus)] != ["How high is the fee?"]:
            found.append(f"gold questions are {[row.question for row in ws.gold.list(corpus)]}")
        passages = {passage.document for passage in ws.retriever.search(corpus, "What is the fee of office 2?", 3)}
        if "new2.md" not in passages:
            found.append(f"found are {passages}")
        return found


def uploaded(ws: Workspace, corpus: int) -> None:
    """Add the files; what is not taken is told, and added again later, as a person would."""
    took = intake.add_files(ws, corpus, [(name, text.encode()) for name, text in NEW.items()])
    if took.rejected:
        raise TriptychError(took.rejected[0].reason)


def indexed(ws: Workspace) -> None:
    """Do the jobs that wait; one that found the disk full waits for its time, which is made to have come."""
    while True:
        ws.jobs.requeue_abandoned()
        job = ws.dispatcher.run_one()
        if job is None:
            return
        if job.status == "failed":
            raise TriptychError(job.error)
        if job.status != "done":
            raise room.NoRoom(f"The job is {job.status}: {job.message}")


def tried(home: Path, given: dict[str, Any], fail: Any, nth: int, code: int, times: int) -> dict[str, Any]:
    """One fault, from a copy of the workspace on."""
    trial = Trial(home, given)
    fail.fail_at(str(home).encode(), nth, code, times)
    ws = trial.attempt("open", lambda: Workspace.open(trial.settings, given=given))
    if ws is not None:
        trial.day(ws)
    writes = fail.calls()
    fail.fail_at(b"", 0, 0, 0)
    if ws is None:
        ws = Workspace.open(trial.settings, given=given)
    with ws:  # the same process goes on when there is room
        trial.done.discard("index")
        before = len(trial.unclear)
        trial.day(ws)
        ws.dispatcher.run_one()  # which makes good what Chroma was not told
        wrong = [*trial.unclear[before:], *trial.wrong(ws)]
    with Workspace.open(trial.settings, given=given) as again:
        wrong += [f"after a restart: {each}" for each in trial.wrong(again)]
    return {
        "at": [nth, code, times],
        "writes": writes,
        "told": sorted(trial.told),
        "unclear": trial.unclear,
        "wrong": wrong,
    }


def main(source: Path, folder: Path, faults: list[str]) -> None:
    """Try them all."""
    fail = ctypes.CDLL(os.environ["LD_PRELOAD"])
    with Sandbox() as sandbox:
        given = {"embedder": Embedder(), "sandbox": sandbox}
        for number, fault in enumerate(faults):
            nth, code, times = (int(part) for part in fault.split(":"))
            home = folder / str(number) / "home"
            shutil.copytree(source, home)
            faulthandler.dump_traceback_later(LONGEST_S, exit=True)  # says where it hangs, and ends it
            try:
                found = tried(home, given, fail, nth, code, times)
            except Exception as error:  # noqa: BLE001  the next ones are tried as well
                fail.fail_at(b"", 0, 0, 0)
                found = {"at": [nth, code, times], "writes": 0, "told": [], "unclear": [], "wrong": [f"{error!r}"]}
            print(json.dumps(found), flush=True)
            with suppress(OSError):
                shutil.rmtree(home.parent)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
