"""A worker of a training in a cluster: the trainer's own loop on its part of each batch, and the mailbox it tells.

It has a folder of its own as long as it works. The first worker tells, saves and writes for all: what it makes goes to
the mailbox of `spread`. Ray Train has set up torch's process group before.
"""

import socket
import tempfile
from pathlib import Path
from typing import Any

import platformdirs

from core.errors import BadInput, TriptychError
from core.finetuning import base as bases
from core.finetuning.child import Run, in_one_line, written
from core.finetuning.peers import Distributed, PeerLost
from core.folders import Files, read_files, write_files


class Mailbox:
    """An actor beside who started the training: what the first worker says and makes, until that is taken."""

    def __init__(self) -> None:
        self._lines: list[dict[str, Any]] = []
        self._made: list[tuple[str, Files]] = []
        self._leaving = False

    def tell(self, line: dict[str, Any]) -> None:
        """A line of progress."""
        self._lines.append(line)

    def keep(self, name: str, files: Files) -> None:
        """A checkpoint, or the adapter, by the name of its folder."""
        self._made.append((name, files))

    def take(self) -> tuple[list[dict[str, Any]], list[tuple[str, Files]]]:
        """All that came since the last time."""
        found = self._lines, self._made
        self._lines, self._made = [], []
        return found

    def leave(self) -> None:
        """Have the workers save and end."""
        self._leaving = True

    def leaving(self) -> bool:
        """Whether they are to."""
        return self._leaving


class WorkersRun(Run):
    """A run whose folder is a copy, and whose news go to the mailbox."""

    def __init__(self, folder: Path, mailbox: Any) -> None:
        super().__init__(folder)
        self.peers = Distributed(bases.device())
        self._mailbox = mailbox

    def tell(self, what: dict[str, Any]) -> None:
        """Pass a line on; the first worker alone."""
        if self.peers.rank == 0:
            self._mailbox.tell.remote(what)

    def keep(self, folder: Path) -> None:
        """Pass a checkpoint or the adapter on, and wait until it is there."""
        import ray

        ray.get(self._mailbox.keep.remote(folder.name, read_files(folder)))

    def leave(self) -> bool:
        """Whether all are to end: the first worker asks for them."""
        import ray

        return self.peers.rank == 0 and bool(ray.get(self._mailbox.leaving.remote()))

    def base(self) -> bases.Base:
        """The base model where this machine has it; the packaged one comes with the program.

        Raises:
            BadInput: it is not here.
        """
        from core.models import CHAT, packaged_gguf

        found = super().base()
        if found.folder.is_dir():
            return found
        if found.sha256 == CHAT.sha256:
            return bases.prepared(packaged_gguf(), platformdirs.user_cache_path("triptych") / "worker" / "models")
        raise BadInput(
            f"The base model {found.folder} is not on {socket.gethostname()}.",
            "Put it at the same path on every machine of the cluster.",
        )


def work(config: dict[str, Any]) -> None:
    """Train together with the other workers, to the end or until asked to leave.

    Args:
        config: "files" of the run and its "checkpoints" by name, and the "mailbox".
    """
    with tempfile.TemporaryDirectory(prefix="triptych-run-") as scratch:
        folder = Path(scratch)
        write_files(folder, config["files"])
        for name, files in config["checkpoints"].items():
            (folder / "checkpoints" / name).mkdir(parents=True)
            write_files(folder / "checkpoints" / name, files)
        run = WorkersRun(folder, config["mailbox"])
        try:
            trainer = run.trainer(peers=run.peers, kept=run.keep)
            trainer.leave = run.leave
            ended = trainer.run()
            if ended != "left" and run.peers.rank == 0:
                written(run, trainer, ended)
                run.keep(folder / "adapter")
        except PeerLost:
            raise  # not this worker's failure: all are started again
        except Exception as error:  # noqa: BLE001  Ray logs what a worker raises, and no example may stand there
            config["mailbox"].tell.remote({"failed": in_one_line(error)})  # whichever worker it is
            raise TriptychError(in_one_line(error)) from None
