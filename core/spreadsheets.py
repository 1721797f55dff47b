"""Tables for spreadsheets, as CSV of which no cell is run: what people and documents wrote can begin like a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a cell for a formula."""


def as_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The header and the rows; texts that a spreadsheet would run begin with an apostrophe."""
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(header)
    table.writerows([_inert(cell) for cell in row] for row in rows)
    return file.getvalue()


def _inert(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
