"""A long PDF in two halves, for two processes: which pages are the later one, and how they get across.

Knows nothing of processes (`core.ingestion.second` does). What comes across is data, and of a process that read an
unknown file: lines that are not of this form count as pages that nobody has read.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pypdfium2.raw as pdfium

from core.ingestion.parsing.cleaning import noticing
from core.ingestion.parsing.pdf.reading import read_page
from core.ingestion.parsing.pdf.shapes import Cell, PageShape, Row, Ruled, Segment, Word
from core.ingestion.parsing.scans import Scans

FEWEST = 24
"""Pages from which two processes are sooner done than one."""

Late = Callable[[], Mapping[int, PageShape]]
"""Pages of the later half by their index, as far as another process has read them; waits until it has ended."""


def middle(count: int) -> int:
    """Index of the first page of the later half of `count` pages; `count` itself when they are too few to share."""
    return count // 2 if count >= FEWEST else count


def pages_of(document: object, count: int, found: Scans, late: Late | None) -> list[PageShape]:
    """All pages in order: the first half is read here, the later one by `late`, or here as well where it was not."""

    def read(index: int) -> PageShape:
        return read_page(document, index, found.get(index + 1, ()))

    until = middle(count) if late else count
    pages = [read(index) for index in range(until)]
    others = late() if late and until < count else {}
    return pages + [others.get(index) or read(index) for index in range(until, count)]


def late_lines(document: object, found: Scans, most: int) -> Iterator[str]:
    """A line for each page of the later half; an empty list for one with hidden text, which `noticing` has to hear of.

    None at all of a document with more than `most` pages, which is refused.
    """
    count = pdfium.FPDF_GetPageCount(document)
    for index in range(middle(count), count) if count <= most else ():
        with noticing() as noticed:
            page = read_page(document, index, found.get(index + 1, ()))
        yield json.dumps([] if noticed.told() else packed(page)) + "\n"


def late_pages(lines: Iterable[str]) -> dict[int, PageShape]:
    """The pages that `late_lines` wrote, by their index, as far as it got."""
    found: dict[int, PageShape] = {}
    for line in lines:
        try:
            values = json.loads(line)
            if values:
                page = unpacked(values)
                found[page.number - 1] = page
        except (ValueError, TypeError, RecursionError):  # cut off, or not ours
            break
    return found


def packed(page: PageShape) -> list[Any]:
    """A page as lists and texts."""
    rows = [[row.top, row.bottom, [_segment(segment) for segment in row.segments]] for row in page.rows]
    flags = [page.has_images, page.garbled, page.scanned]
    return [page.number, page.width, page.height, rows, page.sideways, page.hidden, flags]


def unpacked(values: list[Any]) -> PageShape:
    """The page that `packed` was given; raises ValueError or TypeError when it is none."""
    number, width, height, rows, sideways, hidden, flags = values
    shapes = [Row([_segment_of(*segment) for segment in segments], top, bottom) for top, bottom, segments in rows]
    unseen = [(what, why) for what, why in hidden]
    return PageShape(number, width, height, shapes, sideways, unseen, *flags)


def _segment(segment: Segment) -> list[Any]:
    words = [[w.text, w.x0, w.x1, w.top, w.bottom, w.size, w.bold, w.order] for w in segment.words]
    ruled = segment.ruled
    table = ruled and [[[[c.lines, c.bold, c.spanned] for c in row] for row in ruled.rows], ruled.edges]
    own = [segment.text, segment.x0, segment.x1, segment.top, segment.bottom, segment.size, segment.bold]
    return [own, words, table]


def _segment_of(own: list[Any], words: list[list[Any]], table: list[Any] | None) -> Segment:
    ruled = Ruled([[Cell(*cell) for cell in row] for row in table[0]], table[1]) if table else None
    text, x0, x1, top, bottom, size, bold = own
    return Segment(text, x0, x1, top, bottom, size, bold, [Word(*word) for word in words], ruled)
