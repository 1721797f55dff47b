"""Finds what is painted over words: opaque boxes that come later on the page, and boxes that lie on it as annotations.

So people black out a name or paste over a figure, and think that it is gone, while the file still says it. Only
upright rectangles count, in one solid colour, cut to what their clip paths leave of them; pictures do not (scanners
lay them over the words they recognised), nor does what is inside of forms.
"""

import ctypes
from collections.abc import Iterator

import pypdfium2.raw as pdfium

from core.ingestion.parsing.pdf.pointers import handle_of, pointer
from core.ingestion.parsing.pdf.ruling import Box, around, subpaths
from core.ingestion.parsing.pdf.shapes import Word

_THIN = 4.0
"""Points: a flatter box strikes words out at most."""
_SOLID = 250
"""Of 255: a fainter box is seen through."""
_ROW = 24.0
"""Points: boxes are looked up by rows of the page of this height."""
_MOST_OBJECTS = 20_000
_MOST_BOXES = 2_000
_MOST_ROWS = 500
_HIDDEN_ANNOTATION = 0x02 | 0x20  # Hidden, NoView

_int, _void = ctypes.c_int, ctypes.c_void_p
_count = pointer(pdfium.FPDFPage_CountObjects, _int, _void)
_object = pointer(pdfium.FPDFPage_GetObject, _void, _void, _int)
_type = pointer(pdfium.FPDFPageObj_GetType, _int, _void)
_bounds = pointer(pdfium.FPDFPageObj_GetBounds, _int, _void, *[_void] * 4)
_mode = pointer(pdfium.FPDFPath_GetDrawMode, _int, _void, _void, _void)
_fill = pointer(pdfium.FPDFPageObj_GetFillColor, _int, _void, *[_void] * 4)
_seen_through = pointer(pdfium.FPDFPageObj_HasTransparency, _int, _void)
_clip = pointer(pdfium.FPDFPageObj_GetClipPath, _void, _void)
_clips = pointer(pdfium.FPDFClipPath_CountPaths, _int, _void)
_clip_points = pointer(pdfium.FPDFClipPath_CountPathSegments, _int, _void, _int)
_clip_point = pointer(pdfium.FPDFClipPath_GetPathSegment, _void, _void, _int, _int)
_point = pointer(pdfium.FPDFPathSegment_GetPoint, _int, _void, _void, _void)
_text_object = pointer(pdfium.FPDFText_GetTextObject, _void, _void, _int)


