"""Blocks to PDF, by reportlab's Platypus: headings, hanging clauses, tables with repeated headers, a footer.

Knows nothing of domains. Uses the standard Helvetica, so only Windows-1252 characters can be
printed; anything else raises instead of becoming a black box. Uncompressed, so that the bytes do
not depend on the zlib at hand.
"""

from collections.abc import Sequence
from html import escape
from io import BytesIO
from typing import Any

from core.domains.rendering.blocks import SourceBlock, title

MARGIN_PT = 62
LETTER_PT = 5.2  # a generous letter of a table cell, in bold


def render(blocks: Sequence[SourceBlock]) -> bytes:
    """One PDF, A4, the same bytes for the same blocks.

    Raises:
        UnicodeEncodeError: a character that Helvetica's encoding does not have.
    """
    from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped]
    from reportlab.platypus import SimpleDocTemplate  # type: ignore[import-untyped]

    for block in blocks:
        "".join((block.text, *(cell for row in block.rows for cell in row))).encode("cp1252")
    out = BytesIO()
    name = title(list(blocks))
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN_PT,
        rightMargin=MARGIN_PT,
        topMargin=MARGIN_PT,
        bottomMargin=MARGIN_PT,
        title=name,
        author="Triptych samples",
        invariant=1,
        pageCompression=0,
    )
    footer = _footer(name)
    document.build(_story(blocks, document.width), onFirstPage=footer, onLaterPages=footer)
    return out.getvalue()


def _footer(name: str) -> Any:
    def draw(canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setFont("Helvetica", 8)
        canvas.drawString(MARGIN_PT, 34, name)
        canvas.drawRightString(document.pagesize[0] - MARGIN_PT, 34, f"Page {document.page}")
        canvas.restoreState()

    return draw


def _styles() -> dict[str, Any]:
    from reportlab.lib.styles import ParagraphStyle  # type: ignore[import-untyped]

    body = ParagraphStyle("body", fontName="Helvetica", fontSize=10, leading=14, spaceAfter=6)
    bold = {"fontName": "Helvetica-Bold", "keepWithNext": 1}
    return {
        "paragraph": body,
        "heading1": ParagraphStyle("h1", body, fontSize=18, leading=22, spaceAfter=10, **bold),
        "heading2": ParagraphStyle("h2", body, fontSize=13, leading=17, spaceBefore=8, **bold),
        "heading3": ParagraphStyle("h3", body, fontSize=11, leading=15, spaceBefore=4, **bold),
        "heading4": ParagraphStyle("h4", body, **bold),
        "clause1": ParagraphStyle("c1", body, leftIndent=18, firstLineIndent=-18),
        "clause2": ParagraphStyle("c2", body, leftIndent=33, firstLineIndent=-15),
        "step": ParagraphStyle("step", body, leftIndent=14, firstLineIndent=-14),
        "bullet": ParagraphStyle("bullet", body, leftIndent=18, bulletIndent=6),
        "cell": ParagraphStyle("cell", body, fontSize=9, leading=11, spaceAfter=0),
        "head": ParagraphStyle("head", body, fontName="Helvetica-Bold", fontSize=9, leading=11, spaceAfter=0),
    }


def _story(blocks: Sequence[SourceBlock], width: float) -> list[Any]:
    from reportlab.platypus import PageBreak, Paragraph, Spacer

    styles, story = _styles(), []
    for block in blocks:
        text = escape(block.text, quote=False)
        if block.kind == "page":
            story.append(PageBreak())
        elif block.kind == "table":
            story += [_table(block.rows, width, styles), Spacer(1, 10)]
        elif block.kind in ("heading", "clause"):
            story.append(Paragraph(text, styles[f"{block.kind}{block.level}"]))
        elif block.kind == "step":
            story.append(Paragraph(f"{block.level}. {text}", styles["step"]))
        elif block.kind == "bullet":
            story.append(Paragraph(text, styles["bullet"], bulletText="•"))
        else:
            story.append(Paragraph(text, styles["paragraph"]))
    return story


def _table(rows: Sequence[Sequence[str]], width: float, styles: dict[str, Any]) -> Any:
    from reportlab.lib import colors  # type: ignore[import-untyped]
    from reportlab.platypus import Paragraph, Table, TableStyle

    cells = [
        [Paragraph(escape(cell, quote=False), styles["cell" if number else "head"]) for cell in row]
        for number, row in enumerate(rows)
    ]
    looks = [
        ("GRID", (0, 0), (-1, -1), 0.5, colors.grey),
        ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    return Table(cells, colWidths=_widths(rows, width), repeatRows=1, style=TableStyle(looks))


def _widths(rows: Sequence[Sequence[str]], width: float) -> list[float]:
    """Column widths in points: room for the longest word, the rest by the longest cell (power 0.7, so all get some)."""
    columns = list(zip(*rows, strict=True))
    floors = [LETTER_PT * max(len(word) for cell in column for word in cell.split() or [""]) + 14 for column in columns]
    weights = [max(map(len, column)) ** 0.7 for column in columns]
    spare = max(0.0, width - sum(floors))
    return [floor + spare * weight / sum(weights) for floor, weight in zip(floors, weights, strict=True)]
