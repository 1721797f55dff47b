"""Turns one PDFium page into rows of segments: what people see, in shown coordinates; what they cannot see is listed.

Knows nothing of other pages, columns or tables.
"""

import ctypes
import re
from collections.abc import Sequence

import pypdfium2.raw as pdfium

from core.ingestion.parsed import ScannedLine
from core.ingestion.parsing.pdf.covers import Covers
from core.ingestion.parsing.pdf.glyphs import Look, Looks, is_tiny, read_glyphs, words
from core.ingestion.parsing.pdf.pointers import pointer
from core.ingestion.parsing.pdf.ruled import with_ruled_tables
from core.ingestion.parsing.pdf.ruling import NO_BOX, Box, Objects, bounds, objects, read_lines
from core.ingestion.parsing.pdf.shapes import PageShape, Word
from core.ingestion.parsing.scans import beside, to_words

_LITTLE = 200
"""Characters on the pictures of a page: a stamp, a header and a page number, but no page of text."""
_fill = pointer(pdfium.FPDFPageObj_GetFillColor, ctypes.c_int, *[ctypes.c_void_p] * 5)
_ODD, _SOLID = re.compile("[\ufffd\x00\ue000-\uf8ff]"), re.compile(r"\S")


def read_page(document: object, index: int, found: Sequence[ScannedLine] = ()) -> PageShape:
    """Page `index` (0-based), with the lines that OCR found on it. A page PDFium cannot load gives an empty one."""
    page = pdfium.FPDF_LoadPage(document, index)
    if not page:
        return PageShape(index + 1, 0.0, 0.0, [], [], [("the page", "it is damaged")], False, False)
    textpage = pdfium.FPDFText_LoadPage(page)
    try:
        return _read(page, textpage, index + 1, found)
    finally:
        pdfium.FPDFText_ClosePage(textpage)
        pdfium.FPDF_ClosePage(page)


def _read(page: object, textpage: object, number: int, found: Sequence[ScannedLine]) -> PageShape:
    box, turn = _page_box(page), pdfium.FPDFPage_GetRotation(page)
    hidden: list[tuple[str, str]] = []
    upright: list[Word] = []
    sideways: list[Word] = []
    backgrounds: list[Box] | None = None
    scan: bool | None = None
    things = objects(page)
    images = _images(things)
    glyphs, covers, covered = read_glyphs(textpage), Covers(things, page, textpage), 0
    for word, look in words(glyphs, Looks(textpage)):
        if look.white and backgrounds is None:
            backgrounds = _painted(things)
        if look.invisible and scan is None:
            scan = _is_scan(images, box)
        why = _unseen(word, look, box, backgrounds or [], bool(scan))
        if why:
            hidden.append((word.text, why))
        elif covers.hide(word):
            covered += 1  # what it says is not told: whoever painted it over meant it to be gone
        else:
            word.x0, word.top, word.x1, word.bottom = _shown((word.x0, word.bottom, word.x1, word.top), box, turn)
            (upright if -20 < (look.angle - turn * 90 + 180) % 360 - 180 < 20 else sideways).append(word)
    width, height = (box[2] - box[0], box[3] - box[1]) if turn % 2 == 0 else (box[3] - box[1], box[2] - box[0])
    garbled = _is_garbled(glyphs.text)
    has_images = not upright and bool(images)
    pictured = [_shown(each, box, turn) for each in _pictures(images, box)]
    scanned = bool(pictured) and sum(len(word.text) for word in upright if _lies_on(word, pictured)) < _LITTLE
    upright += beside(to_words(found), upright)
    level, vertical = read_lines(things, lambda area: _shown(area, box, turn))
    rows = with_ruled_tables(upright, level, vertical)
    unseen = _joined(hidden) + ([_painted_over(covered)] if covered else [])
    return PageShape(number, width, height, rows, _runs(sideways), unseen, has_images, garbled, scanned)


def _page_box(page: object) -> Box:
    rect = pdfium.FS_RECTF()
    pdfium.FPDF_GetPageBoundingBox(page, rect)
    return rect.left, rect.bottom, rect.right, rect.top


