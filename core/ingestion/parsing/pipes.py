"""Tables typed with pipes: `| a | b |` lines, with or without a `|---|---|` line. Pure."""

import re
from collections.abc import Sequence

from core.ingestion.parsing.draft import PageDraft
from core.ingestion.parsing.pdf.cells import is_date, is_value, is_year

_RULE = re.compile(r"^[\s|:+=-]*-[\s|:+=-]*$")
_MOST_HEADER_ROWS = 4


def is_pipe_row(line: str) -> bool:
    """Whether a line is a row of a pipe table."""
    line = line.strip()
    return line.startswith("|") and line.count("|") >= 2


def add_pipe_table(page: PageDraft, lines: Sequence[str]) -> None:
    """Adds the rows of one table with their header."""
    if not lines:
        return
    rules = [index for index, line in enumerate(lines) if _RULE.match(line)]
    rows = [cells(line) for line in lines if not _RULE.match(line)]
    count = rules[0] if rules and rules[0] > 0 else header_rows(rows)
    page.add_table(rows[:count], rows[count:])


def cells(line: str) -> list[str]:
    """The cells of one row; a pipe inside a cell is written `\\|`."""
    parts = re.split(r"(?<!\\)\|", line.strip().strip("|"))
    return [part.replace("\\|", "/").strip() for part in parts]


def header_rows(rows: Sequence[Sequence[str]]) -> int:
    """How many rows at the top name the columns: those before the first row that holds a value."""
    named = False
    for index, row in enumerate(rows[: _MOST_HEADER_ROWS + 1]):
        if _has_value(row):
            return index
        if named and row and row[0] and not any(row[1:]):
            return index
        named = named or any(row[1:])
    return 1 if len(rows) > 1 and not _has_value(rows[0]) else 0


def _has_value(row: Sequence[str]) -> bool:
    """A number that is no year; years and dates name columns."""
    rest = row[1:] if len(row) > 1 else row
    return any(is_value(cell) and not is_year(cell) and not is_date(cell) for cell in rest if cell)
