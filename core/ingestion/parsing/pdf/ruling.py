"""Reads the ruling lines of a PDF page: thin strokes and thin filled boxes, upright and level ones only.

Knows nothing of tables (`ruled` finds them) and nothing of text. Pages without paths cost one look at each object.
"""

import ctypes
from collections.abc import Callable, Iterator
from itertools import pairwise, repeat
from typing import NamedTuple

import pypdfium2.raw as pdfium

from core.ingestion.parsing.pdf.pointers import handle_of, pointer

Box = tuple[float, float, float, float]  # left, bottom, right, top in user space
NO_BOX: Box = (0.0, 0.0, 0.0, 0.0)
Point = tuple[float, float]
_THIN = 2.2  # points: a thicker bar is an area
_SHORT = 5.0  # points: a shorter line rules nothing
_MOST_OBJECTS = 20_000
_MOST_SEGMENTS = 400  # of one path: more is a drawing
_ONE_BOX = 5  # segments of a single rectangle: one that is filled and not thin is an area
_MOST_LINES = 1_500  # of one page: more is a drawing

_int, _void = ctypes.c_int, ctypes.c_void_p
_count = pointer(pdfium.FPDFPage_CountObjects, _int, _void)
_object = pointer(pdfium.FPDFPage_GetObject, _void, _void, _int)
_type = pointer(pdfium.FPDFPageObj_GetType, _int, _void)
_bounds = pointer(pdfium.FPDFPageObj_GetBounds, _int, _void, *[_void] * 4)
_matrix = pointer(pdfium.FPDFPageObj_GetMatrix, _int, _void, _void)
_segments = pointer(pdfium.FPDFPath_CountSegments, _int, _void)
_segment = pointer(pdfium.FPDFPath_GetPathSegment, _void, _void, _int)
_point = pointer(pdfium.FPDFPathSegment_GetPoint, _int, _void, _void, _void)
_kind = pointer(pdfium.FPDFPathSegment_GetType, _int, _void)
_closes = pointer(pdfium.FPDFPathSegment_GetClose, _int, _void)
_mode = pointer(pdfium.FPDFPath_GetDrawMode, _int, _void, _void, _void)


class Line(NamedTuple):
    """A level line at y = `at` from x = `start` to `end`, or an upright one at x = `at` from y = `start` to `end`."""

    at: float
    start: float
    end: float


class Objects(NamedTuple):
    """Handles of what is on a page, and of what kind each is (FPDF_PAGEOBJ_...)."""

    items: list[int]
    kinds: list[int]

    def paths(self) -> Iterator[tuple[int, int]]:
        """Each path's turn in the order of painting, and its handle."""
        kinds = enumerate(self.kinds)
        return ((turn, self.items[turn]) for turn, kind in kinds if kind == pdfium.FPDF_PAGEOBJ_PATH)


def read_lines(found: Objects, shown: Callable[[Box], Box]) -> tuple[list[Line], list[Line]]:
    """Level and upright lines of the page.

    Args:
        found: what is on the page.
        shown: user space (left, bottom, right, top) to shown coordinates (left, top, right, bottom).

    Returns: level lines and upright lines in shown coordinates; both empty when the page is a drawing.
    """
    level: list[Line] = []
    upright: list[Line] = []
    for _turn, path in found.paths():
        for box in _bars(path):
            x0, y0, x1, y1 = shown(box)
            if y1 - y0 <= _THIN < _SHORT <= x1 - x0:
                level.append(Line((y0 + y1) / 2, x0, x1))
            elif x1 - x0 <= _THIN < _SHORT <= y1 - y0:
                upright.append(Line((x0 + x1) / 2, y0, y1))
        if len(level) + len(upright) > _MOST_LINES:
            return [], []
    return level, upright


def objects(page: object) -> Objects:
    """What is on a page, in the order of painting."""
    handle = handle_of(page)
    items = [item for item in map(_object, repeat(handle), range(min(max(0, _count(handle)), _MOST_OBJECTS))) if item]
    return Objects(items, list(map(_type, items)))


def bounds(item: int) -> Box | None:
    """The box around one thing on a page; None for what has none."""
    edges = (ctypes.c_float * 4)()
    if not _bounds(item, *(ctypes.addressof(edges) + 4 * k for k in range(4))):
        return None
    return edges[0], edges[1], edges[2], edges[3]


def _bars(path: int) -> Iterator[Box]:
    """Boxes of the path's straight pieces: the whole of a thin one, every stroked edge of another."""
    whole = bounds(path)
    if whole is None:
        return
    left, bottom, right, top = whole
    if min(right - left, top - bottom) <= _THIN:
        yield whole
        return
    count = _segments(path)
    stroked = _is_stroked(path)
    if count <= _MOST_SEGMENTS and (stroked or count > _ONE_BOX):
        for points in subpaths(path):
            box = around(points)
            if min(box[2] - box[0], box[3] - box[1]) <= _THIN:
                yield box
            elif stroked:
                yield from map(around, pairwise(points))


def _is_stroked(path: int) -> bool:
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    _mode(path, ctypes.addressof(fill), ctypes.addressof(stroke))
    return bool(stroke.value)


def subpaths(path: int) -> Iterator[list[Point]]:
    """The corners of every closed or open piece of the path in user space; curves count by their end points."""
    m = (ctypes.c_float * 6)(1, 0, 0, 1, 0, 0)
    _matrix(path, ctypes.addressof(m))
    spot = (ctypes.c_float * 2)()
    x_at, y_at = ctypes.addressof(spot), ctypes.addressof(spot) + 4
    points: list[Point] = []
    for index in range(_segments(path)):
        segment = _segment(path, index)
        if not segment or not _point(segment, x_at, y_at):
            continue
        if _kind(segment) == pdfium.FPDF_SEGMENT_MOVETO:
            if len(points) > 1:
                yield points
            points = []
        points.append((m[0] * spot[0] + m[2] * spot[1] + m[4], m[1] * spot[0] + m[3] * spot[1] + m[5]))
        if _closes(segment):
            points.append(points[0])
    if len(points) > 1:
        yield points


def around(points: tuple[Point, ...] | list[Point]) -> Box:
    """The bounds of points."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)
