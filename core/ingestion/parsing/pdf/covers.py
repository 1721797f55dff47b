"""Finds what is painted over words: opaque boxes that come later on the page, and boxes that lie on it as annotations.

So people black out a name or paste over a figure, and think that it is gone, while the file still says it. Only
upright rectangles count, in one solid colour, cut to what their clip paths leave of them; pictures do not (scanners
lay them over the words they recognised), nor does what is inside of forms.
"""

import ctypes
import math
from array import array
from collections.abc import Iterator
from itertools import islice

import pypdfium2.raw as pdfium

from core.ingestion.parsing.pdf.pointers import handle_of, pointer
from core.ingestion.parsing.pdf.ruling import Box, Objects, around, subpaths
from core.ingestion.parsing.pdf.shapes import Word

_THIN = 4.0
"""Points: a flatter box strikes words out at most."""
_SOLID = 250
"""Of 255: a fainter box is seen through."""
_ROW = 24.0
"""Points: boxes are looked up by rows of the page of this height."""
_MOST_BOXES = 2_000
_MOST_ROWS = 500
_HIDDEN_ANNOTATION = 0x02 | 0x20  # Hidden, NoView

_int, _void = ctypes.c_int, ctypes.c_void_p
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
_AREA, _MODES, _COLOUR = array("f", bytes(16)), array("i", bytes(8)), array("I", bytes(16))
_AREA_AT, _MODES_AT, _COLOUR_AT = (
    [each.buffer_info()[0] + 4 * k for k in range(len(each))] for each in (_AREA, _MODES, _COLOUR)
)


class Covers:
    """The boxes of one page, in user space, and when each was painted."""

    def __init__(self, found: Objects, page: object, textpage: object) -> None:
        self._items = found.items
        self._text = handle_of(textpage)
        self._rows: dict[int, list[tuple[int, Box]]] = {}
        self._known: dict[int, Box | None] = {}
        boxes = ((turn, box) for turn, path in found.paths() if (box := _filled(path)))
        for turn, box in islice(boxes, _MOST_BOXES):
            self._add(turn, box)
        for turn, box in enumerate(_annotated(page), len(self._items) + 1):
            self._add(turn, box)
            self._known[turn] = box
        self._turns = {item: turn for turn, item in enumerate(self._items)} if self._rows else {}

    def hide(self, word: Word) -> bool:
        """Whether a word, its box in user space, lies under one of them."""
        y = (word.top + word.bottom) / 2
        over = [turn for turn, box in self._rows.get(int(y // _ROW), ()) if _lies_in(box, word)]
        if not over:
            return False
        painted = self._turns.get(_text_object(self._text, word.order) or 0, len(self._items))
        return any(_lies_in(box, word) for turn in over if turn > painted and (box := self._left_of(turn)))

    def _add(self, turn: int, box: Box) -> None:
        if not all(map(math.isfinite, box)):
            return
        first, last, entry = int(box[1] // _ROW), int(box[3] // _ROW), (turn, box)
        for row in range(first, min(last, first + _MOST_ROWS) + 1):
            self._rows.setdefault(row, []).append(entry)

    def _left_of(self, turn: int) -> Box | None:
        """What a path covers in fact; asked of the few that came after a word which their bounds hold."""
        if turn not in self._known:
            self._known[turn] = _rectangle(self._items[turn])
        return self._known[turn]


def _lies_in(box: Box, word: Word) -> bool:
    """The middle of a word, and most of its length: the boxes of glyphs are looser than what is seen of them."""
    if not (box[0] <= (word.x0 + word.x1) / 2 <= box[2] and box[1] <= (word.top + word.bottom) / 2 <= box[3]):
        return False
    return min(box[2], word.x1) - max(box[0], word.x0) >= 0.8 * (word.x1 - word.x0)


def _filled(path: int) -> Box | None:
    """The bounds of a path that is filled for good, and no thin line."""
    if not _bounds(path, *_AREA_AT):
        return None
    left, bottom, right, top = _AREA
    if right - left < _THIN or top - bottom < _THIN or not _is_solid(path):
        return None
    return left, bottom, right, top


def _rectangle(path: int) -> Box | None:
    """What a path covers; None for one that is no rectangle, or is clipped away."""
    box = _filled(path)
    return _clipped(path, box) if box and _is_rectangle(path, box) else None


def _is_solid(path: int) -> bool:
    if not _mode(path, *_MODES_AT) or not _MODES[0] or _seen_through(path):
        return False
    return bool(_fill(path, *_COLOUR_AT)) and _COLOUR[3] >= _SOLID


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
