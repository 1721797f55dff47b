"""Makes a workspace from a backup: everything is checked aside, and named by one rename at the end.

In the larger form the rows go to the database server, in one transaction around that rename, and uploads to where they
are shared; so a backup is also how a workspace moves from one form to the other.

A backup may come from anywhere: names, sizes and hashes are held against the manifest, nothing is written outside of
the folder aside, and no more than the manifest declares and the disk has room for.
"""

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core import stores, zips
from core.errors import BadInput, Conflict, TriptychError
from core.generation.secrets import FILE as KEY
from core.keeping.archive import BLOCK, LONGEST, ROWS, Manifest, manifest_of
from core.settings import Settings
from storage.audit import Audit
from storage.database import Database, known_revisions
from storage.errors import Exists, Locked
from storage.moving import pouring
from storage.schema import leading_out, strange
from storage.seal import FILE as SEAL
from storage.shared_files import files
from storage.snapshot import integrity

SPARE = 64 << 20


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of a backup: its manifest, and whether stored keys can be read."""

    home: Path
    manifest: Manifest
    with_key: bool


def restore(file: Path, settings: Settings) -> Restored:
    """Make a workspace from a backup where the settings say; look-ups are made anew when it is first opened.

    Raises:
        BadInput: the file is no whole backup, is damaged, or was made by a newer Triptych.
        Conflict: the folder is there and not empty, or the database server holds a workspace.
        StoreDown: the database server or the shared files cannot be reached.
        TriptychError: there is no room, or the disk failed. In every case folder and database are as they were.
    """
    home = settings.home.expanduser().absolute()
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise Conflict(f"{home} is not empty.", "Choose a new folder; nothing is restored over a workspace.")
    try:
        packed = zips.opened(file, LONGEST)
    except zipfile.BadZipFile as error:
        raise BadInput(f"{file} cannot be read as a backup.", "Choose another one.") from error
    with packed:
        manifest = manifest_of(packed)
        if manifest.schema not in known_revisions():
            raise BadInput(
                f"This backup was made by a newer Triptych ({manifest.triptych}).", "Install that one first."
            )
        try:
            return _restored(packed, manifest, home, settings)
        except OSError as error:
            raise TriptychError(
                f"The backup could not be restored: {error.strerror or error}.",
                "Free some disk, or choose another place.",
            ) from error


def _restored(packed: zipfile.ZipFile, manifest: Manifest, home: Path, settings: Settings) -> Restored:
    home.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(home.parent).free
    if free < manifest.size + SPARE:
        raise TriptychError(
            f"There is no room: {manifest.size >> 20:,} MB are needed, {free >> 20:,} MB are free.", "Free some disk."
        )
    aside = Path(tempfile.mkdtemp(prefix=f".{home.name}.restoring-", dir=home.parent))
    try:
        for name, member in manifest.members.items():
            _unpack(packed, name, aside / name, str(member["sha256"]), int(member["bytes"]))
        if wrong := integrity(aside / ROWS):
            raise BadInput(f"The rows of this backup are damaged: {wrong[0]}.", "Choose another backup.")
        if wrong := strange(aside / ROWS, manifest.schema):
            raise BadInput(f"The rows of this backup are not laid out as ours are: {wrong[0]}.", "Do not trust it.")
        _opened(aside)
        if wrong := leading_out(aside / ROWS):
            raise BadInput(f"The rows of this backup are not as ours are: {wrong[0]}.", "Do not trust it.")
        _share(aside / "files", settings.files_url)
        with _rows_there(aside / ROWS, settings.database_url, home):
            _named(aside, home)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Restored(home, manifest, KEY in manifest.members)


def _named(aside: Path, home: Path) -> None:
    _flush(aside)
    try:
        os.rename(aside, home)  # takes an empty folder's place, and no other
    except OSError as error:
        raise Conflict(f"{home} is not empty any more.", "Choose a new folder.") from error
    _flush(home.parent)


def _opened(aside: Path) -> None:
    """Bring the rows up to date, and have the restored log say that it was restored, and be sealed."""
    database = Database.open(f"sqlite:///{aside / ROWS}")
    database.seal = aside / SEAL
    try:
        Audit(database).record("restored", "workspace")
    finally:
        database.close()


def _share(unpacked: Path, url: str) -> None:
    """Put the uploads where other machines find them, if the settings name such a place."""
    if not url:
        return
    with stores.reached(stores.FILES):
        files(unpacked, url).put_all(path for path in sorted(unpacked.rglob("*")) if path.is_file())


@contextmanager
def _rows_there(file: Path, url: str, home: Path) -> Iterator[None]:
    """Have the rows of an SQLite file on a database server when the block, which names `home`, ends well.

    Nothing to do for an SQLite URL: there the file itself is what is named.
    """
    if url.startswith("sqlite"):
        yield
        return
    with stores.reached(stores.DATABASE):
        server, rows = Database.open(url), Database(f"sqlite:///{file}")
    named = False
    try:
        server.own()
        with rows.read() as session, pouring(session.connection(), server):
            for each in file.parent.glob(f"{file.name}*"):
                each.unlink()  # it would be taken for the rows by whoever forgets the server
            yield
            named = True
    except (Exists, Locked) as error:
        message = f"The rows cannot be restored there: {error}."
        raise Conflict(message, "Name an empty database in TRIPTYCH_DATABASE_URL, or unset it.") from error
    except BaseException:
        if named:  # the server did not take them
            shutil.rmtree(home, ignore_errors=True)
        raise
    finally:
        rows.close()
        server.close()


def _unpack(packed: zipfile.ZipFile, name: str, target: Path, sha256: str, size: int) -> None:
    """Write one member, no more than its declared size, and hold it against its hash."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, left = hashlib.sha256(), size
    try:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            for block in zips.blocks(packed, name, BLOCK):
                left -= len(block)
                if left < 0:
                    raise BadInput(f"{name} is larger than the backup says.", "Do not trust it.")
                digest.update(block)
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
    except zipfile.BadZipFile as error:
        raise BadInput(f"The backup is damaged at {name}.", "Choose another backup.") from error
    if left or digest.hexdigest() != sha256:
        raise BadInput(f"The backup is damaged at {name}: its sha256 is another one.", "Choose another backup.")


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
