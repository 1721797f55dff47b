"""The files of an adapter from elsewhere: taken out of a zip or a folder, a few known names only, nothing trusted.

A zip's names and sizes are claims: a name that leads out of the folder, a link, a pickle or a bomb refuses the whole of
it, with the reason; what is read is counted as it is read. Knows nothing of what the files mean.
"""

import json
import stat
import zipfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path, PurePosixPath

from core import zips
from core.assistants.extracting import Extractor
from core.errors import BadInput
from core.generation.checking import PICKLES

CONFIG, WEIGHTS, CARD = "adapter_config.json", "adapter_model.safetensors", "README.md"
OURS = "triptych.json"
"""What peft has no place for: the extractor of an adapter that another workspace exported."""
AT_MOST = {CONFIG: 1 << 20, WEIGHTS: 4 << 30, CARD: 1 << 20, OURS: 1 << 20}
"""Bytes of each file that is taken; all others are left where they are."""
MEMBERS_AT_MOST = 200
TIMES_SMALLER = 200
"""Weights hardly get smaller in a zip: what claims to be so much smaller is a bomb."""
ELSEWHERE = "Pack the adapter's own folder: adapter_config.json and adapter_model.safetensors."
_AT_ONCE = 1 << 20


def take(source: Path, target: Path) -> None:
    """Copy the known files of a peft folder, or of a zip of one, into an empty folder.

    Raises:
        BadInput: it is neither, it lacks a file, or something in it is not to be trusted; the message says what.
    """
    if source.is_dir():
        _of_folder(source, target)
    elif source.is_file():
        _of_zip(source, target)
    else:
        raise BadInput(
            f"There is no folder or zip {source.name}.", "Give the path of a PEFT folder, or of a zip of it."
        )
    for name in (CONFIG, WEIGHTS):
        if not (target / name).is_file():
            raise BadInput(f"The adapter has no {name}.", ELSEWHERE)


def extractor_in(folder: Path) -> Extractor | None:
    """The extractor that came along; None when there is none.

    Raises:
        BadInput: the file is not one of ours.
    """
    file = folder / OURS
    if not file.is_file():
        return None
    try:
        return Extractor.of(json.loads(file.read_text("utf-8"))["extractor"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(f"{OURS} holds no extractor of this version.", f"Leave {OURS} out of the folder.") from error


def _of_folder(source: Path, target: Path) -> None:
    for each in sorted(source.iterdir()):
        _no_pickle(each.name)
        if each.name not in AT_MOST:
            continue
        if each.is_symlink() or not each.is_file():
            raise BadInput(f"{each.name} is a link or no file.", ELSEWHERE)
        with each.open("rb") as stream:
            _copied(iter(partial(stream.read, _AT_ONCE), b""), target / each.name)


def _of_zip(source: Path, target: Path) -> None:
    try:
        with zips.opened(source) as archive:
            members = _checked(archive, source.stat().st_size)
            for name, member in members.items():
                _copied(zips.blocks(archive, member, _AT_ONCE), target / name)
    except zips.LongList as error:
        raise BadInput(f"{source.name} holds too many files: {error}.", ELSEWHERE) from error
    except zipfile.BadZipFile as error:
        raise BadInput(f"{source.name} is no zip that can be read.", ELSEWHERE) from error


def _checked(archive: zipfile.ZipFile, packed: int) -> dict[str, zipfile.ZipInfo]:
    """The members that are taken, by name: those of one folder, the zip's own or the only one in it."""
    members = archive.infolist()
    if len(members) > MEMBERS_AT_MOST:
        raise BadInput(f"The zip holds {len(members)} files.", ELSEWHERE)
    if sum(member.file_size for member in members) > TIMES_SMALLER * packed + _AT_ONCE:
        raise BadInput("The zip claims to hold far more than fits into it.", "It was made to do harm; do not use it.")
    found: dict[str, zipfile.ZipInfo] = {}
    folders = set()
    for member in members:
        path = _inside(member)
        if member.is_dir():
            continue
        _no_pickle(path.name)
        if path.name in AT_MOST:
            if path.name in found:
                raise BadInput(f"The zip holds {path.name} twice.", ELSEWHERE)
            found[path.name] = member
            folders.add(path.parent)
    if len(folders) > 1:
        raise BadInput("The adapter's files lie in several folders of the zip.", ELSEWHERE)
    return found


def _inside(member: zipfile.ZipInfo) -> PurePosixPath:
    """A member's path; raises BadInput when it leads out of the folder, or is a link or encrypted."""
    name = member.orig_filename
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or any(mark in name for mark in "\\\0:"):
        raise BadInput("The zip holds a name that leads out of its folder.", "It was made to do harm; do not use it.")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise BadInput("The zip holds a link.", ELSEWHERE)
    if member.flag_bits & 1:
        raise BadInput("The zip is encrypted.", ELSEWHERE)
    return path


def _no_pickle(name: str) -> None:
    if name.lower().endswith(PICKLES):
        reason = f"{name[:80]} is a pickle: whoever opens it runs what it says."
        raise BadInput(reason, "Save the adapter as safetensors, and leave such files out.")


def _copied(pieces: Iterable[bytes], target: Path) -> None:
    """Copy what there is, however long it was said to be, up to what such a file may have."""
    left = AT_MOST[target.name]
    with target.open("xb") as out:
        for piece in pieces:
            left -= len(piece)
            if left < 0:
                raise BadInput(f"{target.name} is larger than any such file should be.", ELSEWHERE)
            out.write(piece)
