"""Excel workbooks: a page a sheet; titles above a table, its header, its rows with values as people see them.

Formulas are never computed and links never followed: the values are those the file was saved with.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from core.errors import UnreadableFile
from core.ingestion.limits import Limits
from core.ingestion.parsed import ParsedDocument
from core.ingestion.parsing.draft import DocumentDraft, PageDraft, row_line
from core.ingestion.parsing.office.formats import NumberFormat, sheet_formats, shown
from core.ingestion.parsing.office.package import Package, attribute, child, children
from core.ingestion.parsing.office.pptx import attribute_id
from core.ingestion.parsing.pdf.cells import is_value, is_year

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Rows = list[list[str]]


def parse_xlsx(path: Path, name: str, limits: Limits) -> ParsedDocument:
    """A workbook. Raises `UnreadableFile` when it is encrypted, damaged or over a limit."""
    draft = DocumentDraft(limits, MEDIA_TYPE)
    with Package(path, name, limits) as package:
        draft.title = package.title() or Path(name).stem
        parts = _sheet_parts(package)
        try:
            workbook = CalamineWorkbook.from_path(str(path))
        except BaseException as error:
            _reraise(error)
            raise package.broken() from error
        for sheet in workbook.sheets_metadata:
            page = draft.page(f"Sheet {sheet.name}")
            if sheet.typ is not SheetTypeEnum.WorkSheet:
                draft.drop(page.number, page.label, "a sheet without cells (a chart or a macro)")
            elif sheet.visible is not SheetVisibleEnum.Visible:
                draft.drop(page.number, page.label, "the sheet is hidden")
            else:
                formats = _formats(package, parts.get(sheet.name, ""))
                _add_sheet(page, _rows(workbook, sheet.name, formats, limits, draft))
    return draft.finish()


def first_sheet(path: Path, name: str, limits: Limits) -> list[list[Any]]:
    """The cells of a workbook's first sheet by row, from its first column on: texts, numbers and truths as they are.

    Raises:
        UnreadableFile: it is encrypted, damaged or over a limit.
    """
    with Package(path, name, limits) as package:
        try:
            sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
            few = sheet.height * sheet.width <= limits.cells
            rows = sheet.to_python(skip_empty_area=False) if few else []
        except BaseException as error:
            _reraise(error)
            raise package.broken() from error
    if not few:
        raise UnreadableFile(f"{name} has more than {limits.cells:,} cells.", "Split it and add the parts.")
    return [[cell if isinstance(cell, str | int | float) else str(cell) for cell in row] for row in rows]


def _reraise(error: BaseException) -> None:
    if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
        raise error


def _sheet_parts(package: Package) -> dict[str, str]:
    """Sheet name -> part."""
    try:
        main = package.main("xl/workbook.xml")
    except UnreadableFile:
        return {}
    relations = package.relations(main)
    sheets = children(child(package.optional(main), "sheets"), "sheet")
    links = {attribute(e, "name"): relations.get(attribute_id(e)) for e in sheets}
    return {name: link.target for name, link in links.items() if link is not None}


def _formats(package: Package, part: str) -> dict[tuple[int, int], NumberFormat]:
    try:
        return sheet_formats(package, part) if part else {}
    except UnreadableFile:
        return {}


def _rows(
    workbook: CalamineWorkbook,
    name: str,
    formats: dict[tuple[int, int], NumberFormat],
    limits: Limits,
    draft: DocumentDraft,
) -> Rows:
    """The sheet's used area as text. A sheet that cannot be read is noted."""
    try:
        sheet = workbook.get_sheet_by_name(name)
        if sheet.height * sheet.width > limits.cells:
            raise UnreadableFile(f"Sheet {name} has more than {limits.cells:,} cells.", "Split it and add the parts.")
        top, left = sheet.start or (0, 0)
        values = sheet.to_python(skip_empty_area=True)
    except UnreadableFile:
        raise
    except BaseException as error:  # noqa: BLE001 - Rust panics arrive as BaseException
        _reraise(error)
        draft.note(f"sheet {name} is damaged and was left out")
        return []
    return [
        ["" if cell == "" else shown(cell, formats.get((top + r, left + c))) for c, cell in enumerate(row)]
        for r, row in enumerate(values)
    ]


def _add_sheet(page: PageDraft, rows: Rows) -> None:
    """Every table of the sheet, one after another; a table without names of its own keeps the names above it."""
    header: Rows = []
    for table in _tables(rows):
        at = 0
        while at < len(table) and sum(map(bool, table[at])) <= 1 and (at + 1 < len(table) or not header):
            text = "".join(table[at])
            page.add("heading" if at == 0 and len(text) < 120 and at + 1 < len(table) else "paragraph", text, 2)
            at += 1
        body = table[at:]
        count = _header_rows(body)
        if count or not header or (body and len(body[0]) != len(header[0])):
            header = body[:count]
        for cells in body[:count]:
            page.add("table_row", row_line(cells))
        lines = "\n".join(row_line(cells) for cells in header)
        for cells in body[count:]:
            page.add("table_row", row_line(cells), header=lines)


def _tables(rows: Rows) -> Iterator[Rows]:
    """Stretches of rows between empty ones, without their empty columns."""
    table: Rows = []
    for row in [*rows, []]:
        if any(cell.strip() for cell in row):
            table.append(row)
        elif table:
            used = [c for c in range(len(table[0])) if any(r[c].strip() for r in table)]
            yield [[r[c] for c in used] for r in table]
            table = []


def _header_rows(rows: Rows) -> int:
    """How many rows at the top name the columns: texts or years over rows that hold something else."""
    for index, row in enumerate(rows[:4]):
        named = [cell for cell in row if cell.strip()]
        if any(is_value(cell) and not is_year(cell) for cell in named):
            return index
        if len(named) >= 2 and len(named) >= 0.6 * len(row):
            return index + 1 if len(rows) > index + 1 else 0
    return 0
