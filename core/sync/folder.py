"""Looks at a watched folder: which files are there, which may have changed, which are still being written.

An unchanged file costs one `stat`; only new and touched ones are read. Symbolic links are never followed,
neither while looking nor (the file may have been swapped since) while reading.
"""

import hashlib
import os
import stat
import sys
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import TriptychError
from core.ingestion.arriving import why_not_taken
from core.ingestion.parsing.jsonl import is_corpus
from core.ingestion.parsing.kinds import kind_of
from core.sync.naming import is_hidden
from core.sync.plan import Look, Seen
from storage.rows import SourceItemRow

SETTLE_S = 2.0
"""A file that was written less than this ago may still be being written."""
MOST_FILES = 100_000
BLOCK = 1 << 20


class Unreachable(TriptychError):
    """A source cannot be looked at now; what was taken from it stays."""


class Unsettled(Exception):
    """The file changed while it was read."""


@dataclass(slots=True)
class Found:
    """What a walk comes across: files by path with their `stat`, folders it could not enter, links."""

    files: dict[str, os.stat_result] = field(default_factory=dict)
    unreached: dict[str, str] = field(default_factory=dict)
    unnamed: list[str] = field(default_factory=list)
    links: int = 0


def look_at_folder(
    root: Path,
    items: Mapping[str, SourceItemRow],
    own: Path,
    now: float,
    again: bool = False,
    due: Container[str] = (),
) -> Look:
    """Look at every file below `root`.

    Args:
        items: what was taken, by path.
        own: a folder that is not looked into: ours.
        now: seconds since the epoch.
        again: look again at files that could not be taken.
        due: paths that are read even if their dates are as they were.

    Raises:
        Unreachable: the folder itself cannot be listed.
    """
    found = walk(root, own)
    seen = [Seen(name, 0, problem="Its name is not valid text. Rename it.") for name in found.unnamed]
    waiting = []
    for path, status in found.files.items():
        item = items.get(path)
        if item is not None and _as_it_was(item, status) and not (again and item.problem) and path not in due:
            seen.append(_seen(path, status, item.content_sha256, item.problem))
        elif 0 <= now - status.st_mtime < SETTLE_S:
            waiting.append(path)
        else:
            try:
                seen.append(_read(root, path, status))
            except Unsettled:
                waiting.append(path)
    return Look(tuple(seen), found.unreached, tuple(waiting), found.links)


def walk(root: Path, own: Path) -> Found:
    """Every plain file below `root`, hidden and temporary ones apart. Raises Unreachable."""
    found = Found()
    folders = [""]
    while folders:
        below = folders.pop()
        try:
            with os.scandir(root / below) as entries:
                for entry in entries:
                    _enter(entry, below, own, found, folders)
        except OSError as error:
            why = error.strerror or str(error)
            if not below:
                message, remedy = (
                    f"The folder {root} cannot be read: {why}.",
                    "Mount or restore it; nothing was removed.",
                )
                raise Unreachable(message, remedy) from error
            found.unreached[below] = f"It cannot be read: {why}."
        if len(found.files) > MOST_FILES:
            message = f"The folder {root} holds more than {MOST_FILES:,} files."
            raise Unreachable(message, "Watch its subfolders one by one.")
    return found


def _enter(entry: "os.DirEntry[str]", below: str, own: Path, found: Found, folders: list[str]) -> None:
    if is_hidden(entry.name):
        return
    path = below + entry.name
    if entry.is_symlink():
        found.links += 1
    elif not _is_text(entry.name):
        found.unnamed.append(below + os.fsencode(entry.name).decode("utf-8", "backslashreplace"))
    elif entry.is_dir(follow_symlinks=False):
        if Path(entry.path) != own:
            folders.append(f"{path}/")
    elif entry.is_file(follow_symlinks=False):
        with suppress(FileNotFoundError):  # gone since it was listed
            found.files[path] = entry.stat(follow_symlinks=False)


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _as_it_was(item: SourceItemRow, status: os.stat_result) -> bool:
    return (item.size, item.mtime_ns) == (status.st_size, status.st_mtime_ns)


def _seen(path: str, status: os.stat_result, sha256: str = "", problem: str = "") -> Seen:
    return Seen(path, status.st_size, status.st_mtime_ns, sha256=sha256, problem=problem)


def _read(root: Path, path: str, status: os.stat_result) -> Seen:
    """A new or touched file: can it be taken, and what is its content."""
    try:
        with opened(root, path, status) as file:
            kind = kind_of(file, path)
            problem = why_not_taken(kind, status.st_size)
            if not problem and (kind == "zip" or (kind == "jsonl" and is_corpus(file))):
                problem = "It holds many documents. Add it by dropping it on the Corpus page, or unpack it here."
            return _seen(path, status, "" if problem else digest(file), problem)
    except FileNotFoundError as error:
        raise Unsettled from error
    except OSError as error:
        return _seen(path, status, problem=f"It could not be read: {error.strerror or error}.")


@contextmanager
def opened(root: Path, path: str, status: os.stat_result | None = None) -> Iterator[Path]:
    """A file below `root` as a path that goes on naming it, whatever is put in its place meanwhile.

    Raises:
        Unsettled: it is not (or no more, at the end) the file that `status` describes.
        OSError: it cannot be opened, or is no plain file inside the folder.
    """
    descriptor = os.open(root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        before = os.fstat(descriptor)
        inside = (root / path).parent.resolve().is_relative_to(root.resolve())
        if not stat.S_ISREG(before.st_mode) or not inside:
            raise PermissionError(1, "it is no plain file of this folder")
        if status is not None and _stamp(before) != _stamp(status):
            raise Unsettled
        # Elsewhere such a name shares its position with the descriptor; there the dates before and after have to do.
        yield Path(f"/proc/self/fd/{descriptor}") if sys.platform == "linux" else root / path
        if _stamp(os.fstat(descriptor)) != _stamp(before):
            raise Unsettled
    finally:
        os.close(descriptor)


def _stamp(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def digest(path: Path) -> str:
    """The sha256 of a file (hex)."""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            sha256.update(block)
    return sha256.hexdigest()
