"""Unpacks an uploaded ZIP, entry by entry, each with a verdict. Runs in the sandbox's child.

Nothing in an archive is believed: files are written under numbers of ours, names are only shown, sizes are counted
while inflating. Archives inside the archive are unpacked once, not deeper.
"""

import re
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path

from core import zips
from core.errors import UnreadableFile
from core.ingestion.limits import Limits
from core.ingestion.parsing.cleaning import one_line
from core.ingestion.parsing.kinds import kind_of

_CHUNK = 1 << 18
_DEVICE = re.compile(r"^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)
_MAC = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an archive.

    Attributes:
        name: its path inside the archive, made safe to show; never a path of ours.
        path: where its bytes were written; None when it was left out.
        reason: why it was left out; "" when it was not.
    """

    name: str
    path: Path | None
    reason: str


class _Over(Exception):
    """A limit was passed while inflating."""


class Unpacking:
    """Unpacks one upload. `run()` once."""

    def __init__(self, into: Path, limits: Limits) -> None:
        self._into, self._limits = into, limits
        self._entries: list[Entry] = []
        self._names: set[str] = set()
        self._count = self._written = 0

    def run(self, archive: Path, name: str) -> list[Entry]:
        """Every entry with its verdict. Raises `UnreadableFile` when the archive itself cannot be read."""
        try:
            self._archive(archive, "", 0)
        except zips.LongList as error:
            raise UnreadableFile(f"{name} holds too many files: {error}.", "Pack them into several ZIPs.") from error
        except zipfile.BadZipFile as error:
            raise UnreadableFile(f"{name} is not a ZIP that can be read: it is damaged.", "Pack it again.") from error
        return self._entries

    def _archive(self, path: Path, prefix: str, depth: int) -> None:
        with zips.opened(path) as archive:
            for info in archive.infolist():
                shown = prefix + safe_name(_decoded(info))
                if info.is_dir():
                    continue
                self._count += 1
                if self._count > self._limits.entries:
                    self._entries.append(
                        Entry(shown, None, f"the archive has more than {self._limits.entries:,} files")
                    )
                    return
                reason = refusal(info) or ("there are two entries of this name" if shown in self._names else "")
                self._names.add(shown)
                if reason:
                    self._entries.append(Entry(shown, None, reason))
                else:
                    self._entry(archive, info, shown, depth)

    def _entry(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, shown: str, depth: int) -> None:
        target = self._into / f"{len(self._entries):05d}"
        try:
            self._inflate(archive, info, target)
        except _Over as over:
            reason = str(over)
        except zipfile.BadZipFile as error:
            unknown = isinstance(error.__cause__, NotImplementedError)
            reason = "its compression is not supported" if unknown else "it is damaged"
        else:
            reason = ""
        if reason:
            target.unlink(missing_ok=True)
            self._entries.append(Entry(shown, None, reason))
        elif kind_of(target, shown) == "zip":
            self._nested(target, shown, depth)
        else:
            self._entries.append(Entry(shown, target, ""))

    def _nested(self, target: Path, shown: str, depth: int) -> None:
        """An archive in the archive: unpacked at the first level, refused below."""
        if depth >= 1:
            target.unlink()
            self._entries.append(Entry(shown, None, "archives are unpacked one level deep, not further"))
            return
        inner = target.rename(target.with_suffix(".zip"))
        try:
            self._archive(inner, shown + "/", depth + 1)
        except zips.LongList:
            self._entries.append(Entry(shown, None, "it is an archive of too many files"))
        except zipfile.BadZipFile:
            self._entries.append(Entry(shown, None, "it is an archive that is damaged"))
        inner.unlink()

    def _inflate(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
        size = 0
        with target.open("xb") as file:
            for chunk in zips.blocks(archive, info, _CHUNK):
                size += len(chunk)
                self._written += len(chunk)
                if size > self._limits.entry:
                    raise _Over(f"it is larger than {self._limits.entry >> 20} MB")
                if size > self._limits.ratio_from and size > self._limits.ratio * max(1, info.compress_size):
                    raise _Over("it inflates suspiciously: it may be a bomb")
                if self._written > self._limits.unpacked:
                    raise _Over(f"the archive inflates to more than {self._limits.unpacked >> 20} MB")
                file.write(chunk)


def safe_name(name: str) -> str:
    """A name fit to be shown: no control characters, no drive, no leading slash, no `..`, no device names."""
    parts = [one_line(part) for part in name.replace("\\", "/").split("/")]
    kept = [f"_{part}" if _DEVICE.match(part) else part for part in parts if part not in ("", ".", "..")]
    if kept and re.match(r"^[A-Za-z]:", kept[0]):
        kept[0] = kept[0][2:]
    return "/".join(part for part in kept if part)[-300:] or "unnamed"


def refusal(info: zipfile.ZipInfo) -> str:
    """Why an entry is left out before it is opened; "" when it is not."""
    name, mode = info.filename.replace("\\", "/"), info.external_attr >> 16
    if _MAC.search(name):
        return "it belongs to the Mac's Finder, not to the documents"
    if name.startswith("/") or re.match(r"^[A-Za-z]:", name) or ".." in name.split("/"):
        return "its name points outside the archive"
    if stat.S_IFMT(mode) in (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK):
        return "it is a link or a device, not a file"
    return "it is password-protected" if info.flag_bits & 0x1 else ""


def _decoded(info: zipfile.ZipInfo) -> str:
    """The name; archives that hold UTF-8 names without saying so are common on Macs."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename
