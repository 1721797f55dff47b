"""Groups words into rows that share a baseline and cuts rows into segments at wide gaps. Pure geometry."""

import re
from bisect import bisect_left
from itertools import pairwise

from core.ingestion.parsing.pdf.shapes import Row, Segment, Word

_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_OVERLAP = 0.55  # of the smaller height: less is another line
_WIDE = 0.95  # of the font size: a wider gap separates cells or columns
_ENUMERATOR = re.compile(
    r"^(\(?[0-9]{1,2}[.)]|\(?[a-zA-Z][.)]|\(?[ivxIVX]{1,5}[.)]|[0-9]{1,2}(\.[0-9]{1,2}){1,3}\.?|\([a-z]{2,4}\)"
    r"|[•▪◦●○■□·°–*§¶†‡onqü-])$"  # o, n, q and ü are what Wingdings bullets are written as
)
_BULLETS = frozenset("•▪◦●○■□◆➢✓")
_HANG = 90.0  # points: an enumerator stands no farther from its text


def to_rows(words: list[Word]) -> list[Row]:
    """Rows from top to bottom."""
    lines = [line for line in _lines(words) if line]
    rows = [_row(line) for line in lines]
    return sorted(rows, key=lambda row: (row.top + row.bottom) / 2)


def _lines(words: list[Word]) -> list[list[Word]]:
    """Words whose boxes overlap vertically by more than half, grouped; a bullet goes where its text is."""
    lines: list[tuple[float, float, list[Word]]] = []
    bullets: list[Word] = []
    for word in sorted(words, key=lambda word: (word.top + word.bottom) / 2):
        if word.text in _BULLETS:
            bullets.append(word)
            continue
        for index in range(len(lines) - 1, max(-1, len(lines) - 5), -1):
            top, bottom, members = lines[index]
            common = min(bottom, word.bottom) - max(top, word.top)
            if common > _OVERLAP * max(0.1, min(bottom - top, word.bottom - word.top)):
                members.append(word)
                break
        else:
            lines.append((word.top, word.bottom, [word]))
    if bullets:
        _place_bullets(bullets, lines)
    return [members for _, _, members in lines]


def _place_bullets(bullets: list[Word], lines: list[tuple[float, float, list[Word]]]) -> None:
    """Bullets are often set taller than their text and would join the wrong line: the nearest text right decides."""
    text = sorted((word for _, _, members in lines for word in members), key=lambda word: word.top)
    tops = [word.top for word in text]
    home = {id(word): members for _, _, members in lines for word in members}
    for bullet in bullets:
        near = text[bisect_left(tops, bullet.top - 2 * bullet.size) : bisect_left(tops, bullet.bottom)]
        middle = (bullet.top + bullet.bottom) / 2
        beside = [w for w in near if 0 <= w.x0 - bullet.x1 + 2 < _HANG and w.top - 2 < middle < w.bottom + 2]
        if beside:
            home[id(min(beside, key=lambda w: (w.x0 - bullet.x1) + abs((w.top + w.bottom) / 2 - middle)))].append(
                bullet
            )
        else:
            lines.append((bullet.top, bullet.bottom, [bullet]))


def _row(line: list[Word]) -> Row:
    texts = [word for word in line if word.text not in _BULLETS] or line
    top, bottom = min(word.top for word in texts), max(word.bottom for word in texts)
    line.sort(key=lambda word: word.x0)
    groups: list[list[Word]] = [[line[0]]]
    reach = line[0].x1
    for word in line[1:]:
        if word.x0 - reach > _WIDE * max(4.0, min(word.size, groups[-1][-1].size)):
            groups.append([word])
        elif not _is_doubled(word, groups[-1][-1]):
            groups[-1].append(word)
        reach = max(reach, word.x1)
    return Row(_with_enumerator([_segment(group) for group in groups]), top, bottom)


def _is_doubled(word: Word, other: Word) -> bool:
    """Fake bold: the same word drawn twice, a hair apart."""
    return word.text == other.text and abs(word.x0 - other.x0) < 0.15 * word.size and abs(word.top - other.top) < 1


def _segment(group: list[Word]) -> Segment:
    x0, x1 = group[0].x0, max(word.x1 for word in group)
    texts = [word for word in group if word.text not in _BULLETS] or group
    top, bottom = min(word.top for word in texts), max(word.bottom for word in texts)
    longest = max(group, key=lambda word: len(word.text))
    bold = sum(len(word.text) for word in group if word.bold) > 0.8 * sum(len(word.text) for word in group)
    if sum(1 for word in group if _RTL.search(word.text)) * 2 > len(group):
        group = sorted(group, key=lambda word: -word.x1)
    return Segment(_text(group), x0, x1, top, bottom, longest.size, bold, group)


def _text(group: list[Word]) -> str:
    """The words with a blank between them, none where the glyphs touch (a font change inside a word)."""
    parts = [group[0].text]
    for before, word in pairwise(group):
        gap = max(word.x0 - before.x1, before.x0 - word.x1)
        touches = gap < 0.08 * word.size and word.order - before.order == len(before.text)
        parts.append(word.text if touches else " " + word.text)
    return "".join(parts)


def _with_enumerator(segments: list[Segment]) -> list[Segment]:
    """A bullet or number and the text after it are one segment, though a tab apart."""
    first, second = segments[0], segments[1] if len(segments) >= 2 else segments[0]
    near = second.x0 - first.x1 < _HANG
    if len(segments) >= 2 and near and _ENUMERATOR.match(first.text) and not _is_number(second.text):
        text, top, bottom = f"{first.text} {second.text}", second.top, second.bottom
        merged = Segment(text, first.x0, second.x1, top, bottom, second.size, second.bold, first.words + second.words)
        return [merged, *segments[2:]]
    return segments


def _is_number(text: str) -> bool:
    """Whether a cell of numbers or of further enumerators stands there, not the text that is enumerated."""
    return text[:1].isdigit() or _ENUMERATOR.match(text) is not None


def regroup(segments: list[Segment]) -> list[Row]:
    """Rows of one column's segments: the neighbours in other columns no longer decide what is one line."""
    lines: list[list[Segment]] = []
    for segment in sorted(segments, key=lambda segment: (segment.top + segment.bottom) / 2):
        last = lines[-1][-1] if lines else None
        common = min(last.bottom, segment.bottom) - max(last.top, segment.top) if last else 0.0
        if last and common > _OVERLAP * max(0.1, min(last.bottom - last.top, segment.bottom - segment.top)):
            lines[-1].append(segment)
        else:
            lines.append([segment])
    for line in lines:
        line.sort(key=lambda segment: segment.x0)
    return [Row(line, min(s.top for s in line), max(s.bottom for s in line)) for line in lines]
