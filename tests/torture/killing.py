"""Starts the server, has things done, kills it in the middle, starts it again, and asks whether anything was lost.

    start -> ready -> acts, several at a time -> SIGKILL at a random moment -> start again -> compare (`ledger.settle`)
    every so often: wait until nobody works -> end it -> open the workspace -> compare everything (`whole`)

What is killed: the server alone (what it started has to end by itself), everything at once, the trainer, a process
that reads documents, or the server while it is still starting. One kill in three comes while a chosen act is under
way (`MOMENTS`); what really was, is looked up a moment before and counted (`Told.under_way`).
"""

import http.client
import json
import math
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from core.ingestion.embedding import Embedder
from core.settings import Settings
from core.workspace import Workspace
from tests.torture.deeds import AT_LEAST, Deeds
from tests.torture.forking import Forked, Forks
from tests.torture.ledger import Act, Ledger, canary_in
from tests.torture.whole import wrongs

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 300.0
AT_ONCE = 4
"""Acts under way, one more than the server's people."""
TARGETS = {"everything": 40, "server": 25, "parser": 15, "trainer": 7, "starting": 13}
MARKS = {"parser": "core.ingestion.sandbox_child", "trainer": "core.finetuning.child"}
MOMENTS = {"backup": 0.6, "promote": 0.03, "rebuild": 0.6, "reindex": 4.0, "evaluate": 3.0, "delete": 0.3,
           "delete_corpus": 0.5, "upload": 2.0}  # fmt: skip
"""Acts that a kill is aimed at, and the seconds after they were asked for within which it comes."""
ANEW = 1 / 5
"""The share of starts that are not forked; only their times count."""
AIMED = 1 / 3
"""The share of kills that are."""
TRAINER_S = 90.0
"""How long a trainer is waited for that is to be killed, or to be at work when its server is."""
LEARNS_S = 5.0
"""Within which time a kill comes once it is at work."""
DRAINED_S = 1_200.0
"""How long everything may take to be done once nobody is killed any more."""
BACKLOG = 8
"""Jobs that wait, beyond which no more files are handed in: a queue that only grows is killed before its first step."""
ORPHANS_S = 150.0
"""A trainer whose server is gone finishes its step and saves before it ends."""


@dataclass(slots=True)
class Told:
    """What came of it."""

    kills: Counter[str] = field(default_factory=Counter)
    under_way: Counter[str] = field(default_factory=Counter)
    """How many kills met such an act, such a job, or a trainer; a kill may meet several."""
    acts: Counter[str] = field(default_factory=Counter)
    in_doubt: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    ready_s: list[float] = field(default_factory=list)
    """Seconds from the start of a process from nothing to its first answer."""
    whole: int = 0
    wrong: list[str] = field(default_factory=list)


class Torture:
    """One workspace under torture; `run` any number of times, `finish` at the end."""

    def __init__(self, folder: Path, seed: int, base: Path | None, small_model: Path) -> None:
        self.home, self.folder = folder / "workspace", folder
        self.settings = Settings.load(self.home)
        self.chance = random.Random(seed)
        self.ledger = Ledger()
        self.deeds = Deeds(self.chance, self.ledger, folder, str(small_model))
        self.told = Told()
        self.base = base
        self._lock = threading.RLock()
        self._flying: dict[int, Act] = {}
        self._ever: set[str] = set()
        self._orphans: list[psutil.Process] = []
        self.process: subprocess.Popen[str] | Forked | None = None
        self._forks: Forks | None = None
        self._embedder = Embedder()

    def run(
        self,
        kills: int,
        whole_every: int = 40,
        until: float = math.inf,
        told: "Callable[[Told], object]" = lambda told: None,
    ) -> None:
        """So many kills, or those until then (monotonic seconds); and a look at everything now and then.

        Args:
            told: hears what came of it so far, after each look at everything.
        """
        self.start()
        if not self.deeds.main:
            self.begin()
        compared = 0
        while True:
            self.work(self.chance.uniform(0.1, 3.0))
            target = self.chance.choices(list(TARGETS), list(TARGETS.values()))[0]
            if target == "trainer":
                self._have_a_trainer()
                target = self.chance.choice(("trainer", "trainer", "server", "everything"))
            elif self.chance.random() < AIMED:
                self._aim(self.chance.choice(list(MOMENTS)))
            self.kill(target)
            last = self.told.kills.total() >= kills or time.monotonic() > until
            if self.told.kills.total() - compared >= whole_every or last:
                compared = self.told.kills.total()
                self.check_whole()
                told(self.told)
            if self.told.wrong or last:
                return

    def _aim(self, name: str) -> None:
        """Have one act under way that a kill is to meet, as far as it can be done now."""
        with self._lock:
            act = self.deeds.one(name)
            if act is None:
                return
            self.send(act)
        self.work(self.chance.uniform(0, MOMENTS[name]))

    def _have_a_trainer(self) -> None:
        """Have a training under way, and its process at work for some seconds."""
        if not self.deeds.learning:
            return
        until = time.monotonic() + TRAINER_S
        while time.monotonic() < until:
            if any(MARKS["trainer"] in " ".join(_command(each)) for each in self._family()):
                self.work(self.chance.uniform(0, LEARNS_S))
                return
            with self._lock:
                _, self.deeds.open = self._jobs()
                if (act := self.deeds.one("train")) is not None:
                    self.send(act)
            time.sleep(0.3)

    def start(self, anew: bool = True) -> None:
        """Start the server and wait until it is ready: it listens at once, and answers when it is.

        Args:
            anew: as a process from nothing, whose time is taken; else it is forked (`forking`).
        """
        port = _free_port()
        began = time.monotonic()
        self._spawn(port, anew)
        while time.monotonic() - began < PATIENCE_S:
            with suppress(OSError, http.client.HTTPException), closing(_connection(port)) as connection:
                connection.request("GET", "/api/health")
                if connection.getresponse().status == 200:
                    self.told.starts += 1
                    self.told.ready_s += [time.monotonic() - began] if anew else []
                    return
            if self.process is None or self.process.poll() is not None:
                raise AssertionError(f"the server did not start: {self.said()[-3000:]}")
            time.sleep(0.02)
        raise AssertionError("the server does not get ready")

    def _spawn(self, port: int, anew: bool) -> None:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        if not anew:
            self._forks = self._forks or Forks(ROOT, environment)
            self.process = self._forks.start(self.home, port, self.folder / "server.log")
        else:
            with (self.folder / "server.log").open("a") as log:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "tests.torture.server", str(self.home), str(port)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    cwd=ROOT,
                    env=environment,
                    start_new_session=True,
                )
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()

    def begin(self) -> None:
        """The corpora that are always there."""
        self.deeds.main = self.now("corpus", name="Main")["id"]
        if self.base is not None:
            self.deeds.learning = self.now("corpus", name="Learning", base=str(self.base))["id"]
            pairs = {f"Which colour has room {n}?": f"Colour {n * 7}." for n in range(AT_LEAST)}
            self.now("examples", corpus=self.deeds.learning, pairs=pairs)
            self.now("train", corpus=self.deeds.learning)

    def now(self, name: str, /, **given: Any) -> dict[str, Any]:
        """Have an act done, and wait until it is acknowledged."""
        act = {"number": next(self.deeds.numbers), "act": name, "with": given, "busy": set(), "over": threading.Event()}
        self.send(act)
        assert act["over"].wait(PATIENCE_S), f"{name} takes too long"
        return dict(act["told"])

    def work(self, seconds: float) -> None:
        """Have things done for a while."""
        until = time.monotonic() + seconds
        _, self.deeds.open = self._jobs()
        self.deeds.full = self.deeds.open.total() > BACKLOG
        while time.monotonic() < until:
            with self._lock:
                if len(self._flying) < AT_ONCE:
                    self.send(self.deeds.next())
            time.sleep(self.chance.uniform(0, 0.05))

    def send(self, act: Act) -> None:
        """Ask for an act; it may have happened from now on."""
        assert self.process is not None
        assert self.process.stdin is not None
        with self._lock:
            self.ledger.begun(act)
            for text in act["with"].get("files", {}).values():
                self._ever.add(canary_in(text))
            self._flying[act["number"]] = act
            line = {key: act[key] for key in ("number", "act", "with")}
            self._write({"sent": line})
            with suppress(BrokenPipeError):  # killed, or dying: what it heard last is in doubt
                self.process.stdin.write(json.dumps(line) + "\n")
                self.process.stdin.flush()

    def _listen(self, process: "subprocess.Popen[str] | Forked") -> None:
        """Write down what is acknowledged, until the process is gone."""
        assert process.stdout is not None
        for line in process.stdout:
            if not line.endswith("\n"):
                return
            said = json.loads(line)
            with self._lock:
                self._write({"heard": said})
                act = self._flying.get(said["number"])
                if act is None:
                    continue
                if "part" in said:
                    self.ledger.part(act, said["part"])
                    continue
                self._over(act, said)

    def _over(self, act: Act, said: dict[str, Any]) -> None:
        del self._flying[act["number"]]
        self.deeds.over(act)
        if "done" in said:
            self.ledger.done(act, said["done"])
            self.told.acts[act["act"]] += 1
        elif "refused" in said:
            self.told.refused[f"{act['act']}: {said['refused'][:60]}"] += 1
        else:
            self.told.wrong.append(f"{act['act']} {str(act['with'])[:200]}: {said['failed'][:600]}")
        if "over" in act:
            act["told"] = said.get("done", {})
            act["over"].set()

    def kill(self, target: str) -> None:
        """End something without a warning; the server is started again, and compared."""
        assert self.process is not None
        family = self._family()
        marked = [each for each in family if MARKS.get(target, "?") in " ".join(_command(each))]
        self._meet(family)
        if target in MARKS and marked:
            _end(self.chance.choice(marked))
            self.told.kills[target] += 1
            return
        if target == "starting":
            self.told.kills["everything"] += 1
            self._die(family)
            self._spawn(_free_port(), anew=self._anew())
            time.sleep(self.chance.uniform(0, self._typical_s()))
            family = self._family()
            self.told.under_way["start"] += 1
        if target in MARKS:
            target = "server"  # there is no such process now
        self.told.kills[target] += 1
        self._die(family if target != "server" else [])
        self._orphans += family if target == "server" else []
        self.start(anew=self._anew())
        self.settle()
        self.retry()

    def _meet(self, family: list[psutil.Process]) -> None:
        """Count what is under way: acts that were not acknowledged, jobs that are claimed, a trainer."""
        with self._lock:
            acts = {act["act"] for act in self._flying.values()}
        met = acts | {f"{kind} (job)" for kind in self._jobs()[0]}
        if any(MARKS["trainer"] in " ".join(_command(each)) for each in family):
            met.add("trainer")
        self.told.under_way.update(met or {"nothing"})

    def _jobs(self) -> tuple[set[str], Counter[str]]:
        """The kinds of jobs that are claimed now, and of all that are not over; the server has the file open too."""
        rows: list[tuple[str, str]] = []
        with suppress(sqlite3.Error), closing(sqlite3.connect(self.home / "triptych.db", timeout=5)) as connection:
            rows = connection.execute("SELECT kind, status FROM jobs WHERE status IN ('queued', 'running')").fetchall()
        return {kind for kind, status in rows if status == "running"}, Counter(kind for kind, _ in rows)

    def _anew(self) -> bool:
        return self.chance.random() < ANEW

    def _typical_s(self) -> float:
        return sorted(self.told.ready_s)[len(self.told.ready_s) // 2]

    def retry(self) -> None:
        """As a person would: have documents done whose job was given up."""
        with suppress(sqlite3.Error), closing(sqlite3.connect(self.home / "triptych.db", timeout=5)) as connection:
            rows = connection.execute("SELECT DISTINCT corpus_id FROM documents WHERE status = 'failed'").fetchall()
            for corpus in {row[0] for row in rows} & set(self.ledger.corpora):
                self.now("retry", corpus=corpus)

    def _family(self) -> list[psutil.Process]:
        assert self.process is not None
        with suppress(psutil.NoSuchProcess):
            return list(psutil.Process(self.process.pid).children(recursive=True))
        return []

    def _die(self, family: list[psutil.Process]) -> None:
        assert self.process is not None
        for each in (psutil.Process(self.process.pid), *family):
            _end(each)
        self.process.wait()
        time.sleep(0.05)  # what it had still said is heard
        with self._lock:
            self.told.in_doubt += len(self._flying)
            for act in self._flying.values():
                self.deeds.over(act)
            self._flying.clear()
            self._write({"killed": len(family)})

    def settle(self) -> None:
        """Compare the rows with what was acknowledged."""
        with Workspace.open(self.settings, owner=False) as ws, self._lock:
            self.ledger.settle(ws)
        self.told.wrong += self.ledger.lost
        self.ledger.lost.clear()

    def check_whole(self) -> None:
        """Let it finish, end it (in order, or not), and compare everything; then start it again."""
        self.retry()
        self._drained()
        assert self.process is not None
        if self.chance.random() < 0.5:
            self._die(self._family())
        else:
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.wait(PATIENCE_S)
        self._nobody_left()
        self.settle()
        with Workspace.open(self.settings, given={"embedder": self._embedder}) as ws:
            held = {word for words in self.ledger.documents.values() for word in words}
            self.told.wrong += wrongs(ws, self.ledger, sorted(self._ever - held), self.chance)
        self.told.whole += 1
        if not self.told.wrong:
            self.start()

    def _drained(self) -> None:
        until = time.monotonic() + DRAINED_S
        with Workspace.open(self.settings, owner=False) as ws:
            while self._flying or ws.jobs.waiting():
                if time.monotonic() > until:
                    open_jobs = [(job.id, job.kind, job.status, job.message) for job in ws.jobs.list(limit=20)]
                    self.told.wrong.append(f"it does not finish: {self._flying}, {open_jobs}")
                    return
                time.sleep(0.1)

    def _nobody_left(self) -> None:
        """What a killed server had started ends by itself."""
        _, alive = psutil.wait_procs(self._orphans, ORPHANS_S)
        self.told.wrong += [f"process {each.pid} outlived its server: {_command(each)}" for each in alive]
        self._orphans.clear()

    def finish(self) -> None:
        """End the server."""
        if self.process is not None and self.process.poll() is None:
            self._die(self._family())
        if self._forks is not None:
            self._forks.close()

    def said(self) -> str:
        """What the servers wrote to the terminal."""
        return (self.folder / "server.log").read_text("utf-8", "replace")

    def _write(self, line: dict[str, Any]) -> None:
        with (self.folder / "ledger.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def _end(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)


def _connection(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
