"""The seal of the audit log: its newest entry's number and hash in a small file beside the rows.

Written when a transaction that added an entry is over, whole or not at all. It may lag behind the rows (a kill, another
process that was quicker) and never runs ahead of them: what it names must be there.
"""

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = "audit.seal"
NEWEST = "audit"
"""Where a session keeps the newest entry that it added: (number, sha256)."""
log = logging.getLogger(__name__)


def write_seal(seal: Path, number: int, sha256: str) -> None:
    """Put an entry's number and hash into the seal; a disk that fails costs the seal's being up to date, no more."""
    part = seal.with_name(f".{seal.name}.{os.getpid()}")
    try:
        with part.open("w", encoding="utf-8") as file:
            json.dump({"number": number, "sha256": sha256}, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(seal)
    except OSError as error:
        log.warning("the audit log could not be sealed at entry %d: %s", number, error.strerror)


def read_seal(seal: Path) -> tuple[int, str] | None:
    """The number and hash that were sealed; None when there is no seal, as in a workspace that was just restored."""
    try:
        value: Mapping[str, Any] = json.loads(seal.read_text("utf-8"))
        return int(value["number"]), str(value["sha256"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return 1, "not readable"
