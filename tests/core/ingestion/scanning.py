"""Pictures of text, and PDF files that hold some, drawn for one test each."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

LINES = ["The deposit of the warehouse is 8,450 euro.", "It is returned within thirty days."]
LEFT, TOP, BETWEEN, FONT = 40, 30, 60, ImageFont.load_default(30)


def drawn(*lines: str, size: tuple[int, int] = (900, 180)) -> Image.Image:
    picture = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        pen.text((LEFT, TOP + BETWEEN * number), line, "black", FONT)
    return picture


def place(line: int, words: str) -> tuple[float, float, float, float]:
    """Where some words of `LINES` stand on what `drawn(*LINES)` drew: left, top, right, bottom in pixels."""
    before = FONT.getlength(LINES[line][: LINES[line].index(words)])
    _, top, right, bottom = FONT.getbbox(words)
    return LEFT + before, TOP + BETWEEN * line + top, LEFT + before + right, TOP + BETWEEN * line + bottom


def mixed(path: Path) -> None:
    """Page 1: a printed stamp above a scan. Page 2: nothing but print, with a small picture."""
    canvas = Canvas(str(path), pagesize=(600, 400))
    canvas.drawString(30, 370, "Received 4 March 2026, no. Z-1187")
    canvas.drawImage(ImageReader(drawn(*LINES, size=(900, 460))), 0, 0, 600, 307)
    canvas.showPage()
    for number in range(12):
        canvas.drawString(30, 370 - 20 * number, f"Clause {number} is printed and is not to be read by OCR at all.")
    canvas.drawImage(ImageReader(drawn("LOGO", size=(200, 100))), 450, 20, 100, 50)
    canvas.save()


def lettered(path: Path, height: float) -> None:
    """A page of 600 by 400 points: four lines of a letterhead at its top, and a scan of that height at its bottom."""
    canvas = Canvas(str(path), pagesize=(600, 400))
    canvas.drawImage(ImageReader(drawn(*LINES, size=(900, 460))), 0, 0, 600, height)
    for number in range(4):
        canvas.drawString(30, 385 - 14 * number, f"Line {number}: Harbour Office, 14 Ropewalk Yard, Tallinn, Estonia")
    canvas.save()
