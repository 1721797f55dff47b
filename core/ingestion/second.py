"""A second process that reads the later half of a long PDF, while the child that was asked reads the first.

It is forked before the child gives up its rights, gives up the same ones, and writes its pages into a file of the
child's own folder. Nothing depends on it: what it has not read when it ends, the child reads itself.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from core.ingestion import confinement
from core.ingestion.parsing.pdf.document import opened
from core.ingestion.parsing.pdf.halves import late_lines, late_pages
from core.ingestion.parsing.pdf.shapes import PageShape
from core.ingestion.parsing.scans import Scans

SMALLEST = 100 << 10
"""Bytes: a smaller file has few pages, or little on them."""
HEAD = 1024
"""Bytes in which a PDF says that it is one."""
HANDLES = 256
"""More than a child has open."""
FILE = "later-half.jsonl"


def worth_it(path: Path) -> bool:
    """Whether a file may be a long PDF."""
    with path.open("rb") as file:
        return b"%PDF" in file.read(HEAD) and os.fstat(file.fileno()).st_size >= SMALLEST


class Second:
    """The process, as the child sees it."""

    def __init__(
        self, path: Path, name: str, folder: Path, found: Scans, most: int, confine: Callable[[], object]
    ) -> None:
        """Fork it.

        Args:
            folder: that both may write in.
            most: pages that a document may have.
            confine: takes its rights away, before it opens the file.
        """
        self._file = folder / FILE
        self._ended, writing = os.pipe()
        child = os.getpid()
        if os.fork() == 0:
            try:
                os.closerange(3, writing)  # the child's connection above all, whose end its parent waits for
                os.closerange(writing + 1, HANDLES)
                confinement.die_with_parent(child)
                confine()
                with opened(path, name) as document, self._file.open("w", encoding="utf-8") as out:
                    out.writelines(late_lines(document, found, most) if document else ())
            finally:
                os._exit(0)  # whatever it stumbled over, the child meets as well, and tells
        os.close(writing)

    def pages(self) -> Mapping[int, PageShape]:
        """What it has read, once it has ended; nothing where that is no text."""
        while os.read(self._ended, 1):  # at the end of it, nobody has it open any more
            pass
        try:
            with self._file.open(encoding="utf-8") as lines:
                return late_pages(lines)
        except (OSError, ValueError):
            return {}
