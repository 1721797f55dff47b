"""Where a stretch of a page's text stands on the page's picture. Pure.

The text of a page was put together from its words: columns in order, hyphens mended, tables written with
pipes, headers left out. So the words of the text are found again among the words of the picture: runs that
agree are followed as long as they go on, and each word of the picture is used once where it can be.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from core.ingestion.pictures import PlacedWord

PIECE = re.compile(r"[^\W_]+")
LOOK = 12
"""Words by which two beginnings of a run are compared."""
Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a picture, in shares (0..1) of its width and height, and the words it covers."""

    left: float
    top: float
    right: float
    bottom: float
    text: str


@dataclass(frozen=True, slots=True)
class _Piece:
    """A run of letters and digits, lower case: of the text from `start` to `end`, of the picture in word `start`."""

    text: str
    start: int
    end: int


def boxes(text: str, words: Sequence[PlacedWord], stretches: Sequence[Stretch]) -> list[list[Box]]:
    """For each stretch of the page's text (half open), the rectangles that cover its words, one a line.

    A stretch none of whose words is found has no rectangle.
    """
    found = aligned(text, words)
    return [_lines([words[at] for at in _within(found, stretch)]) for stretch in stretches]


def aligned(text: str, words: Sequence[PlacedWord]) -> list[tuple[int, int, list[int]]]:
    """For each run of letters and digits of the text: its offsets, and the words of the picture that it is."""
    said = [_Piece(match.group().lower(), *match.span()) for match in PIECE.finditer(text)]
    seen = [
        _Piece(match.group().lower(), at, at) for at, word in enumerate(words) for match in PIECE.finditer(word.text)
    ]
    places: dict[str, list[int]] = defaultdict(list)
    for at, piece in enumerate(seen):
        places[piece.text].append(at)
        if at + 1 < len(seen):  # a word that was divided at the end of a line
            places[piece.text + seen[at + 1].text].append(at)
    used: set[int] = set()
    found: list[tuple[int, int, list[int]]] = []
    cursor = -1
    for number, piece in enumerate(said):
        took = _taken(piece.text, seen, cursor) if cursor not in used else 0
        if not took and (begins := [at for at in places.get(piece.text, ()) if at not in used]):
            cursor = max(begins, key=lambda at: (_run(said, number, seen, at), -at))
            took = _taken(piece.text, seen, cursor)
        taken = range(cursor, cursor + took)
        used.update(taken)
        found.append((piece.start, piece.end, [seen[at].start for at in taken]))
        cursor = cursor + took if took else -1
    return found


def _taken(text: str, seen: Sequence[_Piece], at: int) -> int:
    """How many pieces of the picture from `at` on are that word: 1, 2 when it was divided, else 0."""
    if not 0 <= at < len(seen):
        return 0
    if seen[at].text == text:
        return 1
    return 2 if at + 1 < len(seen) and seen[at].text + seen[at + 1].text == text else 0


def _run(said: Sequence[_Piece], number: int, seen: Sequence[_Piece], at: int) -> int:
    """How many words agree from here on, up to LOOK."""
    for length in range(LOOK):
        took = _taken(said[number + length].text, seen, at) if number + length < len(said) else 0
        if not took:
            return length
        at += took
    return LOOK


def _within(found: Sequence[tuple[int, int, list[int]]], stretch: Stretch) -> list[int]:
    inside = [at for start, end, pieces in found if start < stretch[1] and end > stretch[0] for at in pieces]
    return list(dict.fromkeys(inside))


def _lines(words: Sequence[PlacedWord]) -> list[Box]:
    """Words in reading order as one rectangle a line: a word that follows on the same line joins."""
    lines: list[Box] = []
    for word in words:
        last = lines[-1] if lines else None
        if last is not None and _follows(last, word):
            lines[-1] = Box(
                min(last.left, word.left),
                min(last.top, word.top),
                max(last.right, word.right),
                max(last.bottom, word.bottom),
                f"{last.text} {word.text}",
            )
        else:
            lines.append(Box(word.left, word.top, word.right, word.bottom, word.text))
    return lines


def _follows(line: Box, word: PlacedWord) -> bool:
    height = max(word.bottom - word.top, 1e-6)
    level = min(line.bottom, word.bottom) - max(line.top, word.top) > height / 2
    return level and -height < word.left - line.right < 1.5 * height