class Covers:
    """The boxes of one page, in user space, and when each was painted."""

    def __init__(self, page: object, textpage: object) -> None:
        self._text = handle_of(textpage)
        self._painted: dict[int, int] = {}  # a text object, and its turn in the order of painting
        self._rows: dict[int, list[tuple[int, Box]]] = {}
        found = 0
        for turn, item, kind in _objects(handle_of(page)):
            if kind == pdfium.FPDF_PAGEOBJ_TEXT:
                self._painted[item] = turn
            elif kind == pdfium.FPDF_PAGEOBJ_PATH and found < _MOST_BOXES and (box := _box(item)):
                found += 1
                self._add(turn, box)
        for box in _annotated(page):
            self._add(_MOST_OBJECTS, box)

    def hide(self, word: Word) -> bool:
        """Whether a word, its box in user space, lies under one of them."""
        if not self._rows:
            return False
        x, y = (word.x0 + word.x1) / 2, (word.top + word.bottom) / 2
        over = [turn for turn, box in self._rows.get(int(y // _ROW), ()) if _lies_in(box, x, y, word)]
        if not over:
            return False
        painted = self._painted.get(_text_object(self._text, word.order) or 0)
        return painted is not None and max(over) > painted

    def _add(self, turn: int, box: Box) -> None:
        first, last = int(box[1] // _ROW), int(box[3] // _ROW)
        for row in range(first, min(last, first + _MOST_ROWS) + 1):
            self._rows.setdefault(row, []).append((turn, box))


def _lies_in(box: Box, x: float, y: float, word: Word) -> bool:
    """The middle of a word, and most of its length: the boxes of glyphs are looser than what is seen of them."""
    if not (box[0] <= x <= box[2] and box[1] <= y <= box[3]):
        return False
    return min(box[2], word.x1) - max(box[0], word.x0) >= 0.8 * (word.x1 - word.x0)


def _objects(page: int) -> Iterator[tuple[int, int, int]]:
    """Turn, handle and kind of what is on the page, in the order of painting."""
    for turn in range(min(max(0, _count(page)), _MOST_OBJECTS)):
        if item := _object(page, turn):
            yield turn, item, _type(item)


def _box(path: int) -> Box | None:
    """What a path covers for good; None for one that is no solid rectangle."""
    area = (ctypes.c_float * 4)()
    places = [ctypes.addressof(area) + 4 * k for k in range(4)]
    if not _bounds(path, *places):
        return None
    box = (area[0], area[1], area[2], area[3])
    if min(box[2] - box[0], box[3] - box[1]) < _THIN or not _is_solid(path) or not _is_rectangle(path, box):
        return None
    return _clipped(path, box)


def _is_solid(path: int) -> bool:
    modes = (ctypes.c_int * 2)()
    _mode(path, ctypes.addressof(modes), ctypes.addressof(modes) + 4)
    if not modes[0] or _seen_through(path):
        return False
    colour = (ctypes.c_uint * 4)()
    return bool(_fill(path, *[ctypes.addressof(colour) + 4 * k for k in range(4)])) and colour[3] >= _SOLID


def _is_rectangle(path: int, box: Box) -> bool:
    """Whether its one piece has its corners where its bounds have theirs."""
    pieces = list(subpaths(path))
    if len(pieces) != 1 or not 4 <= len(pieces[0]) <= 6:
        return False
    corners = {(x - box[0] > (box[2] - box[0]) / 2, y - box[1] > (box[3] - box[1]) / 2) for x, y in pieces[0]}
    level = all(min(abs(x - box[0]), abs(x - box[2])) < 1 and min(abs(y - box[1]), abs(y - box[3])) < 1
                for x, y in pieces[0])  # fmt: skip
    return level and len(corners) == 4


def _clipped(path: int, box: Box) -> Box | None:
    """What the clip paths leave of a box, each by its bounds."""
    clip = _clip(path)
    for index in range(max(0, _clips(clip)) if clip else 0):
        spot = (ctypes.c_float * 2)()
        points = []
        for at in range(max(0, _clip_points(clip, index))):
            segment = _clip_point(clip, index, at)
            if segment and _point(segment, ctypes.addressof(spot), ctypes.addressof(spot) + 4):
                points.append((spot[0], spot[1]))
        if points:
            left, bottom, right, top = around(points)
            box = max(box[0], left), max(box[1], bottom), min(box[2], right), min(box[3], top)
    return box if min(box[2] - box[0], box[3] - box[1]) >= _THIN else None


def _annotated(page: object) -> Iterator[Box]:
    """Boxes that lie on the page as annotations: filled squares, as one draws them over words in a viewer."""
    for index in range(min(max(0, pdfium.FPDFPage_GetAnnotCount(page)), _MOST_BOXES)):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            if _is_filled_square(annotation):
                rect = pdfium.FS_RECTF()
                if pdfium.FPDFAnnot_GetRect(annotation, rect):
                    yield rect.left, rect.bottom, rect.right, rect.top
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)


def _is_filled_square(annotation: object) -> bool:
    if pdfium.FPDFAnnot_GetSubtype(annotation) != pdfium.FPDF_ANNOT_SQUARE:
        return False
    opacity = ctypes.c_float(1.0)
    if pdfium.FPDFAnnot_GetNumberValue(annotation, b"CA", opacity) and opacity.value < _SOLID / 255:
        return False
    if pdfium.FPDFAnnot_GetFlags(annotation) & _HIDDEN_ANNOTATION or not pdfium.FPDFAnnot_HasKey(annotation, b"IC"):
        return False
    drawn = (pdfium.FPDFAnnot_GetObject(annotation, k) for k in range(pdfium.FPDFAnnot_GetObjectCount(annotation)))
    paths = [handle_of(item) for item in drawn if item]
    return not paths or any(map(_is_solid, paths))  # without a picture of its own, a viewer fills it
