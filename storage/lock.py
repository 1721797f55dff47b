"""One process owns a workspace: a lock file that says who.

The operating system drops the lock when the process ends, however it ends; what the file says then
tells the next owner whether the last one closed in order.
"""

import fcntl
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from storage.errors import Locked


@dataclass(frozen=True, slots=True)
class Owner:
    """Who has a workspace open. `host` and `port` are set when it serves HTTP, else "" and 0."""

    pid: int
    command: str
    host: str = ""
    port: int = 0


class WorkspaceLock:
    """The exclusive lock on a workspace folder.

    Attributes:
        unclean: whether the owner before this one went away without releasing it.
    """

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._path = home / "owner.lock"
        self._file: int | None = None
        self.unclean = False

    def acquire(self, host: str = "", port: int = 0) -> None:
        """Become the owner, at once or not at all.

        Raises:
            Locked: another process is; `owner` says which.
        """
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(file)
            owner = self.owner()
            raise Locked(_who(owner), owner) from error
        self.unclean = self.owner() is not None
        self._file = file
        try:
            self._write(Owner(os.getpid(), " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]), host, port))
        except BaseException:  # the disk failed: whoever tries again must not find this process in the way
            self._file = None
            os.close(file)
            raise

    def announce(self, host: str, port: int) -> None:
        """Say where this owner listens, once it does."""
        owner = self.owner()
        if self._file is not None and owner is not None:
            self._write(Owner(owner.pid, owner.command, host, port))

    def owner(self) -> Owner | None:
        """Who the file says owns the workspace (or did, until it was killed)."""
        try:
            return Owner(**json.loads(self._path.read_text("utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def release(self) -> None:
        """Stop being the owner, in order."""
        if self._file is not None:
            file, self._file = self._file, None
            try:
                os.ftruncate(file, 0)
            finally:
                os.close(file)

    def _write(self, owner: Owner) -> None:
        assert self._file is not None
        content = json.dumps(asdict(owner)).encode()
        # Longer first, shorter after: a reader in between sees no valid JSON and asks nobody.
        os.pwrite(self._file, content, 0)
        os.ftruncate(self._file, len(content))
        os.fsync(self._file)


def _who(owner: Owner | None) -> str:
    if owner is None:
        return "another process has it open"
    where = f", listening on http://{owner.host}:{owner.port}" if owner.port else ""
    return f"process {owner.pid} ({owner.command}) has it open{where}"
