"""Room on the disk: said before work begins, and told in one line when it ran out, or the disk failed, all the same.

Estimates are simple and on the safe side. Work that was begun is never lost to a full disk: a job waits until there
is room again (`core.jobs`), and everything else was whole or was not done.
"""

import errno
import re
import shutil
from pathlib import Path

from core.errors import NoRoom

LEAST = 64 << 20
"""Bytes that stay free: with fewer no job is begun, so that what people write still finds room."""
NEARLY = 1 << 30
"""Bytes below which the pages and the doctor say so."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FAILED = {errno.EIO, errno.EROFS}
DISK = (FULL | FAILED) - {errno.EFBIG}
"""What only a disk says: EFBIG is also a limit that a process has set itself."""
SAID_FULL = re.compile(
    r"no space left on device|database or disk is full|quota exceeded|os error (28|122)\b|file too large", re.I
)
SAID_FAILED = re.compile(r"disk I/O error|input/output error|os error 5\b|read-only file system", re.I)


def free(folder: Path) -> int:
    """Bytes that are free where a folder is, or will be."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).free


def need(folder: Path, wanted: int, what: str) -> None:
    """Raises NoRoom, before anything was done, when `what` may need more bytes than are free."""
    left = free(folder)
    if left < wanted + LEAST:
        message = f"There is no room for {what}: it may need {_mb(wanted + LEAST)}, and {_mb(left)} are free."
        raise NoRoom(message, "Nothing was changed. Free some disk, and try again.")


def short(folder: Path) -> bool:
    """Whether so little is free that no job should be begun."""
    return free(folder) < LEAST


def warning(folder: Path) -> str:
    """What people should know of the disk while there is time; "" when there is room."""
    left = free(folder)
    if left < LEAST:
        return f"The disk is full ({_mb(left)} free): jobs wait until there is room. Free some disk; they go on then."
    return f"The disk is nearly full: {_mb(left)} are free. Free some soon." if left < NEARLY else ""


def told(error: BaseException) -> NoRoom | None:
    """What a full or failing disk did, for people; None when the error is another one.

    Libraries (SQLite, Chroma, safetensors) have errors of their own for it, so what they say counts as well.
    """
    seen: BaseException | None = error
    for _ in range(20):
        if seen is None:
            return None
        code = seen.errno if isinstance(seen, OSError) else None
        if code in FULL or SAID_FULL.search(str(seen)):
            return NoRoom("The disk is full; nothing that was there is lost.", "Free some disk, and do it again.")
        if code in FAILED or SAID_FAILED.search(str(seen)):
            return NoRoom("The disk failed to read or write.", "Look after the disk, then run triptych doctor.")
        seen = seen.__cause__ or seen.__context__
    return None


def _mb(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
