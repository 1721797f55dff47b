"""Starts of the server that cost little: forked from a process that has imported what it imports, and done no more.

    python -m tests.torture.forking SOCKET     (by its file number; started by `Forks`)

Most of what a start costs is importing, which touches no workspace: a harness that is to kill a thousand times forks
most of its servers here, and they the child that looks at the vectors after a kill. Everything from the opening of the
workspace on is the same; times are taken of starts from nothing alone.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TextIO

import psutil

PROBE = "storage.probe"
IMPORTED = ("uvicorn", "chromadb", "alembic.command", "torch", "core.generation.scripted", "dashboard.server",
            "core.repair", "core.ingestion.embedding", "core.jobs.dispatcher", "core.finetuning.tuning",
            "core.evaluation.running", "tests.torture.acts", "tests.torture.server", PROBE)  # fmt: skip


class Forked:
    """A forked server, as a `Popen` would be: its number, its ends, whether and until when it lives."""

    def __init__(self, pid: int, stdin: TextIO, stdout: TextIO) -> None:
        self.pid, self.stdin, self.stdout = pid, stdin, stdout
        self._process: psutil.Process | None = None
        with suppress(psutil.NoSuchProcess):
            self._process = psutil.Process(pid)

    def poll(self) -> int | None:
        """None while it lives."""
        return None if self._process is not None and self._process.is_running() else 0

    def wait(self, timeout: float | None = None) -> int:
        """Return when it is gone; raises psutil.TimeoutExpired."""
        if self._process is not None:
            self._process.wait(timeout)
        return 0


class Forks:
    """The process that forks; `close` ends it, and none of what it forked."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self._ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "tests.torture.forking", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, cwd=root, env=environment, pass_fds=[theirs.fileno()]
            )

    def start(self, home: Path, port: int, log: Path) -> Forked:
        """Fork a server."""
        (hears, tells), (said, says) = os.pipe(), os.pipe()
        with log.open("a") as errors:
            socket.send_fds(self._ours, [f"{port} {home}".encode()], [hears, says, errors.fileno()])
        os.close(hears)
        os.close(says)
        return Forked(int(self._ours.recv(32)), os.fdopen(tells, "w"), os.fdopen(said))

    def close(self) -> None:
        """End it."""
        self._ours.close()
        self._process.wait()


def main(channel: socket.socket) -> None:
    """Import, then fork for each message until nobody sends any."""
    for name in IMPORTED:
        import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever was forked is not waited for
    while True:
        message, files, _, _ = socket.recv_fds(channel, 4096, 3)
        if not message:
            return
        pid = os.fork()
        if not pid:
            channel.close()
            serve(message.decode(), files)
        for file in files:
            os.close(file)
        channel.send(str(pid).encode())


def serve(message: str, files: list[int]) -> None:
    """Be the server, in a session of its own; does not return."""
    from core import repair
    from tests.torture import server

    repair.subprocess = SimpleNamespace(run=probed, TimeoutExpired=subprocess.TimeoutExpired)  # type: ignore[assignment]
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for at, file in enumerate(files):
        os.dup2(file, at)
        os.close(file)
    port, _, home = message.partition(" ")
    try:
        server.main(Path(home), int(port))
    finally:
        os._exit(0)


def probed(command: list[str], *, env: Mapping[str, str], **_: object) -> "subprocess.CompletedProcess[str]":
    """What `core.repair.probed` starts as a process, forked: this one has no threads of its own yet."""
    assert command[1:3] == ["-m", PROBE]
    said, says = os.pipe()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            os.dup2(says, sys.stdout.fileno())
            import_module(PROBE).main(Path(command[3]), env["TRIPTYCH_DATABASE_URL"])
            sys.stdout.flush()
            code = 0
        finally:
            os._exit(code)
    os.close(says)
    with os.fdopen(said) as heard:
        words = heard.read()
    return subprocess.CompletedProcess(command, os.waitpid(pid, 0)[1], words)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
