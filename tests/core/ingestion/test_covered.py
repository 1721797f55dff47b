"""Words that were painted over are no text: people took them out, as far as people can see."""

from collections.abc import Callable
from pathlib import Path

import pypdfium2 as pdfium_python
import pypdfium2.raw as pdfium
import pytest
from reportlab.lib.colors import Color, black, white
from reportlab.pdfgen.canvas import Canvas

from core.ingestion.parsed import ParsedDocument
from core.ingestion.parsing import parse
from tests.core.ingestion.drawing import blank

NAME, AREA = "Quillon Marsh", (120.0, 694.0, 110.0, 16.0)  # where the name stands: left, bottom, width, height


def page_with(tmp_path: Path, before: Callable[[Canvas], None] | None, after: Callable[[Canvas], None] | None) -> str:
    """A page that names the witness, with something painted before or after its text."""
    return text(saved(tmp_path, before, after))


def saved(
    tmp_path: Path, before: Callable[[Canvas], None] | None, after: Callable[[Canvas], None] | None
) -> ParsedDocument:
    canvas = blank(tmp_path)
    if before:
        before(canvas)
    canvas.setFillColor(black)
    canvas.drawString(50, 700, "The witness")
    canvas.drawString(125, 700, NAME)
    canvas.drawString(240, 700, "was not heard on the day of the accident.")
    if after:
        after(canvas)
    canvas.save()
    return parse(tmp_path / "drawn.pdf", "drawn.pdf")


def text(document: ParsedDocument) -> str:
    return " ".join(page.text for page in document.pages)


def box(colour: Color, *, fill: int = 1) -> Callable[[Canvas], None]:
    def paint(canvas: Canvas) -> None:
        canvas.setFillColor(colour)
        canvas.rect(*AREA, fill=fill, stroke=1 - fill)

    return paint


@pytest.mark.parametrize("colour", [black, white], ids=["blacked out", "pasted over"])
def test_what_lies_under_a_box_is_no_text_and_its_words_are_counted_not_told(tmp_path: Path, colour: Color) -> None:
    document = saved(tmp_path, None, box(colour))
    assert "Quillon" not in text(document)
    assert "The witness" in text(document)
    assert "was not heard" in text(document)
    (told,) = document.dropped
    assert (told.what, told.why) == ("2 words", "painted over: people do not see it, the file still holds it")


def test_what_can_be_seen_stays_text(tmp_path: Path) -> None:
    assert NAME in page_with(tmp_path, box(Color(0.9, 0.9, 0.2)), None)  # the ground of a table's row
    assert NAME in page_with(tmp_path, None, box(Color(1, 1, 0, alpha=0.4)))  # a marker pen
    assert NAME in page_with(tmp_path, None, box(black, fill=0))  # a frame
    assert NAME in page_with(tmp_path, None, underlined)
    assert NAME in page_with(tmp_path, None, clipped_away)
    assert NAME in page_with(tmp_path, None, triangle)


def underlined(canvas: Canvas) -> None:
    canvas.rect(AREA[0], AREA[1] + 4, AREA[2], 1.5, fill=1, stroke=0)


def clipped_away(canvas: Canvas) -> None:
    canvas.saveState()
    path = canvas.beginPath()
    path.rect(300, 100, 50, 50)
    canvas.clipPath(path, stroke=0, fill=0)
    canvas.rect(0, 0, 600, 800, fill=1, stroke=0)
    canvas.restoreState()


def triangle(canvas: Canvas) -> None:
    path = canvas.beginPath()
    path.moveTo(AREA[0], AREA[1])
    path.lineTo(AREA[0] + AREA[2], AREA[1])
    path.lineTo(AREA[0], AREA[1] + 3 * AREA[3])
    path.close()
    canvas.drawPath(path, fill=1, stroke=0)


def test_what_is_written_on_the_box_is_text(tmp_path: Path) -> None:
    def stamped(canvas: Canvas) -> None:
        box(black)(canvas)
        canvas.setFillColor(white)
        canvas.drawString(150, 700, "REDACTED")

    said = page_with(tmp_path, None, stamped)
    assert "REDACTED" in said
    assert NAME not in said


def test_a_box_without_end_hides_nothing_and_breaks_nothing(tmp_path: Path) -> None:
    def endless(canvas: Canvas) -> None:
        canvas.saveState()
        canvas.transform(3e38, 0, 0, 3e38, 0, 0)
        canvas.rect(-1e6, -1e6, 3e6, 3e6, fill=1, stroke=0)
        canvas.restoreState()

    assert NAME in page_with(tmp_path, None, endless)


@pytest.mark.parametrize(("opaque", "seen"), [(255, False), (90, True)])
def test_a_filled_square_drawn_in_a_viewer_covers_too(tmp_path: Path, opaque: int, seen: bool) -> None:
    saved(tmp_path, None, None)
    document = pdfium_python.PdfDocument(tmp_path / "drawn.pdf")
    page = document[0]
    annotation = pdfium.FPDFPage_CreateAnnot(page.raw, pdfium.FPDF_ANNOT_SQUARE)
    left, bottom, width, height = AREA
    pdfium.FPDFAnnot_SetRect(annotation, pdfium.FS_RECTF(left, bottom + height, left + width, bottom))
    pdfium.FPDFAnnot_SetColor(annotation, pdfium.FPDFANNOT_COLORTYPE_InteriorColor, 0, 0, 0, opaque)
    pdfium.FPDFPage_CloseAnnot(annotation)
    document.save(tmp_path / "squared.pdf")
    document.close()
    assert (NAME in text(parse(tmp_path / "squared.pdf", "squared.pdf"))) == seen
