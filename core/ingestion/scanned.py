"""Documents with scanned pages: a first reading finds them, OCR reads them a few at a time, a second puts all together.

Each few pages are a child of the sandbox with limits of its own, so a long scan is no long call: its progress shows,
and it ends between two of them when the document was cancelled.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.ingestion.parsed import ParsedDocument, ScannedLine
from core.ingestion.parsing import scans
from core.ingestion.sandbox import Sandbox

AT_ONCE = 4
"""Pages read by one child: it takes a second or two to load the models."""


def read(
    sandbox: Sandbox, path: Path, name: str, parsed: ParsedDocument, tell: Callable[[int, int], bool]
) -> ParsedDocument:
    """The document with the text of its scanned pages, and where it stands on them.

    As it was when there are none, or OCR is not installed.

    Args:
        tell: called with pages read and pages in all; False ends the reading.

    Raises:
        UnreadableFile: a page takes too long, or is broken.
    """
    if not parsed.scans or not scans.installed():
        return parsed
    found: dict[int, list[ScannedLine]] = {}
    for start in range(0, len(parsed.scans), AT_ONCE):
        if not tell(start, len(parsed.scans)):
            return parsed
        found |= sandbox.recognise(path, name, parsed.scans[start : start + AT_ONCE])
    parsed = sandbox.parse(path, name, found=found)
    pages = tuple(replace(page, scanned=tuple(found.get(page.number, ()))) for page in parsed.pages)
    return replace(parsed, pages=pages)


def packed(lines: Iterable[ScannedLine]) -> list[list[Any]] | None:
    """Lines as a page's row keeps them, to a hundredth of a point; None when there are none."""
    rows = [
        [line.text, *(round(number, 2) for number in (line.x0, line.top, line.x1, line.bottom, line.score))]
        for line in lines
    ]
    return rows or None


def unpacked(kept: Sequence[Sequence[Any]] | None) -> list[ScannedLine]:
    """What `packed` packed."""
    return [ScannedLine(*line) for line in kept or ()]
