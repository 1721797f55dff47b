"""Finds the tables whose cells are fenced by ruling lines and puts the page's words into them. Pure geometry.

Level and upright lines that cross make one fence; its distinct edges make rows and columns, a missing piece of line
makes a cell that spans. What is no table (a frame, a chart's grid, a page laid out in boxes) is left as text.
"""

from bisect import bisect_right
from itertools import pairwise
from statistics import median

from core.ingestion.parsing.pdf.cells import is_value, joined_cells
from core.ingestion.parsing.pdf.rows import to_rows
from core.ingestion.parsing.pdf.ruling import Line
from core.ingestion.parsing.pdf.shapes import Cell, Row, Ruled, Segment, Word

_NEAR = 2.5  # points: lines so close are one
_MOST_CROSSINGS = 400_000
_LONG = 900  # characters: a cell that long is a box of a layout
Fence = tuple[list[Line], list[Line]]


def with_ruled_tables(words: list[Word], level: list[Line], upright: list[Line]) -> list[Row]:
    """The page's rows from top to bottom, every ruled table one row of its own."""
    tables: list[Row] = []
    if len(upright) >= 2 and len(level) >= 2:
        for fence in _fences(_merged(level), _merged(upright)):
            words = _fill(fence, words, tables)
    rows = to_rows(words)
    return sorted(rows + tables, key=lambda row: (row.top + row.bottom) / 2) if tables else rows


def _merged(lines: list[Line]) -> list[Line]:
    """Pieces of one line as one: rules are often drawn cell by cell, or twice."""
    groups: list[list[Line]] = []
    for line in sorted(lines):
        if groups and line.at - groups[-1][-1].at <= _NEAR / 2:
            groups[-1].append(line)
        else:
            groups.append([line])
    merged: list[Line] = []
    for group in groups:
        at, start, end = group[0].at, *min((line.start, line.end) for line in group)
        for line in sorted(group, key=lambda line: line.start):
            if line.start > end + _NEAR:
                merged.append(Line(at, start, end))
                start, end = line.start, line.end
            end = max(end, line.end)
        merged.append(Line(at, start, end))
    return merged


def _fences(level: list[Line], upright: list[Line]) -> list[Fence]:
    """Lines that cross or touch each other, group by group, biggest area of lines first."""
    if len(level) * len(upright) > _MOST_CROSSINGS:
        return []
    fences: list[Fence] = []
    for line in level:
        crossed = [v for v in upright if _holds(line, v.at) and _holds(v, line.at)]
        if not crossed:
            continue
        mine = [fence for fence in fences if any(v in fence[1] for v in crossed)]
        for fence in mine:
            fences.remove(fence)
        uprights = dict.fromkeys([*crossed, *(v for fence in mine for v in fence[1])])
        fences.append(([*(h for fence in mine for h in fence[0]), line], list(uprights)))
    return fences


def _holds(line: Line, at: float) -> bool:
    return line.start - _NEAR <= at <= line.end + _NEAR


def _edges(places: list[float], start: float, end: float) -> list[float]:
    """Distinct places in order, and the ends of the crossing lines where the outer rules are not drawn."""
    edges: list[float] = []
    for place in sorted(places):
        if not edges or place - edges[-1] > _NEAR:
            edges.append(place)
    if start < edges[0] - 2 * _NEAR:
        edges.insert(0, start)
    return [*edges, end] if end > edges[-1] + 2 * _NEAR else edges


def _fill(fence: Fence, words: list[Word], tables: list[Row]) -> list[Word]:
    """Puts the fence's table into `tables` and returns the words outside it; all of them when it is no table."""
    level, upright = fence
    xs = _edges([line.at for line in upright], min(h.start for h in level), max(h.end for h in level))
    ys = _edges([line.at for line in level], min(v.start for v in upright), max(v.end for v in upright))
    if len(xs) < 3 or len(ys) < 2:
        return words
    inside: dict[tuple[int, int], list[Word]] = {}
    outside: list[Word] = []
    for word in words:
        x, y = (word.x0 + word.x1) / 2, (word.top + word.bottom) / 2
        if xs[0] < x < xs[-1] and ys[0] < y < ys[-1]:
            inside.setdefault((bisect_right(ys, y) - 1, bisect_right(xs, x) - 1), []).append(word)
        else:
            outside.append(word)
    table = _table(inside, level, upright, xs, ys) if inside else None
    if table is None:
        return words
    text = " ".join(line for row in table.rows for cell in row for line in cell.lines)
    sizes = [word.size for group in inside.values() for word in group]
    segment = Segment(text, xs[0], xs[-1], ys[0], ys[-1], median(sizes), False, [], table)
    tables.append(Row([segment], ys[0], ys[-1]))
    return outside


