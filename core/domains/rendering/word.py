"""Blocks to DOCX, by python-docx: real heading styles, lists, tables with a header row, page breaks.

Clause numbers and step numbers are text, as the law firms' own templates that survive conversion
have them: automatic numbering would not be in the extracted words.
"""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from core.domains.rendering.archive import FIXED, repack
from core.domains.rendering.blocks import SourceBlock, title


def render(blocks: Sequence[SourceBlock]) -> bytes:
    """One DOCX file, the same bytes for the same blocks."""
    from docx import Document

    document = Document()
    properties = document.core_properties
    properties.title, properties.author = title(list(blocks)), "Triptych samples"
    properties.created = properties.modified = FIXED
    for block in blocks:
        _add(document, block)
    out = BytesIO()
    document.save(out)
    return repack(out.getvalue())


def _add(document: Any, block: SourceBlock) -> None:
    from docx.shared import Cm

    if block.kind == "page":
        document.add_page_break()
    elif block.kind == "heading":
        document.add_heading(block.text, level=block.level)
    elif block.kind == "table":
        _add_table(document, block.rows)
    elif block.kind == "bullet":
        document.add_paragraph(block.text, style="List Bullet")
    elif block.kind == "step":
        _hang(document.add_paragraph(f"{block.level}. {block.text}"), Cm(0.8), Cm(0.8))
    elif block.kind == "clause":
        _hang(document.add_paragraph(block.text), Cm(1.0 * block.level), Cm(1.0))
    else:
        document.add_paragraph(block.text)


def _hang(paragraph: Any, left: int, hang: int) -> None:
    paragraph.paragraph_format.left_indent = left
    paragraph.paragraph_format.first_line_indent = -hang


def _add_table(document: Any, rows: Sequence[Sequence[str]]) -> None:
    from docx.oxml import OxmlElement

    table = document.add_table(rows=len(rows), cols=len(rows[0]))
    table.style = "Table Grid"
    for number, row in enumerate(rows):
        for cell, text in zip(table.rows[number].cells, row, strict=True):
            cell.paragraphs[0].add_run(text).bold = number == 0
    # Word's "repeat as header row", which is also how a reader of the file knows the header
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    document.add_paragraph()
