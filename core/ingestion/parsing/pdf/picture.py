"""One page of a PDF as a picture, with the place of each word on it. Runs in the sandbox's child.

Knows nothing of what is marked: words and places go out, `core.ingestion.marking` finds stretches among them.
"""

import ctypes
import io
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium_python
import pypdfium2.raw as pdfium

from core.errors import UnreadableFile
from core.ingestion.parsing.pdf.glyphs import Looks, read_glyphs, words

PNG_UP_TO = 300_000
"""Bytes: a page that is larger as PNG is mostly a photograph and goes out as JPEG."""
TALLEST = 3.0
"""Height of a picture as a multiple of its width; a taller page is drawn narrower."""
GRID = 20_000  # places are counted in so many steps across the page


def picture_of(path: Path, name: str, number: int, width: int) -> dict[str, Any]:
    """Page `number` (1-based), `width` pixels wide.

    Returns: image (bytes, PNG or JPEG), width, height, across (the page's width in points), words as [text, left, top,
        right, bottom], shares 0..1.

    Raises:
        UnreadableFile: the file cannot be opened or has no such page.
    """
    try:
        document = pdfium_python.PdfDocument(path)
    except (pdfium_python.PdfiumError, OSError) as error:
        raise UnreadableFile(f"{name} is not a PDF that can be shown: it is damaged.", "Look at its text.") from error
    try:
        if not 1 <= number <= len(document):
            raise UnreadableFile(f"{name} has no page {number}.", "Look at another page.")
        return _drawn(document[number - 1], width)
    except pdfium_python.PdfiumError as error:
        raise UnreadableFile(f"Page {number} of {name} is damaged.", "Look at its text.") from error
    finally:
        document.close()


def _drawn(page: Any, width: int) -> dict[str, Any]:
    across, down = page.get_size()  # points, as shown: cropped and turned
    scale = min(width / max(across, 1.0), TALLEST * width / max(down, 1.0))
    image = page.render(scale=scale).to_pil().convert("RGB")
    size = {"width": image.width, "height": image.height, "across": across}
    return {"image": encoded(image), **size, "words": _words(page)}


def encoded(image: Any) -> bytes:
    """A Pillow image as PNG, or as JPEG where PNG would be large."""
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=6)
    if out.tell() > PNG_UP_TO:
        out = io.BytesIO()
        image.save(out, "JPEG", quality=85)
    return out.getvalue()


def _words(page: Any) -> list[list[Any]]:
    textpage = pdfium.FPDFText_LoadPage(page.raw)
    if not textpage:
        return []
    try:
        return [
            [word.text, *_place(page.raw, (word.x0, word.bottom, word.x1, word.top))]
            for word, _ in words(read_glyphs(textpage), Looks(textpage))
        ]
    finally:
        pdfium.FPDFText_ClosePage(textpage)


def _place(page: Any, box: tuple[float, float, float, float]) -> list[float]:
    """A box in the page's own space as left, top, right, bottom in shares of the page as it is shown."""
    x, y = ctypes.c_int(), ctypes.c_int()
    corners = []
    for across, up in ((box[0], box[1]), (box[2], box[3])):
        pdfium.FPDF_PageToDevice(page, 0, 0, GRID, GRID, 0, across, up, x, y)
        corners.append((x.value / GRID, y.value / GRID))
    (x0, y0), (x1, y1) = corners
    return [min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)]
