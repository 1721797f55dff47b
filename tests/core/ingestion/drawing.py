"""Small PDF files drawn for one test each."""

from pathlib import Path

from reportlab.pdfgen.canvas import Canvas

from core.ingestion.parsed import ParsedDocument
from core.ingestion.parsing import parse


def drawn(tmp_path: Path, draw: list[tuple[float, float, str]], pages: int = 1) -> ParsedDocument:
    canvas = Canvas(str(tmp_path / "drawn.pdf"), pagesize=(600, 800))
    for _ in range(pages):
        for x, y, text in draw:
            canvas.drawString(x, y, text)
        canvas.showPage()
    canvas.save()
    return parse(tmp_path / "drawn.pdf", "drawn.pdf")


def blank(tmp_path: Path) -> Canvas:
    return Canvas(str(tmp_path / "drawn.pdf"), pagesize=(600, 800))
