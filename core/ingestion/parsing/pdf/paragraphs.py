"""Joins the rows of one column into paragraphs, list items and headings, and mends words cut at line ends."""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from core.ingestion.parsed import BlockKind
from core.ingestion.parsing.pdf.grid import Grid
from core.ingestion.parsing.pdf.headers import as_grid
from core.ingestion.parsing.pdf.shapes import PageShape, Row

_BULLET = re.compile(r"^([•▪◦●○■□*†‡]\s?|[·°–-]\s)\S")
_NUMBERED = re.compile(r"^(\(?[0-9]{1,2}[.)]|\([a-zA-Z]{1,4}\)|[a-zA-Z][.)])\s+\S")
_CLAUSE = re.compile(
    r"^((item|section|article|part|note|schedule|exhibit|annex|appendix)\s+[0-9A-Z]+\b|[0-9]{1,2}(\.[0-9]{1,2})+(?=\.?(\s+(?-i:[^a-z\d])|$)))",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.:;!?][\"”’)]*$")
_CUT_WORD = re.compile(r"(\w)[-‐\u00ad]$")
_WORDS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


@dataclass(slots=True)
class Piece:
    """A paragraph, list item or heading on its way to a block; `size` in points, `level` 0 unless a heading."""

    kind: BlockKind
    text: str
    size: float
    bold: bool


class Typography:
    """What is ordinary in this document: the size of its text, its words, the sizes of its headings."""

    def __init__(self, pages: list[PageShape]) -> None:
        sizes: Counter[float] = Counter()
        bold: Counter[bool] = Counter()
        self.words: Counter[str] = Counter()
        for page in pages:
            for row in page.rows:
                for segment in row.segments:
                    sizes[round(segment.size, 1)] += len(segment.text)
                    bold[segment.bold] += len(segment.text)
                    self.words.update(word.lower() for word in _WORDS.findall(segment.text))
        self.body = sizes.most_common(1)[0][0] if sizes else 10.0
        self.bold_is_plain = bold[True] > bold[False]
        bigger = sorted({round(size) for size in sizes if size > self.body * 1.12}, reverse=True)
        self._levels = {size: min(index + 1, 4) for index, size in enumerate(bigger[:6])}

    def level(self, piece: Piece) -> int:
        """Depth of a heading: bigger is higher, bold in the body's size comes below all of them."""
        below = min(len(self._levels), 4) + 1
        level = self._levels.get(round(piece.size), below)
        return min(level + 1, 6) if level == below and not piece.text.isupper() and self._levels else level

    def joined(self, first: str, second: str) -> str:
        """Two lines of one paragraph as one; a word cut at the line's end is whole again."""
        match = _CUT_WORD.search(first)
        if not match:
            return f"{first} {second}"
        head, tail = _WORDS.findall(first), _WORDS.match(second)
        if not (tail and second[:1].islower() and match.group(1).isalpha() and head):
            return first + second
        whole, dashed = (head[-1] + tail.group()).lower(), f"{head[-1]}-{tail.group()}".lower()
        keep = self.words[dashed] > self.words[whole] or "-" in head[-1]
        keep = keep or (
            not self.words[whole] and self.words[head[-1].lower()] > 1 and self.words[tail.group().lower()] > 1
        )
        return (first[:-1] + "-" if keep else first[:-1]) + second


def to_pieces(items: list[Row | Grid], typography: Typography) -> list[Piece | Grid]:
    """The rows between tables as paragraphs, in order."""
    rows = [item for item in items if isinstance(item, Row) and not item.ruled]
    right = max((row.x1 for row in rows), default=0.0)
    left = min((row.x0 for row in rows), default=0.0)
    pitch = _pitch(rows, right, typography.body)
    pieces: list[Piece | Grid] = []
    group: list[Row] = []
    for item in items:
        table = item if isinstance(item, Grid) else as_grid(item.ruled, typography.joined) if item.ruled else None
        if table is not None or not isinstance(item, Row):
            pieces.extend(_finished(group, typography))
            group = []
            pieces.extend([table] if table else [])
            continue
        if group and _breaks(group, item, pitch, left, right):
            pieces.extend(_finished(group, typography))
            group = []
        group.append(item)
    return pieces + list(_finished(group, typography))


def _pitch(rows: list[Row], right: float, body: float) -> float:
    """Usual distance between the tops of two lines of one paragraph, in points."""
    steps = [
        below.top - above.top
        for above, below in pairwise(rows)
        if above.x1 > right - 60 and abs(above.size - below.size) < 0.5 and 0 < below.top - above.top < 4 * above.size
    ]
    return median(steps) if len(steps) >= 3 else body * 1.25


def _breaks(group: list[Row], row: Row, pitch: float, left: float, right: float) -> bool:
    """Whether `row` begins a new paragraph after `group`."""
    last = group[-1]
    step, usual = row.top - last.top, max(pitch, last.size * 1.05)
    if step > usual * 1.3 or step < -last.size or abs(row.size - last.size) > 0.12 * last.size:
        return True
    if row.bold != last.bold and (last.bold or _ENDS.search(last.text)):
        return True
    if _BULLET.match(row.text) or (_CLAUSE.match(row.text) and _ended_early(last, right)):
        return True
    if _NUMBERED.match(row.text) and (_ENDS.search(last.text) or _ended_early(last, right)):
        return True
    hanging = len(group) == 1 and (_is_list(last.text) or _CLAUSE.match(last.text) is not None)
    indented = row.x0 > last.x0 + 9 and not hanging and row.x0 < left + 90
    return (indented and _ENDS.search(last.text) is not None) or (
        _ENDS.search(last.text) is not None and row.text[:1].isupper() and _left_room(last, row, right)
    )


def _ended_early(row: Row, right: float) -> bool:
    return row.x1 < right - 0.18 * max(100.0, right - row.x0)


def _left_room(last: Row, row: Row, right: float) -> bool:
    """Whether the line ended early although the next line's first word would have fitted on it."""
    word = row.segments[0].words[0] if row.segments[0].words else None
    width = word.x1 - word.x0 if word else 3.0 * row.size
    return _ended_early(last, right) and last.x1 + width + 0.6 * row.size < right


def _is_list(text: str) -> bool:
    return bool(_BULLET.match(text) or _NUMBERED.match(text))


def _finished(group: list[Row], typography: Typography) -> list[Piece]:
    if not group:
        return []
    text = group[0].text
    for row in group[1:]:
        text = typography.joined(text, row.text)
    bold = all(row.bold for row in group)
    piece = Piece("paragraph", text, max(row.size for row in group), bold)
    if _is_heading(piece, len(group), typography):
        piece.kind = "heading"
    elif _is_list(text):
        piece.kind = "list_item"
    return [piece]


def _is_numbered_title(text: str) -> bool:
    """A numbered line that is short enough to be a title, though it ends in a full stop ("5.1 Term.")."""
    return len(text) <= 80 and bool(_CLAUSE.match(text) or _NUMBERED.match(text))


def _is_heading(piece: Piece, lines: int, typography: Typography) -> bool:
    """Short, and bigger, bolder or in capitals where the text around is not."""
    text = piece.text
    if lines > 3 or len(text) > 160 or text.endswith((",", ";", ":")):
        return False
    letters = sum(1 for sign in text if sign.isalpha())
    if letters < 3 or letters < 0.4 * len(text):
        return False
    if _BULLET.match(text) or (text.endswith(".") and not _is_numbered_title(text)):
        return False
    if piece.size > typography.body * 1.12 or (piece.bold and not typography.bold_is_plain):
        return True
    return text.isupper() and len(text) <= 90 and letters >= 5
