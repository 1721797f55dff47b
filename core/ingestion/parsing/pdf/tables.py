"""Finds which rows of a column of text are tables. Pure geometry; `grid` lays them out."""

import re

from core.ingestion.parsing.pdf.cells import is_axis, is_value, joined_cells
from core.ingestion.parsing.pdf.grid import PERIOD, Grid, heads, is_data, lay_out
from core.ingestion.parsing.pdf.shapes import Row, Segment

_NEAR = 3.2  # line heights: a bigger gap ends a table
_UNITS = re.compile(r"^\(?.{0,40}\b(in|\$) ?(millions|thousands|billions)\b.{0,60}\)?$", re.IGNORECASE)
_MOST_HEADER_ROWS = 8
_LONG = 75  # characters: a single segment that long is prose, not a label


def with_tables(rows: list[Row]) -> list[Row | Grid]:
    """The rows in order, those of a table replaced by the table."""
    result: list[Row | Grid] = []
    at = 0
    while at < len(rows):
        end = _table_end(rows, at)
        if end is None:
            result.append(rows[at])
            at += 1
            continue
        start = at - _headings_above(result, rows, at, end)
        del result[len(result) - (at - start) :]
        result.extend(lay_out(part) for part in _parts(rows[start:end]))
        at = end
    return result


def _table_end(rows: list[Row], start: int) -> int | None:
    """Where the table that begins at `start` ends (exclusive); None when none begins there."""
    if len(rows[start].segments) < 2:
        return None
    end, last = start + 1, start
    while end < len(rows) and not rows[end].ruled and _near(rows[end - 1], rows[end]):
        if len(rows[end].segments) >= 2:
            last = end
        elif _is_prose(rows[end], rows[start:end]) or end - last > 3:
            break
        end += 1
    end = last + 1
    while end < len(rows) and _wraps(rows[end - 1], rows[end]):
        end += 1
    return end if _is_table(rows[start:end]) else None


def _near(above: Row, below: Row) -> bool:
    height = max(4.0, min(above.bottom - above.top, below.bottom - below.top))
    return below.top - above.bottom < _NEAR * height


def _is_prose(row: Row, table: list[Row]) -> bool:
    """A single segment that runs over the columns: text between two tables."""
    rights = sorted(r.segments[1].x0 for r in table if len(r.segments) > 1)
    middle = rights[len(rights) // 2]
    return len(row.text) > _LONG and row.x1 > middle + 20


def _wraps(above: Row, below: Row) -> bool:
    """The last row's label going on in the next line."""
    first = above.segments[0]
    one = len(below.segments) == 1 and not below.ruled and below.text[:1].islower() and len(above.segments) > 1
    return one and below.x1 < above.segments[1].x0 and abs(below.x0 - first.x0) < 20 and _near(above, below)


def _is_table(rows: list[Row]) -> bool:
    """Values in columns, or texts whose left edges line up in at least three rows."""
    lines = [joined_cells(row) for row in rows]
    several = [line for line in lines if len(line) >= 2]
    if len(several) < 2:
        return False
    first = next((index for index, line in enumerate(several) if is_data(line)), 0)
    if _holds_values(several) or (first <= _MOST_HEADER_ROWS and _holds_values(several[first:])):
        return True
    starts = [line[1].x0 for line in several]
    aligned = max(sum(1 for other in starts if abs(other - x) < 5) for x in starts)
    return len(several) >= 3 and aligned >= 0.6 * len(several) and len(several) >= 0.4 * len(rows)


def _holds_values(lines: list[list[Segment]]) -> bool:
    cells = [cell for line in lines for cell in line[1:]]
    return len(lines) >= 2 and sum(1 for cell in cells if is_value(cell.text)) >= 0.5 * len(cells)


def _headings_above(result: list[Row | Grid], rows: list[Row], start: int, end: int) -> int:
    """How many single rows right above belong to the header: they stand over the value columns, not at the left."""
    values = [cell.x0 for row in rows[start:end] for cell in row.segments[1:]]
    left = min(row.x0 for row in rows[start:end])
    edge = left + 0.5 * (min(values) - left) if values else left
    count = 0
    while count < 4 and start - count - 1 >= 0 and len(result) > count and isinstance(result[-1 - count], Row):
        row = rows[start - count - 1]
        if row.ruled or _is_title(row, rows[start:end]):
            break
        if len(row.segments) > 1 or row.x0 < edge or len(row.text) > _LONG or not _near(row, rows[start - count]):
            break
        count += 1
    count = count if count and _sits_over_columns(rows[start - 1], rows[start:end]) else 0
    above = start - count - 1
    if (
        above >= 0
        and len(result) > count
        and not rows[above].ruled
        and isinstance(result[-1 - count], Row)
        and _UNITS.match(rows[above].text)
    ):
        return count + 1
    return count


def _is_title(row: Row, table: list[Row]) -> bool:
    """Centred over the whole table, and no period ("Years ended ...") or units: the title of the page or table."""
    middle = (min(r.x0 for r in table) + max(r.x1 for r in table)) / 2
    centred = abs((row.x0 + row.x1) / 2 - middle) < 14
    return centred and not PERIOD.search(row.text) and not _UNITS.match(row.text)


def _sits_over_columns(row: Row, table: list[Row]) -> bool:
    """Whether the row's middle is right of the table's labels: a centred title of the page is not."""
    labels = [r.segments[0].x1 for r in table if len(r.segments) > 1 and is_data(joined_cells(r))]
    middle = sorted(labels)[len(labels) // 2] if labels else 0.0
    return bool(labels) and row.x0 > middle - 10


def _parts(rows: list[Row]) -> list[list[Row]]:
    """The table cut where a new header of years or dates begins below values."""
    parts: list[list[Row]] = [[]]
    seen_values = False
    for row in rows:
        line = joined_cells(row)
        if (seen_values and heads(line)) or is_axis(line):
            parts.append([])
            seen_values = False
        seen_values = seen_values or is_data(line)
        parts[-1].append(row)
    return [part for part in parts if part]
