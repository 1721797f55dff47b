"""Blocks to XLSX, by openpyxl: each second-level heading is a sheet, its tables are the cells.

A cell that reads as a number becomes one; everything else stays text (so do codes with a leading
zero, ISO dates and percentages). A paragraph becomes a row with one cell.
"""

import re
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from core.domains.rendering.archive import FIXED, repack
from core.domains.rendering.blocks import SourceBlock, title

NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
WIDEST = 48  # characters


def render(blocks: Sequence[SourceBlock]) -> bytes:
    """One workbook, the same bytes for the same blocks.

    Raises:
        ValueError: text stands before the first sheet's heading.
    """
    from openpyxl import Workbook  # type: ignore[import-untyped]

    book = Workbook()
    book.remove(book.active)
    book.properties.title, book.properties.creator = title(list(blocks)), "Triptych samples"
    book.properties.created = FIXED
    for block in blocks:
        if block.kind == "heading" and block.level == 2:
            book.create_sheet(block.text)
        elif block.kind != "heading" or block.level > 2:
            if not book.worksheets:
                raise ValueError(f"text before the first sheet: {block.text[:60]!r}")
            _fill(book.worksheets[-1], block)
    out = BytesIO()
    book.save(out)
    return repack(out.getvalue())


def value(cell: str) -> str | int | float:
    """What a cell holds: a number where the text reads as one."""
    if not NUMBER.fullmatch(cell):
        return cell
    return float(cell) if "." in cell else int(cell)


def _fill(sheet: Any, block: SourceBlock) -> None:
    if block.kind != "table":
        sheet.append([block.text])
        return
    from openpyxl.styles import Alignment, Font  # type: ignore[import-untyped]

    for number, row in enumerate(block.rows):
        sheet.append([value(cell) for cell in row])
        for cell in sheet[sheet.max_row]:
            cell.font = Font(bold=number == 0)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    for column in range(len(block.rows[0])):
        longest = max(len(row[column]) for row in block.rows)
        sheet.column_dimensions[chr(ord("A") + column)].width = min(WIDEST, longest + 2)
