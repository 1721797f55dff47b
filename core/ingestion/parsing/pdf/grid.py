"""Lays the rows of one table out in columns and says which of them are its header. Pure geometry.

Columns come from the numbers (they line up); what stands left of the first of them is the label. Tables without
numbers take their columns from the left edges that cells share.
"""

import re
from dataclasses import dataclass, field

from core.ingestion.parsing.pdf.cells import is_date, is_value, is_year, joined_cells
from core.ingestion.parsing.pdf.shapes import Row, Segment
from core.ingestion.parsing.pdf.wrapping import Span, cut_at_columns, joined_lines

_MOST_HEADER_ROWS = 10
PERIOD = re.compile(r"\b(years?|months?|weeks?|quarters?|periods?)\s+ended\b|^(as of|at)\s+[A-Z]", re.I)


@dataclass(slots=True)
class Grid:
    """A table as people read it: header lines, then body lines, each with one text a column.

    Attributes:
        edges: where its columns lie across the page, in points.
        bold_header: whether its header was told by its type.
        fenced: whether ruling lines made it.
    """

    header: list[list[str]]
    body: list[list[str]]
    edges: list[float] = field(default_factory=list)
    bold_header: bool = False
    fenced: bool = False


def lay_out(rows: list[Row]) -> Grid:
    """The table whose rows these are."""
    lines = [joined_cells(row) for row in rows]
    numeric = _value_columns(lines)
    spans = numeric or _text_columns(lines)
    lines = [cut_at_columns(line, spans) for line in lines]
    texts = [_placed(line, spans) for line in lines]
    split = _header_length(lines, texts)
    header = [_column_names(lines[:split], spans)] if split else []
    used = [c for c in range(len(spans)) if any(text[c] for text in texts[split:] + header)]
    body = [[text[c] for c in used] for text in texts[split:]]
    whole = joined_lines(body, [row.top for row in rows[split:]], bool(numeric))
    return Grid([[text[c] for c in used] for text in header], whole, [spans[c][0] for c in used])


def _column_names(lines: list[list[Segment]], spans: list[Span]) -> list[str]:
    """Header rows as one: each column gets all that stands over it, also what stands over several columns."""
    names = [""] * len(spans)
    for line in lines:
        periods = [cell for cell in line if PERIOD.search(cell.text)]
        if periods and len(periods) == sum(1 for cell in line if cell.x0 >= spans[0][0] + 24) < len(spans) - 1:
            _share_out(periods, names, spans)
            line = [cell for cell in line if cell not in periods]
        for position, cell in enumerate(line):
            for column in _covered(cell, position, line, spans):
                names[column] = f"{names[column]} {cell.text}".strip()
    return names


def _share_out(periods: list[Segment], names: list[str], spans: list[Span]) -> None:
    """Every value column under the nearest of "Three months ended", "Six months ended"."""
    for column in range(1, len(spans)):
        middle = (spans[column][0] + spans[column][1]) / 2
        nearest = min(periods, key=lambda cell: abs((cell.x0 + cell.x1) / 2 - middle))
        names[column] = f"{names[column]} {nearest.text}".strip()


def _covered(cell: Segment, position: int, line: list[Segment], spans: list[Span]) -> list[int]:
    """The columns a header cell stands over."""
    first = 1 if len(spans) > 1 else 0
    if position == 0 and cell.x0 < spans[0][0] + 24:
        return [0]
    over = [c for c in range(first, len(spans)) if _common((cell.x0, cell.x1), spans[c]) > 0]
    if position == 0 and not over and cell.x1 < spans[first][0] - 12:
        return [0]
    others = len(line) - (1 if line[0].x0 < spans[0][0] + 24 else 0)
    if others == 1 and PERIOD.search(cell.text):
        return list(range(first, len(spans)))
    if others == 1 and _titles_all(cell, over, spans):
        return [0]
    if len(over) > 1 and others < len(spans) - first:
        return over
    middle = (cell.x0 + cell.x1) / 2
    return [max(over, key=lambda c: _common((cell.x0, cell.x1), spans[c])) if over else _nearest(middle, spans)]


def _titles_all(cell: Segment, over: list[int], spans: list[Span]) -> bool:
    """A title or the units of the whole table: it lies over most columns, or is far wider than its own."""
    if len(over) > max(1, 0.6 * (len(spans) - 1)):
        return True
    width = max((spans[c][1] - spans[c][0] for c in over), default=0.0)
    return len(over) == 1 and cell.x1 - cell.x0 > 2.2 * width and len(cell.text) > 22


def _nearest(x: float, spans: list[Span]) -> int:
    return min(range(1 if len(spans) > 1 else 0, len(spans)), key=lambda c: abs((spans[c][0] + spans[c][1]) / 2 - x))


