"""The charts of the reports as lines, marks and words at places: the HTML draws them as SVG, the PDF on its page.

A mode has a colour and a shape of its own, so that a copy in black and white tells them apart. Knows neither SVG nor
PDF; y grows downwards, and all sizes follow from the size of the letters.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal
from unicodedata import east_asian_width

from core.evaluation.beside import TITLES

COLOURS = {"base": "#5B6675", "quote": "#2563EB", "rag": "#0F766E", "finetuned": "#B45309", "hybrid": "#6D28D9"}
CORNERS: dict[str, tuple[tuple[float, float], ...]] = {
    "base": (),
    "quote": ((-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)),
    "rag": ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
    "finetuned": ((0, -1.15), (1.15, 0.9), (-1.15, 0.9)),
    "hybrid": ((0, 1.15), (1.15, -0.9), (-1.15, -0.9)),
}
"""The corners of each mode's mark around its middle, in radii; none is a circle."""

GRID = "#B4BAC2"
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
LONGEST = 24
"""Letters of the name of a part."""

EM = 0.6
"""The mean width of a letter as a share of its size: DejaVu Sans, the widest of the reports' fonts."""

Anchor = Literal["start", "middle", "end"]
Box = tuple[float, float, float, float]
"""left, top, right, bottom"""


@dataclass(frozen=True, slots=True)
class Line:
    """From one place to another."""

    x1: float
    y1: float
    x2: float
    y2: float
    colour: str = GRID
    width: float = 0.6


@dataclass(frozen=True, slots=True)
class Mark:
    """`corners` are empty for a circle of radius `size`."""

    x: float
    y: float
    size: float
    colour: str
    corners: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Words:
    """`y` is the middle of the line; `clear` keeps lines from striking them through."""

    x: float
    y: float
    text: str
    size: float
    anchor: Anchor = "start"
    clear: bool = False

    @property
    def box(self) -> Box:
        """What they take at most."""
        wide = wide_of(self.text) * EM * self.size
        left = self.x - {"start": 0.0, "middle": wide / 2, "end": wide}[self.anchor]
        return left, self.y - 0.6 * self.size, left + wide, self.y + 0.6 * self.size


