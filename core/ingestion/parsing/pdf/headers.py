"""Which rows of a ruled table are its header, and which header a table has that goes on from the page before. Pure."""

from collections.abc import Callable

from core.ingestion.parsing.pdf.cells import is_value, is_year
from core.ingestion.parsing.pdf.grid import Grid
from core.ingestion.parsing.pdf.shapes import Cell, Ruled

_MOST_HEADER_ROWS = 4
_LONGEST_NAME = 48  # characters of a column's name
_SAME_EDGE = 4.0  # points


def as_grid(table: Ruled, joined: Callable[[str, str], str]) -> Grid:
    """The ruled table as text; `joined` puts two lines of a cell together."""
    count = _bold_rows(table.rows) or _named_rows(table.rows)
    header = [[_text(cell, joined) for cell in row] for row in table.rows[:count]]
    body = [["" if cell.spanned else _text(cell, joined) for cell in row] for row in table.rows[count:]]
    names = [_stacked(column) for column in zip(*header, strict=True)]
    return Grid([names] if names else [], body, table.edges, bool(_bold_rows(table.rows)), fenced=True)


def continued(grid: Grid, before: Grid | None) -> list[list[str]]:
    """The header that `grid`, the first thing on its page, takes over from the last thing of the page before.

    A row that only looked like a header goes back into the body of `grid`. [] when the grid has its own header.
    """
    if before is None or not before.header or not _same_columns(grid, before):
        return []
    if grid.header and before.bold_header and not grid.bold_header:
        grid.body[:0], grid.header = grid.header, []
    return [] if grid.header else before.header


def _same_columns(grid: Grid, before: Grid) -> bool:
    if len(grid.edges) != len(before.edges):
        return False
    slack = _SAME_EDGE if grid.fenced and before.fenced else 6 * _SAME_EDGE
    return all(abs(a - b) <= slack for a, b in zip(grid.edges, before.edges, strict=True))


def _bold_rows(rows: list[list[Cell]]) -> int:
    """Leading rows that are bold throughout, where the rest is not."""
    count = 0
    while count < len(rows) and all(cell.bold for cell in rows[count] if cell.lines):
        count += 1
    return count if count < len(rows) and count <= _MOST_HEADER_ROWS else 0


def _named_rows(rows: list[list[Cell]]) -> int:
    """1 when the first row names every column in a few words and is no row of values; else 0."""
    names = [" ".join(cell.lines) for cell in rows[0]]
    if len(rows) < 2 or any(len(name) > _LONGEST_NAME or (is_value(name) and not is_year(name)) for name in names):
        return 0
    some_bold = any(cell.bold for row in rows for cell in row)
    listed = len(rows) > 2 or any(is_value(" ".join(cell.lines)) for cell in rows[1])
    return 1 if all(names[1:]) and not some_bold and listed else 0


def _text(cell: Cell, joined: Callable[[str, str], str]) -> str:
    text = cell.lines[0] if cell.lines else ""
    for line in cell.lines[1:]:
        text = joined(text, line)
    return text


def _stacked(names: tuple[str, ...]) -> str:
    """A column's names from top to bottom as one, each once (a name that spans rows stands in all of them)."""
    return " ".join(dict.fromkeys(name for name in names if name))
