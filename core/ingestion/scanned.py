"""Documents with scanned pages: a first reading finds them, OCR reads them a few at a time, a second puts all together.

Each few pages are a child of the sandbox with limits of its own, so a long scan is no long call: its progress shows,
and it ends between two of them when the document was cancelled.
"""

from collections.abc import Callable
from pathlib import Path

from core.ingestion.parsed import ParsedDocument
from core.ingestion.parsing import scans
from core.ingestion.parsing.scans import ScannedLine
from core.ingestion.sandbox import Sandbox

AT_ONCE = 4
"""Pages read by one child: it takes a second or two to load the models."""


def read(
    sandbox: Sandbox, path: Path, name: str, parsed: ParsedDocument, tell: Callable[[int, int], bool]
) -> ParsedDocument:
    """The document with the text of its scanned pages; as it was when there are none, or OCR is not installed.

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
    return sandbox.parse(path, name, found=found)