@dataclass(slots=True)
class Chart:
    """What is drawn, in its order: lines, marks, words."""

    title: str
    width: float
    height: float
    lines: list[Line] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Paper:
    """How wide a chart may be, and the size of its letters, in the same unit."""

    width: float
    letters: float

    def by_mode(self, modes: Mapping[str, Any], metric: str = "token_f1") -> Chart | None:
        """A row a mode: its mean as a mark with the number beside it, its interval as a line; None without scores."""
        rows = [(mode, found[metric]) for mode, found in modes.items() if metric in found]
        if not rows:
            return None
        em, left = self.letters, 7.5 * self.letters
        chart = Chart("Token F1 by mode", self.width, (2.2 * len(rows) + 2) * em)
        right = self.width - 3.5 * em
        self._grid(chart, left, right, chart.height - 1.8 * em)
        for number, (mode, found) in enumerate(rows):
            y = (2.2 * number + 1.1) * em
            chart.words.append(Words(0, y, TITLES.get(mode, mode), em))
            high = self._interval(chart, mode, found, y, left, right)
            chart.words.append(Words(high + 0.7 * em, y, f"{100 * found['mean']:.0f}", em))
        return chart

    def against_seconds(self, modes: Mapping[str, Any], metric: str = "token_f1") -> Chart | None:
        """A mark a mode: seconds an answer to the right, score with its interval upwards; None without scores."""
        points = [(mode, found["seconds"]["mean"], found[metric]) for mode, found in modes.items() if metric in found]
        if not points:
            return None
        em, left, top = self.letters, 3.2 * self.letters, 2.2 * self.letters
        chart = Chart("Quality against seconds an answer", self.width, 22 * em)
        right, bottom = self.width - em, chart.height - 3.6 * em
        across, up = (
            ticks(1.1 * max(point[1] for point in points)),
            ticks(100 * max(point[2]["high"] for point in points)),
        )
        for tick in across:
            x = left + tick / across[-1] * (right - left)
            chart.lines.append(Line(x, top, x, bottom))
            chart.words.append(Words(x, bottom + em, f"{tick:g}", 0.85 * em, "middle"))
        for tick in up:
            y = bottom - tick / up[-1] * (bottom - top)
            chart.lines.append(Line(left, y, right, y))
            chart.words.append(Words(left - 0.6 * em, y, f"{tick:g}", 0.85 * em, "end"))
        chart.words.append(Words((left + right) / 2, bottom + 2.6 * em, "seconds an answer", 0.9 * em, "middle"))
        chart.words.append(Words(0, 0.7 * em, "Token F1, points of 100", 0.9 * em))
        names = []
        for mode, seconds, found in points:
            x = left + seconds / across[-1] * (right - left)
            low, mean, high = (bottom - 100 * found[n] / up[-1] * (bottom - top) for n in ("low", "mean", "high"))
            chart.lines.append(Line(x, low, x, high, _colour(mode), 0.13 * em))
            chart.marks.append(self._mark(mode, x, mean, 0.42 * em))
            names.append((x, mean, TITLES.get(mode, mode), _colour(mode)))
        self._name(chart, names, (left, top, right, bottom))
        return chart

    def by_part(self, parts: Sequence[Mapping[str, Any]], title: str) -> Chart | None:
        """A row a part with a mark and an interval for each mode; None without parts.

        parts: `name`, `questions`, and `modes` with `mean`, `low` and `high` of each.
        """
        modes = [mode for mode in TITLES if any(mode in part["modes"] for part in parts)]
        if not modes:
            return None
        em, left, step = self.letters, 0.29 * self.width, 0.9 * self.letters
        row, top = len(modes) * step + 0.7 * em, 2.4 * em
        chart = Chart(title, self.width, top + row * len(parts) + 2 * em)
        right, bottom = self.width - em, chart.height - 1.8 * em
        self._legend(chart, modes)
        self._grid(chart, left, right, bottom, top)
        for number, part in enumerate(parts):
            at = top + number * row
            chart.lines.append(Line(0, at, right, at))
            name = f"{cut(part['name'], LONGEST)} ({part['questions']})"
            chart.words.append(Words(0, at + row / 2, name, 0.9 * em))
            for place, mode in enumerate(modes):
                if mode in part["modes"]:
                    y = at + 0.35 * em + (place + 0.5) * step
                    self._interval(chart, mode, part["modes"][mode], y, left, right, 0.32 * em)
        return chart

    def _legend(self, chart: Chart, modes: Sequence[str]) -> None:
        em = self.letters
        column = (max(wide_of(TITLES[mode]) for mode in modes) * EM + 2) * em
        for number, mode in enumerate(modes):
            x = 0.5 * em + number * column
            chart.marks.append(self._mark(mode, x, 0.9 * em, 0.4 * em))
            chart.words.append(Words(x + em, 0.9 * em, TITLES[mode], 0.9 * em))

    def _grid(self, chart: Chart, left: float, right: float, bottom: float, top: float = 0.0) -> None:
        """From 0 to 100, with numbers below."""
        for tick in TICKS:
            x = left + tick * (right - left)
            chart.lines.append(Line(x, top, x, bottom))
            chart.words.append(Words(x, bottom + 0.9 * self.letters, f"{100 * tick:.0f}", 0.8 * self.letters, "middle"))

    def _interval(
        self, chart: Chart, mode: str, found: Mapping[str, float], y: float, left: float, right: float, size: float = 0
    ) -> float:
        """A mean and its interval; returns how far to the right they reach."""
        low, mean, high = (left + found[name] * (right - left) for name in ("low", "mean", "high"))
        size = size or 0.45 * self.letters
        chart.lines.append(Line(low, y, high, y, _colour(mode), size / 2.4))
        chart.marks.append(self._mark(mode, mean, y, size))
        return max(high, mean + size)

    def _mark(self, mode: str, x: float, y: float, size: float) -> Mark:
        corners = tuple((x + size * right, y + size * down) for right, down in CORNERS.get(mode, ()))
        return Mark(x, y, size, _colour(mode), corners)

    def _name(self, chart: Chart, names: Sequence[tuple[float, float, str, str]], frame: Box) -> None:
        """Put a name to each mark where it lies on nothing else: beside it, else farther off with a line to it."""
        em = self.letters
        taken = [_around(mark.x, mark.y, 1.3 * mark.size) for mark in chart.marks]
        taken += [(line.x1 - 1, line.y2, line.x1 + 1, line.y1) for line in chart.lines if line.colour != GRID]
        for x, y, text, colour in sorted(names):
            places = [_placed(x, y, text, em, *way) for way in product(range(24), (1, -1), (1, -1))]
            inside = [each for each in places if _inside(each.box, frame)] or places[:1]
            found = next((each for each in inside if not any(_touch(each.box, other) for other in taken)), inside[0])
            if abs(found.y - y) > em:
                away = found.x - 0.2 * em if found.anchor == "start" else found.x + 0.2 * em
                chart.lines.append(Line(x, y, away, found.y, colour, 0.05 * em))
            chart.words.append(found)
            taken.append(found.box)


def _placed(x: float, y: float, text: str, em: float, far: int, side: int, down: int) -> Words:
    """A name to the right of its mark (`side` 1) or to its left, `far` half lines below (`down` 1) or above it."""
    return Words(x + side * 0.9 * em, y + down * far * 0.6 * em, text, em, "start" if side > 0 else "end", clear=True)


def ticks(highest: float) -> list[float]:
    """From 0 to at least `highest` in three to six steps of 1, 2 or 5 times a power of ten."""
    wanted = max(highest, 0.05) / 5
    power = 10.0 ** math.floor(math.log10(wanted))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= wanted)
    return [round(step * number, 9) for number in range(max(3, math.ceil(highest / step - 1e-9)) + 1)]


def wide_of(text: str) -> float:
    """How wide a text is, in letters of Latin."""
    return sum(2.0 if east_asian_width(letter) in "WF" else 1.0 for letter in text)


def cut(text: str, most: float) -> str:
    """On one line and no wider than so many letters; the middle goes, since names of files often differ at the end."""
    line = " ".join(text.split())
    if wide_of(line) <= most:
        return line
    left = right = ""
    for first, last in zip(line, reversed(line), strict=True):
        if wide_of(left + right + first + last) > most - 1:
            break
        left, right = left + first, last + right
    return f"{left.rstrip()}…{right.lstrip()}"


def _colour(mode: str) -> str:
    return COLOURS.get(mode, COLOURS["base"])


def _around(x: float, y: float, size: float) -> Box:
    return x - size, y - size, x + size, y + size


def _touch(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _inside(box: Box, frame: Box) -> bool:
    return box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]
