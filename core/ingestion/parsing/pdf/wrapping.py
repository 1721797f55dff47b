"""Puts the lines of wrapped cells back together, and cuts cells apart that stand too close. For tables without rules.

Pure: works on cells and their places, knows nothing of pages.
"""

import re
from itertools import pairwise
from statistics import median

from core.ingestion.parsing.pdf.cells import is_value
from core.ingestion.parsing.pdf.shapes import Segment, Word

Span = tuple[float, float]
_HANGING_WORDS = "and or for of to the on in by with from a an at - per net"
_HANGING = (*(f" {word}" for word in re.findall(r"\S+", _HANGING_WORDS)), ",")
_NARROW = 0.42  # of the font size: wider than the space between words
_TIGHT = 1.2  # times the smallest step: lines of one cell


def cut_at_columns(line: list[Segment], spans: list[Span]) -> list[Segment]:
    """The line's cells, those cut in two that run from one column into the next with a narrow gap at its edge."""
    return [piece for cell in line for piece in _cut(cell, spans)]


def _cut(cell: Segment, spans: list[Span]) -> list[Segment]:
    words = cell.words
    for at in range(1, len(words)):
        gap = words[at].x0 - words[at - 1].x1
        if gap >= _NARROW * cell.size and _begins_column(words[at:], spans, cell.x0):
            return [_piece(words[:at], cell), *_cut(_piece(words[at:], cell), spans)]
    return [cell]


def _begins_column(words: list[Word], spans: list[Span], left: float) -> bool:
    """Whether the words begin at a column's edge, or are a value inside a column of values."""
    text, x0, x1 = " ".join(word.text for word in words), words[0].x0, words[-1].x1
    for start, end in spans[1:]:
        if left < start - 6 and (abs(x0 - start) <= 1.5 or (is_value(text) and start - 1 <= x0 and x1 <= end + 1)):
            return True
    return False


def _piece(words: list[Word], cell: Segment) -> Segment:
    text = " ".join(word.text for word in words)
    return Segment(text, words[0].x0, words[-1].x1, cell.top, cell.bottom, cell.size, cell.bold, words)


def joined_lines(rows: list[list[str]], tops: list[float], has_values: bool) -> list[list[str]]:
    """Rows with the lines of wrapped cells joined to the row they belong to.

    Args:
        rows: one text a column for every line of the body.
        tops: where each line begins, in points.
        has_values: whether this is a table of numbers.
    """
    steps = [below - above for above, below in pairwise(tops)]
    tight = min((step for step in steps if step > 1), default=0.0)
    spaced = sum(1 for step in steps if step > _TIGHT * 1.1 * tight) >= 2
    usual = median(steps) if steps else 0.0
    near = [False, *(step <= _TIGHT * tight if spaced else step <= 1.1 * usual for step in steps)]
    wraps = spaced and any(n and _two_go_on(a, b) for n, (a, b) in zip(near[1:], pairwise(rows), strict=True))
    result: list[list[str]] = []
    for row, is_near in zip(rows, near, strict=True):
        if result and is_near and (_continues(result[-1], row, spaced) or (wraps and _is_text_below(result[-1], row))):
            result[-1] = [f"{above} {text}".strip() for above, text in zip(result[-1], row, strict=True)]
        else:
            result.append(list(row))
    return _with_whole_labels(result) if has_values else result


def _continues(before: list[str], row: list[str], spaced: bool) -> bool:
    """Whether every text of the line can go on in the cell above it, and something tells that it does."""
    texts = [(above, text) for above, text in zip(before, row, strict=True) if text]
    if any(is_value(text) or not above for above, text in texts) or len(texts) == len(row) or not any(before[1:]):
        return False
    return not row[0] and (spaced or all(text[:1].islower() or above.endswith(_HANGING) for above, text in texts))


def _is_text_below(before: list[str], row: list[str]) -> bool:
    """Whether the line holds nothing but texts, each under another text, and leaves a column empty."""
    texts = [(above, text) for above, text in zip(before, row, strict=True) if text]
    return len(texts) < len(row) and any(before[1:]) and all(above and not is_value(text) for above, text in texts)


def _two_go_on(before: list[str], row: list[str]) -> bool:
    """Whether the label and another text go on in the line: then this table wraps its labels without indenting."""
    return bool(row[0]) and sum(map(bool, row)) > 1 and _is_text_below(before, row)


def _with_whole_labels(rows: list[list[str]]) -> list[list[str]]:
    """Labels that run over several lines put together again: onto the line that holds the values."""
    result: list[list[str]] = []
    for row in rows:
        label_only = bool(row[0]) and not any(row[1:])
        before = result[-1] if result else None
        if before is not None and label_only and _goes_on(before, row[0]):
            before[0] = f"{before[0]} {row[0]}"
        elif before is not None and not any(before[1:]) and (_goes_on(before, row[0]) or _is_below(before, row)):
            result[-1] = [f"{before[0]} {row[0]}".strip(), *row[1:]]
        else:
            result.append(list(row))
    return result


def _goes_on(before: list[str], label: str) -> bool:
    """Whether a label continues the one before it: in lower case, or with an amount after a label without values."""
    if not label or not before[0] or before[0].endswith(":"):
        return False
    return label[:1].islower() or (not any(before[1:]) and (label[:1] in "($" or before[0].endswith(_HANGING)))


def _is_below(before: list[str], row: list[str]) -> bool:
    """Values that stand a little lower than their label."""
    return not row[0] and len(before[0]) > 12 and not before[0].endswith(":") and any(row[1:])