def _shown(area: Box, box: Box, turn: int) -> Box:
    """User space (left, bottom, right, top) to shown coordinates (left, top, right, bottom).

    `turn` is the page's rotation in quarter turns.
    """
    left, bottom, right, top = box
    x0, low, x1, high = area
    if turn == 0:
        return x0 - left, top - high, x1 - left, top - low
    if turn == 1:
        return low - bottom, x0 - left, high - bottom, x1 - left
    if turn == 2:
        return right - x1, low - bottom, right - x0, high - bottom
    return top - high, right - x1, top - low, right - x0


def _unseen(word: Word, look: Look, box: Box, backgrounds: list[Box], scan: bool) -> str:
    """Why a person looking at the page would not see the word; "" when they would."""
    x, y = (word.x0 + word.x1) / 2, (word.top + word.bottom) / 2
    if look.invisible and not scan:
        return "hidden text: drawn invisibly"
    if is_tiny(word):
        return "hidden text: too small to read"
    if not (box[0] - 2 <= x <= box[2] + 2 and box[1] - 2 <= y <= box[3] + 2):
        return "hidden text: outside the page"
    if look.white and not any(b[0] <= x <= b[2] and b[1] <= y <= b[3] for b in backgrounds):
        return "hidden text: white on white"
    return ""


def _painted(things: Objects) -> list[Box]:
    """Boxes of what is painted in a colour under text: filled shapes, images, shadings, forms."""
    painted = (
        item
        for item, kind in zip(*things, strict=True)
        if kind != pdfium.FPDF_PAGEOBJ_TEXT and (kind != pdfium.FPDF_PAGEOBJ_PATH or _fills_with_colour(item))
    )
    return [bounds(item) or NO_BOX for item in painted]


def _fills_with_colour(item: int) -> bool:
    colour = (ctypes.c_uint * 4)()
    if not _fill(item, *(ctypes.addressof(colour) + 4 * part for part in range(4))):
        return True
    red, green, blue, alpha = colour
    return alpha >= 8 and min(red, green, blue) < 250


def _is_scan(images: list[Box], box: Box) -> bool:
    """Whether an image covers most of the page: invisible text over it is what a scanner recognised."""
    area = abs((box[2] - box[0]) * (box[3] - box[1])) or 1.0
    return any((right - left) * (top - bottom) > 0.5 * area for left, bottom, right, top in images)


def _pictures(images: list[Box], box: Box) -> list[Box]:
    """The parts of a page that images cover, when that is half of it; else none.

    Scanners cut pages into strips, so they count together.
    """
    boxes = []
    for left, bottom, right, top in images:
        part = max(left, box[0]), max(bottom, box[1]), min(right, box[2]), min(top, box[3])
        if part[0] < part[2] and part[1] < part[3]:
            boxes.append(part)
    covered = sum((right - left) * (top - bottom) for left, bottom, right, top in boxes)
    return boxes if covered > 0.5 * abs((box[2] - box[0]) * (box[3] - box[1])) else []


def _lies_on(word: Word, boxes: list[Box]) -> bool:
    """Whether a word's middle is in one of the boxes (left, top, right, bottom)."""
    x, y = (word.x0 + word.x1) / 2, (word.top + word.bottom) / 2
    return any(left <= x <= right and top <= y <= bottom for left, top, right, bottom in boxes)


def _images(things: Objects) -> list[Box]:
    """Bounds of what may be a picture: images, and forms, which may hold some."""
    kinds = (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM)
    return [bounds(item) or NO_BOX for item, kind in zip(*things, strict=True) if kind in kinds]


def _runs(sideways: list[Word]) -> list[str]:
    """Turned text in file order, as lines: neighbouring words of the file belong together."""
    return [" ".join(word.text for word in sideways)] if sideways else []


def _joined(hidden: list[tuple[str, str]]) -> list[tuple[str, str]]:
    by_reason: dict[str, list[str]] = {}
    for text, why in hidden:
        by_reason.setdefault(why, []).append(text)
    return [(" ".join(texts)[:200], why) for why, texts in by_reason.items()]


def _painted_over(words: int) -> tuple[str, str]:
    return f"{words:,} word{'s' if words != 1 else ''}", "painted over: people do not see it, the file still holds it"


def _is_garbled(text: str) -> bool:
    """Whether a good part of the glyphs has no known character (broken font maps)."""
    odd = len(_ODD.findall(text))
    return odd >= 8 and odd > 0.3 * len(_SOLID.findall(text))
