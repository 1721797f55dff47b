"""Writes a backup: rows and files of one moment, while everything goes on.

For that moment nobody can write: the rows' state is fixed and every file that they name gets a second name (a hard
link) aside. Copying takes its time afterwards. The zip is written aside and renamed when its manifest is on the disk.
Also the job that does so for the Settings page, beside the workspace.
"""

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from core.errors import BadInput, Conflict, TriptychError
from core.generation.secrets import FILE as KEY
from core.keeping.archive import BLOCK, DERIVED, MANIFEST, ROWS, Manifest
from storage.errors import NotFound
from storage.rows import JobRow
from storage.snapshot import Held, adapter_folders, contents, snapshot

if TYPE_CHECKING:
    from core.jobs.lease import Lease
    from core.workspace import Workspace

Told = Callable[[int, int], None]
"""Hears of bytes done and in all; may raise to end the work."""
SPARE = 64 << 20
"""Bytes of disk that stay free."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What was written. `missing` and `damaged` are uploads (sha256) that the disk lacked or had other bytes of."""

    file: Path
    bytes: int
    members: int
    missing: tuple[str, ...]
    damaged: tuple[str, ...]


def write(ws: "Workspace", file: Path, *, with_key: bool = False, told: Told = lambda done, total: None) -> Backup:
    """Write a backup of a workspace that may be in use, by this process or another.

    Args:
        with_key: include the file that encrypts stored keys; left out, they have to be entered again after restoring.

    Raises:
        BadInput: the file would be inside the workspace.
        Conflict: there is such a file.
        TriptychError: the disk has no room, or failed; nothing is left.
    """
    file = file.expanduser().absolute()
    _fits(ws, file)
    partial = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with tempfile.TemporaryDirectory(prefix="backup-", dir=ws.scratch) as aside:
            done = _written(ws, Path(aside), partial, with_key, told)
        os.link(partial, file)  # unlike a rename, never over another one
    except FileExistsError as error:
        raise Conflict(f"{file} exists already.", "Choose another name.") from error
    except OSError as error:
        raise TriptychError(
            f"The backup could not be written: {error.strerror or error}.", "Free some disk."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
        ws.database.compact_log()  # what was deleted meanwhile could not leave the log while its state was held
    ws.audit.record("backup written", "workspace", with_key=with_key, files=done[0])
    return Backup(file, file.stat().st_size, *done)


def _fits(ws: "Workspace", file: Path) -> None:
    if file.exists():
        raise Conflict(f"{file} exists already.", "Choose another name.")
    if file.is_relative_to(ws.home):
        raise BadInput("A backup inside the workspace would be lost with it.", "Choose a place outside of it.")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{file.parent} cannot be used: {error.strerror}.", "Choose another place.") from error


def _written(
    ws: "Workspace", aside: Path, partial: Path, with_key: bool, told: Told
) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    members: dict[str, Path] = {}
    missing: list[str] = []

    def at_that_moment(state: Held) -> None:
        missing.extend(_uploads(ws, state, aside, members))
        for folder in adapter_folders(state):
            members.update(_adapter(ws.home / "adapters" / folder, f"adapters/{folder}", aside))

    with snapshot(ws.database, at_that_moment) as state:
        total = state.bytes + sum(path.stat().st_size for path in members.values())
        _room(partial.parent, total)
        _room(aside, state.bytes)
        revision = state.revision
        state.write(aside / ROWS, lambda done, _: told(done // 2, total))
    if with_key and (ws.home / KEY).is_file():
        members[KEY] = ws.home / KEY
    hashes = _packed(partial, {ROWS: aside / ROWS} | members, revision, missing, lambda done: told(done, total))
    damaged = tuple(name[-64:] for name, sha in hashes.items() if name.startswith("files/") and sha != name[-64:])
    return len(hashes), tuple(missing), damaged


def _uploads(ws: "Workspace", state: Held, aside: Path, members: dict[str, Path]) -> Iterator[str]:
    """Give every upload that rows need a second name; yields those that are not there."""
    for sha256 in contents(state):
        try:
            members[f"files/{sha256[:2]}/{sha256}"] = _linked(ws.files.path(sha256), aside / sha256)
        except NotFound:
            yield sha256


def _adapter(folder: Path, name: str, aside: Path) -> Iterator[tuple[str, Path]]:
    for number, path in enumerate(sorted(folder.rglob("*"))):
        inner = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inner.parts)
        if path.is_file() and not path.is_symlink() and not hidden and inner.parts[0] not in DERIVED:
            yield f"{name}/{inner.as_posix()}", _linked(path, aside / f"{folder.name}-{number}")


def _linked(path: Path, second: Path) -> Path:
    """Another name for a file, which keeps its bytes if the first is deleted; itself where the disks differ."""
    try:
        os.link(path, second)
    except OSError:
        return path
    return second


def _room(folder: Path, wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < wanted + SPARE:
        raise TriptychError(
            f"There is no room for the backup: {folder} has {free >> 20:,} MB free, {wanted >> 20:,} MB may be needed.",
            "Free some disk, or choose another place.",
        )


def _packed(
    partial: Path, members: dict[str, Path], revision: str, missing: list[str], told: Callable[[int], None]
) -> dict[str, str]:
    """Write the zip and have it on the disk; returns the sha256 of each member."""
    found: dict[str, dict[str, object]] = {}
    done = 0
    with os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as opened:
        with zipfile.ZipFile(opened, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
            for name, path in members.items():
                with path.open("rb") as source, packed.open(name, "w", force_zip64=True) as target:
                    digest = hashlib.sha256()
                    size = 0
                    for block in _blocks(source):
                        target.write(block)
                        digest.update(block)
                        size += len(block)
                        told(done + size)
                done += size
                found[name] = {"sha256": digest.hexdigest(), "bytes": size}
            made = datetime.now(UTC).isoformat(timespec="seconds")
            manifest = Manifest(made, version("triptych"), revision, found, list(missing))
            packed.writestr(MANIFEST, manifest.json())
        opened.flush()
        os.fsync(opened.fileno())
    return {name: str(member["sha256"]) for name, member in found.items()}


def _blocks(source: BinaryIO) -> Iterator[bytes]:
    while block := source.read(BLOCK):
        yield block


def folder(ws: "Workspace") -> Path:
    """Where the Settings page's backups go: beside the workspace, so that they are not lost with it."""
    return ws.home.with_name(f"{ws.home.name}-backups")


def start(ws: "Workspace") -> JobRow:
    """Queue a backup beside the workspace."""
    name = f"triptych-{datetime.now(UTC):%Y%m%d-%H%M%S}.zip"
    job = ws.jobs.enqueue("backup", None, {"name": name})
    ws.wake()
    return job


def run(ws: "Workspace", lease: "Lease") -> None:
    """Write the backup that a claimed job asks for; one that was whole before a kill is kept."""
    job, file = lease.job, folder(ws) / Path(str(lease.job.payload["name"])).name
    for left in file.parent.glob(f".{file.name}.*.part"):
        left.unlink(missing_ok=True)
    shown = -1

    def told(done: int, total: int) -> None:
        nonlocal shown
        if (percent := 100 * done // max(total, 1)) != shown:
            shown = percent
            lease.check()
            ws.jobs.progress(job, min(percent, 99), 100, file.name)

    if not file.exists():
        made = write(ws, file, told=told)
        lacking = len(made.missing) + len(made.damaged)
        said = f"{file.name}; {lacking} uploads were missing or damaged, see triptych doctor" if lacking else file.name
        ws.jobs.progress(job, 100, 100, said)


def give_up(ws: "Workspace", job: JobRow, reason: str) -> None:
    """Nothing is left half written: a backup has its name only when it is whole."""


def present(ws: "Workspace") -> list[Path]:
    """The backups beside the workspace, the newest first."""
    return sorted(folder(ws).glob("triptych-*.zip"), reverse=True)
