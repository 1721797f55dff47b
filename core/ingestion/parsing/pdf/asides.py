"""Takes texts that stand beside a column in another size (captions of a picture, infographics) out of its lines.

They would otherwise be read line by line into the sentences next to them. Pure geometry.
"""

from collections import Counter

from core.ingestion.parsing.pdf.rows import regroup
from core.ingestion.parsing.pdf.shapes import Row, Segment

_UNLIKE = 1.35  # times the size: smaller differences are emphasis
_LEAST_LETTERS = 24
_GAP = 2.5  # times the size: a wider hole between lines ends an aside


def without_asides(rows: list[Row]) -> list[list[Row]]:
    """The column's own rows, then each aside's; just the rows when there is none."""
    if all(len(row.segments) == 1 for row in rows):
        return [rows]
    sizes: Counter[float] = Counter()
    for row in rows:
        for segment in row.segments:
            sizes[round(segment.size)] += len(segment.text)
    usual = sizes.most_common(1)[0][0]
    taken: set[int] = set()
    asides: list[list[Segment]] = []
    for seed in _seeds(rows, usual):
        if id(seed) not in taken:
            aside = _grown(seed, rows)
            taken.update(map(id, aside))
            asides.append(aside)
    kept = [aside for aside in asides if _is_text(aside)]
    if not kept:
        return [rows]
    out = {id(segment) for aside in kept for segment in aside}
    own = [segment for row in rows for segment in row.segments if id(segment) not in out]
    return [regroup(own), *(regroup(aside) for aside in kept)]


def _seeds(rows: list[Row], usual: float) -> list[Segment]:
    """Segments of another size on a row with one of the usual size."""
    return [
        segment
        for row in rows
        if len(row.segments) > 1 and any(_alike(other.size, usual) for other in row.segments)
        for segment in row.segments
        if not _alike(segment.size, usual) and not segment.ruled
    ]


def _alike(size: float, usual: float) -> bool:
    return max(size, usual) < _UNLIKE * max(1.0, min(size, usual))


def _grown(seed: Segment, rows: list[Row]) -> list[Segment]:
    """The seed and the lines of its size above and below it, as far as they follow each other."""
    same = [s for row in rows for s in row.segments if abs(s.size - seed.size) < 0.08 * seed.size and not s.ruled]
    aside, left, right, top, bottom = [seed], seed.x0, seed.x1, seed.top, seed.bottom
    same.sort(key=lambda segment: abs(segment.top - seed.top))
    for segment in same:
        reach = _GAP * seed.size
        near = top - reach < segment.bottom and segment.top < bottom + reach
        if segment is not seed and near and min(right, segment.x1) > max(left, segment.x0):
            aside.append(segment)
            left, right = min(left, segment.x0), max(right, segment.x1)
            top, bottom = min(top, segment.top), max(bottom, segment.bottom)
    return aside


def _is_text(aside: list[Segment]) -> bool:
    """At least two lines, words rather than numbers."""
    text = "".join(segment.text for segment in aside)
    letters = sum(1 for sign in text if sign.isalpha())
    return len(aside) >= 2 and letters >= _LEAST_LETTERS and letters > 0.55 * len(text)
