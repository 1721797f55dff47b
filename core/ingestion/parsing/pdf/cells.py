"""What a table cell's text says about it: a number, a year, a label. Joins pieces of one value. Pure."""

import re
from itertools import pairwise

from core.ingestion.parsing.pdf.shapes import Row, Segment

_NUMBER = re.compile(r"^[(+\-–−~<>]*\s*[$€£¥]?\s*[(+\-–−]?\d[\d,.' ]*\s*(\)|%|x|pts?|bps|\)%|%\))*\s*(\(\w\)|\*+)?$")
_DASH = re.compile(r"^[$€£¥]?\s*[-–—−]+\s*%?$|^(N/?A|N/?M|n/?a|n/?m|NM\*?|\*+)$")
_YEAR = re.compile(r"^(FY\s*)?(19|20)\d\d(\s*\(\w\))?$")
_DATE = re.compile(r"\b(january|february|march|april|may|june|july|august|september|october|november|december)\b", re.I)
_OPENS = re.compile(r"^[$€£¥(]+$")
_CLOSES = re.compile(r"^[)%]+$")
_BREAK_AFTER_SIGN = re.compile(r"([$€£¥])\s+(?=[(\d—–-])")


def is_value(text: str) -> bool:
    """A number, an amount, a percentage or the dash that stands for none."""
    return bool(_NUMBER.match(text) or _DASH.match(text))


def is_year(text: str) -> bool:
    """A year, which heads a column more often than it is a value."""
    return bool(_YEAR.match(text))


def is_date(text: str) -> bool:
    """A text that names a month: "December 31, 2022"."""
    return bool(_DATE.search(text)) and len(text) < 40


def is_axis(line: list[Segment]) -> bool:
    """Whether a row is the scale of a chart: four or more whole numbers in equal steps (no years), and no label."""
    texts = [cell.text for cell in line]
    if len(texts) < 4 or not all(text.isdecimal() and len(text) < 10 for text in texts) or is_year(texts[0]):
        return False
    numbers = [int(text) for text in texts]
    return len({after - before for before, after in pairwise(numbers)}) == 1 and numbers[1] != numbers[0]


def joined_cells(row: Row) -> list[Segment]:
    """The row's segments with currency signs, brackets and percent signs put back to their number."""
    cells: list[Segment] = []
    pending: Segment | None = None
    for segment in row.segments:
        if pending is not None:
            edge = segment.x0
            segment, pending = _merge(pending, segment), None
            segment.x0 = edge  # where the number begins: the sign may stand far to its left
        if _OPENS.match(segment.text):
            pending = segment
        elif cells and _CLOSES.match(segment.text) and is_value(cells[-1].text + segment.text):
            cells[-1] = _merge(cells[-1], segment)
        else:
            cells.append(_tidy(segment))
    if pending is not None:
        cells.append(pending)
    return [piece for cell in cells for piece in _apart(cell)]


def _tidy(cell: Segment) -> Segment:
    cell.text = _BREAK_AFTER_SIGN.sub(r"\1", cell.text)
    return cell


def _apart(cell: Segment) -> list[Segment]:
    """Numbers that stand so close that they became one segment ("66,608 62,286"), cut apart by their lengths."""
    parts = cell.text.split(" ")
    if len(parts) < 2 or not all(is_value(part) and any(sign.isdigit() for sign in part) for part in parts):
        return [cell]
    pieces, unit, at = [], (cell.x1 - cell.x0) / max(1, len(cell.text)), cell.x0
    for part in parts:
        pieces.append(Segment(part, at, at + unit * len(part), cell.top, cell.bottom, cell.size, cell.bold))
        at += unit * (len(part) + 1)
    return pieces


def _merge(first: Segment, second: Segment) -> Segment:
    text = first.text + second.text
    return Segment(
        text, first.x0, second.x1, first.top, first.bottom, second.size, second.bold, first.words + second.words
    )