def _table(
    inside: dict[tuple[int, int], list[Word]], level: list[Line], upright: list[Line], xs: list[float], ys: list[float]
) -> Ruled | None:
    """The cells, those that span written wherever they reach; None when this is no table."""
    first = _first_cells(level, upright, xs, ys)
    if not _is_closed(first, len(ys) - 1, len(xs) - 1):
        return None
    gathered: dict[tuple[int, int], list[Word]] = {}
    for place, group in inside.items():
        gathered.setdefault(first[place], []).extend(group)
    lines = {place: to_rows(group) for place, group in gathered.items()}
    if any(_is_no_cell(rows) for rows in lines.values()):
        return None
    columns = sorted({column for _, column in gathered})
    grid: list[list[Cell]] = []
    for r in range(len(ys) - 1):
        places = [first[r, column] for column in columns]
        spanned = [place[1] != column for place, column in zip(places, columns, strict=True)]
        for band in _bands([lines.get(place, []) for place in places]):
            grid.append([_cell(rows, over) for rows, over in zip(band, spanned, strict=True)])
    grid = [row for row in grid if any(cell.lines for cell in row)]
    texts = [" ".join(cell.lines) for row in grid for cell in row if cell.lines]
    if len(columns) < 2 or len(texts) < 0.4 * len(grid) * len(columns) or all(map(is_value, texts)):
        return None
    return Ruled(grid, [xs[0], *(xs[column] for column in columns[1:]), xs[-1]])


def _first_cells(
    level: list[Line], upright: list[Line], xs: list[float], ys: list[float]
) -> dict[tuple[int, int], tuple[int, int]]:
    """Cell (row, column) -> the top left cell of the spanning cell it belongs to."""
    first: dict[tuple[int, int], tuple[int, int]] = {}
    for r, (top, bottom) in enumerate(pairwise(ys)):
        for c, (x0, x1) in enumerate(pairwise(xs)):
            y, x = (top + bottom) / 2, (x0 + x1) / 2
            first[r, c] = (r, c)
            if c and not any(abs(v.at - x0) <= _NEAR and v.start < y < v.end for v in upright):
                first[r, c] = first[r, c - 1]
            elif r and not any(abs(h.at - top) <= _NEAR and h.start < x < h.end for h in level):
                first[r, c] = first[r - 1, c]
    return first


def _is_closed(first: dict[tuple[int, int], tuple[int, int]], rows: int, columns: int) -> bool:
    """Whether most cells have all their sides: rules above totals and under headings make no fence."""
    alone = sum(1 for place, home in first.items() if place == home)
    return alone >= 0.7 * rows * columns


def _is_no_cell(rows: list[Row]) -> bool:
    """Whether this is a box of a layout (long), or columns without rules between them (a label and its values)."""
    apart = sum(1 for row in rows if len(row.segments) > 1 and len(joined_cells(row)) > 1)
    return sum(len(row.text) for row in rows) > _LONG or apart > 0.3 * len(rows)


def _bands(cells: list[list[Row]]) -> list[list[list[Row]]]:
    """One fenced row, cut line by line where a column lists values: its rows have no rules between them."""
    listed = max((rows for rows in cells if all(is_value(row.text) for row in rows)), key=len, default=[])
    if len(listed) < 2:
        return [cells]
    bands: list[list[list[Row]]] = [[[] for _ in cells] for _ in listed]
    tops = [row.top - 2 for row in listed]
    for column, rows in enumerate(cells):
        for row in rows:
            bands[max(0, bisect_right(tops, row.top) - 1)][column].append(row)
    return bands


def _cell(rows: list[Row], spanned: bool) -> Cell:
    return Cell([row.text for row in rows], bool(rows) and all(row.bold for row in rows), spanned)
