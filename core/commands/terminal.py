"""Writes to a terminal what others wrote: documents, file names, answers, an endpoint's errors.

A terminal obeys what it is shown: an escape sequence in an answer could move the cursor, rename the window or fill
the clipboard, and marks of direction show other words than there are. Such characters are written as JSON would
escape them, which people can see and JSON reads back as they were.
"""

import re
import sys
from typing import Any

_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")


def say(*parts: object, end: str = "\n", file: Any = None, flush: bool = False) -> None:
    """As `print`, with nothing in the parts that a terminal obeys; `file` is stdout when None."""
    print(*(plain(str(part)) for part in parts), end=end, file=file or sys.stdout, flush=flush)


def plain(text: str) -> str:
    """The text with control, direction and tag characters as JSON escapes; line ends and tabs stay."""
    return text if text.isprintable() else _OBEYED.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