def is_data(line: list[Segment]) -> bool:
    """Whether a row holds values below a header, not the years or dates of a header."""
    values = [cell.text for cell in line if is_value(cell.text)]
    others = line[1:] if len(line) > 1 else line
    return bool(values) and not all(is_year(text) for text in values) and any(is_value(c.text) for c in others)


def heads(line: list[Segment]) -> bool:
    """Whether a row names columns: years or dates, and no values."""
    names = [cell for cell in line if is_year(cell.text) or is_date(cell.text)]
    return len(names) >= 2 and not any(is_value(cell.text) and not is_year(cell.text) for cell in line)


def _value_columns(lines: list[list[Segment]]) -> list[Span]:
    """Unions of overlapping values of data rows, and the label column left of them."""
    edge = _label_edge(lines)
    values = sorted((c.x0, c.x1) for line in lines if is_data(line) for c in line if is_value(c.text) and c.x0 > edge)
    spans = _unions(values)
    if not spans:
        return []
    seconds = [line[1] for line in lines if len(line) == 2]
    if len(seconds) >= 4 and _is_chart(lines):
        start = min(cell.x0 for cell in seconds)
        spans = [*(span for span in spans if span[1] <= start), (start, max(cell.x1 for cell in seconds))]
    texts = [c for line in lines for c in line if not is_value(c.text)]
    labels = [c for c in texts if c.x0 < spans[0][0] - 8]
    free = [c for line in lines if is_data(line) for c in line if not is_value(c.text) and c not in labels]
    between = [(c.x0, c.x1) for c in free if not any(_common((c.x0, c.x1), span) > 0 for span in spans)]
    columns = sorted(spans + _unions(sorted(between)))
    if labels:
        left = min(c.x0 for c in labels)
        columns.insert(0, (left, max(left + 1, spans[0][0] - 1)))
    return columns


def _is_chart(lines: list[list[Segment]]) -> bool:
    """Labels with one value each, at the ends of bars of different lengths: one column of values, not several."""
    return all(len(line) == 1 or (len(line) == 2 and is_value(line[1].text)) for line in lines)


def _label_edge(lines: list[list[Segment]]) -> float:
    """Where labels begin, and so do lines that continue one ("($7)"): values that far left are not a column."""
    firsts = [line[0] for line in lines if len(line) > 1 and is_data(line)]
    labels = sorted(cell.x0 for cell in firsts if not is_value(cell.text))
    return labels[len(labels) * 9 // 10] + 3 if len(labels) > 0.5 * len(firsts) else -1.0


def _text_columns(lines: list[list[Segment]]) -> list[Span]:
    """Columns of a table of texts: left edges that at least two rows share."""
    starts = sorted(cell.x0 for line in lines if len(line) > 1 for cell in line)
    groups: list[list[float]] = []
    for x in starts:
        if groups and x - groups[-1][-1] <= 6:
            groups[-1].append(x)
        else:
            groups.append([x])
    edges = [group[0] for group in groups if len(group) >= 2] or [group[0] for group in groups]
    right = max(cell.x1 for line in lines for cell in line)
    return [(edge, max(edge + 1, after - 2)) for edge, after in zip(edges, [*edges[1:], right + 2], strict=True)]


def _unions(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for x0, x1 in spans:
        if merged and x0 < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], x1))
        else:
            merged.append((x0, x1))
    return merged


def _common(a: Span, b: Span) -> float:
    return min(a[1], b[1]) - max(a[0], b[0])


def _placed(line: list[Segment], spans: list[Span]) -> list[str]:
    """One text a column; a cell goes where it overlaps most, else to the nearest. Wide labels stay labels."""
    texts = [""] * len(spans)
    for position, cell in enumerate(line):
        span = (cell.x0, cell.x1)
        column = max(range(len(spans)), key=lambda c: _common(span, spans[c]))
        if (position == 0 and cell.x0 < spans[0][0] + 12 and len(line) > 1) or (
            position == 0 and len(line) == 1 and cell.x0 < spans[0][0] + 40
        ):
            column = 0
        texts[column] = f"{texts[column]} {cell.text}".strip()
    return texts


def _header_length(lines: list[list[Segment]], texts: list[list[str]]) -> int:
    """How many rows come before the first row of values (or of a section's label)."""
    has_values = any(is_data(line) for line in lines)
    if not has_values:
        return 1 if len(texts) > 2 and all(len(cell) <= 48 for cell in texts[0]) and sum(map(bool, texts[0])) > 1 else 0
    first = next(index for index, line in enumerate(lines) if is_data(line))
    while first and texts[first - 1][0] and not any(texts[first - 1][1:]):
        first -= 1
    return first if first <= _MOST_HEADER_ROWS and any(any(text[1:]) for text in texts[:first]) else 0
