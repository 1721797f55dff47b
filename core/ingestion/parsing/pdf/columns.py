"""Finds columns of running text on a page and puts them one after another. Tables are left whole. Pure geometry.

A gutter is the left edge that several segments share and that no segment crosses over a stretch of rows; it
separates columns only when both sides read like prose (long lines of words that fill their column).
"""

from bisect import bisect_left

from core.ingestion.parsing.pdf.asides import without_asides
from core.ingestion.parsing.pdf.rows import regroup
from core.ingestion.parsing.pdf.shapes import Row, Segment

_SLACK = 3.0  # points
_DEEPEST = 4


def flows(rows: list[Row], depth: int = 0) -> list[list[Row]]:
    """The page's rows as stretches to be read one after another, each one column wide."""
    if len(rows) < 4 or depth > _DEEPEST:
        return without_asides(rows) if rows else []
    best = max(
        (run for edge in _edges(rows) for run in _runs(rows, edge)), key=lambda run: _score(rows, run), default=None
    )
    if best is None or _score(rows, best) <= 0:
        return without_asides(rows)
    start, end, edge = best
    left, right = _sides(rows[start:end], edge)
    inner = flows(regroup(left), depth + 1) + flows(regroup(right), depth + 1)
    return flows(rows[:start], depth + 1) + inner + flows(rows[end:], depth + 1)


def _edges(rows: list[Row]) -> list[float]:
    """Left edges of long segments that are not the leftmost of their page and that others share."""
    starts = sorted(s.x0 for row in rows for s in row.segments if len(s.text) >= 12)
    edges: list[float] = []
    first = 0
    for index in range(1, len(starts) + 1):
        if index == len(starts) or starts[index] - starts[index - 1] > _SLACK:
            if index - first >= 3:
                edges.append(starts[first])
            first = index
    return edges[1:13] if edges and edges[0] <= starts[0] + _SLACK else edges[:12]


def _runs(rows: list[Row], edge: float) -> list[tuple[int, int, float]]:
    """Longest stretches of rows in which nothing crosses `edge`."""
    runs, start = [], 0
    for index in range(len(rows) + 1):
        crossed = index == len(rows) or any(s.x0 < edge - _SLACK and s.x1 > edge - _SLACK for s in rows[index].segments)
        if crossed:
            start = _after_last_line(rows, start, index)
            if index - start >= 3:
                runs.append((start, index, edge))
            start = index + 1
    return runs


def _after_last_line(rows: list[Row], start: int, end: int) -> int:
    """Leaves the short last line of a paragraph that runs over the gutter to that paragraph."""
    if 0 < start < end:
        above, row = rows[start - 1], rows[start]
        tight = row.top - above.bottom < 0.5 * (row.bottom - row.top) and abs(row.size - above.size) < 0.5
        aligned = abs(row.x0 - above.x0) < 2 * _SLACK and len(row.segments) == len(above.segments) == 1
        return start + 1 if tight and aligned and not above.ruled else start
    return start


def _sides(rows: list[Row], edge: float) -> tuple[list[Segment], list[Segment]]:
    segments = [segment for row in rows for segment in row.segments]
    left = [segment for segment in segments if segment.x0 < edge - _SLACK]
    return left, [segment for segment in segments if segment.x0 >= edge - _SLACK]


def _score(rows: list[Row], run: tuple[int, int, float]) -> float:
    """How much text stands on the shorter side; 0 where a side is no prose or the sides are not beside each other."""
    left, right = _sides(rows[run[0] : run[1]], run[2])
    fill, length = (0.25, 16) if _aligned(left, right) < 0.6 else (0.55, 24)
    if not (_is_prose(left, fill, length) and _is_prose(right, fill, length)):
        return 0.0
    top = max(min(s.top for s in left), min(s.top for s in right))
    bottom = min(max(s.bottom for s in left), max(s.bottom for s in right))
    if bottom - top < 2 * (left[0].bottom - left[0].top):
        return 0.0
    return min(sum(len(s.text) for s in left), sum(len(s.text) for s in right))


def _aligned(left: list[Segment], right: list[Segment]) -> float:
    """Share of the right side's lines that stand on a line of the left side, as the cells of a table do."""
    tops = sorted(segment.top for segment in left)
    nearest = (bisect_left(tops, segment.top - 1.5) for segment in right)
    hits = sum(1 for at, s in zip(nearest, right, strict=True) if at < len(tops) and tops[at] <= s.top + 1.5)
    return hits / max(1, min(len(left), len(right)))


def _is_prose(segments: list[Segment], fill: float, length: int) -> bool:
    """Whether lines have `length` characters on average and full ones hold the share `fill` of the text."""
    if len(segments) < 3:
        return False
    text = "".join(segment.text for segment in segments)
    letters = sum(1 for sign in text if sign.isalpha() or sign == " ")
    width = max(s.x1 for s in segments) - min(s.x0 for s in segments)
    full = sum(len(s.text) for s in segments if s.x1 - s.x0 >= 0.62 * width)
    return len(text) >= length * len(segments) and letters >= 0.75 * len(text) and full >= fill * len(text)
