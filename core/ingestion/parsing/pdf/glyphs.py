"""Reads the words of a PDF page with their boxes from PDFium, in bulk. Knows nothing of lines or columns.

PDFium answers glyph by glyph; the two calls a glyph costs (character, box) go through function pointers with
plain integer arguments and are mapped in C, the dearer ones (font, colour, angle) once per text object.
"""

import ctypes
import math
import re
from array import array
from collections import deque
from collections.abc import Iterator
from itertools import repeat
from operator import sub
from typing import NamedTuple

import pypdfium2.raw as pdfium

from core.ingestion.parsing.cleaning import clean, whole_pairs
from core.ingestion.parsing.pdf.pointers import handle_of, pointer
from core.ingestion.parsing.pdf.shapes import Word

_WORD = re.compile(r"[^\s\x00]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BOLD_NAME = re.compile(rb"bold|black|heavy|demi", re.IGNORECASE)
_SPACE_GAP = 0.28  # of the font size: a wider hole between glyphs separates words
_TINY = 2.5  # points: nobody reads it

_int, _void = ctypes.c_int, ctypes.c_void_p
_unicode = pointer(pdfium.FPDFText_GetUnicode, ctypes.c_uint, _void, _int)
_box = pointer(pdfium.FPDFText_GetLooseCharBox, _int, _void, _int, _void)
_object = pointer(pdfium.FPDFText_GetTextObject, _void, _void, _int)
_size = pointer(pdfium.FPDFText_GetFontSize, ctypes.c_double, _void, _int)
_matrix = pointer(pdfium.FPDFText_GetMatrix, _int, _void, _int, _void)
_mode = pointer(pdfium.FPDFTextObj_GetTextRenderMode, _int, _void)
_font = pointer(pdfium.FPDFTextObj_GetFont, _void, _void)
_weight = pointer(pdfium.FPDFText_GetFontWeight, _int, _void, _int)
_fill = pointer(pdfium.FPDFText_GetFillColor, _int, _void, _int, _void, _void, _void, _void)


class Look(NamedTuple):
    """How one text object looks: size in points as shown, angle in degrees, drawn invisibly, drawn in white."""

    size: float
    bold: bool
    angle: int
    invisible: bool
    white: bool


class Glyphs(NamedTuple):
    """All glyphs of a page: `text[i]` has its box at left[i], top[i], right[i], bottom[i] (user space, y upwards)."""

    text: str
    left: array  # type: ignore[type-arg]
    top: array  # type: ignore[type-arg]
    right: array  # type: ignore[type-arg]
    bottom: array  # type: ignore[type-arg]


def read_glyphs(textpage: object) -> Glyphs:
    """Every glyph of the page in PDFium's text order."""
    count = max(0, pdfium.FPDFText_CountChars(textpage))
    handle = handle_of(textpage)
    codes = map(_unicode, repeat(handle), range(count))
    text = "".join([chr(code) if code < 0x110000 else "\ufffd" for code in codes])
    boxes = array("f", bytes(16 * count))
    address = boxes.buffer_info()[0]
    deque(map(_box, repeat(handle), range(count), range(address, address + 16 * count, 16)), maxlen=0)
    return Glyphs(text, boxes[0::4], boxes[1::4], boxes[2::4], boxes[3::4])


class Looks:
    """Looks up how glyphs look, once per text object and once per font of one page."""

    def __init__(self, textpage: object) -> None:
        self._textpage = textpage
        self._handle = handle_of(textpage)
        self._known: dict[int, Look] = {}
        self._fonts: dict[int, bool] = {}
        self._shape = array("f", [1.0, 0.0, 0.0, 1.0, 0.0, 0.0])  # FS_MATRIX: a b c d e f
        self._colour = array("I", [0, 0, 0, 0])
        address = self._colour.buffer_info()[0]
        self._colours = [address + 4 * k for k in range(4)]

    def at(self, index: int) -> Look:
        """The look of glyph `index`."""
        key = _object(self._handle, index) or 0
        look = self._known.get(key)
        if look is None:
            look = self._known[key] = self._read(key, index)
        return look

    def _read(self, key: int, index: int) -> Look:
        size, angle = _size(self._handle, index), 0
        if _matrix(self._handle, index, self._shape.buffer_info()[0]):
            a, b, c, d = self._shape[:4]
            size *= math.hypot(c, d) or 1.0
            angle = round(math.degrees(math.atan2(b, a))) if b else (0 if a >= 0 else 180)
        font = (_font(key) or 0) if key else 0
        bold = self._fonts.get(font)
        if bold is None:
            bold = self._fonts[font] = self._is_bold(index)
        return Look(abs(size), bold, angle, bool(key) and _mode(key) == 3, self._is_white(index))

    def _is_bold(self, index: int) -> bool:
        if _weight(self._handle, index) >= 600:
            return True
        name, flags = ctypes.create_string_buffer(160), ctypes.c_int()
        pdfium.FPDFText_GetFontInfo(self._textpage, index, name, 160, flags)
        return _BOLD_NAME.search(name.value) is not None

    def _is_white(self, index: int) -> bool:
        if not _fill(self._handle, index, *self._colours):
            return False
        return self._colour[3] < 8 or min(self._colour[:3]) >= 250


def words(glyphs: Glyphs, looks: Looks) -> Iterator[tuple[Word, Look]]:
    """Words in file order, boxes still in user space (y upwards: `top` > `bottom`)."""
    left, top, right, bottom = glyphs.left, glyphs.top, glyphs.right, glyphs.bottom
    for match in _WORD.finditer(glyphs.text):
        look = looks.at(match.start())
        for start, end in _pieces(glyphs, match.start(), match.end(), look):
            text = glyphs.text[start:end]
            if _SURROGATE.search(text):
                text = whole_pairs(text)
            text = clean(text.replace("\x02", "\u2010").replace("\ufffe", "\u2010"))
            if text:
                box = (min(left[start:end]), max(right[start:end]), max(top[start:end]), min(bottom[start:end]))
                yield Word(text, *box, look.size, look.bold, start), look


def _pieces(glyphs: Glyphs, start: int, end: int, look: Look) -> list[tuple[int, int]]:
    """The stretch cut where glyphs stand apart without a space between them, or jump to another line."""
    if end - start == 1 or look.angle % 180 == 90:
        return [(start, end)]
    left, right, bottom = glyphs.left, glyphs.right, glyphs.bottom
    gap, jump = max(1.0, look.size * _SPACE_GAP), look.size * 0.6
    level = bottom[start:end]
    if max(map(sub, left[start + 1 : end], right[start : end - 1])) <= gap and max(level) - min(level) <= jump:
        return [(start, end)]
    cuts = [
        k
        for k in range(start + 1, end)
        if (left[k] - right[k - 1] > gap and left[k - 1] - right[k] < gap) or abs(bottom[k] - bottom[k - 1]) > jump
    ]
    return list(zip([start, *cuts], [*cuts, end], strict=True))


def is_tiny(word: Word) -> bool:
    """Whether the word is too small to be seen."""
    return word.size < _TINY and word.top - word.bottom < _TINY
