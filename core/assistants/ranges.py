"""Rows for a range of figures: which of them a question's own figure falls in.

A table of doses, fees or discounts has a row for "50 or more" and a row for "30 to 49". To meaning and to words both
are alike; for a question about 40 one of them is the answer and the other is wrong. A row whose range excludes the
figure gives way to the row of the same table whose range holds it, and only then: nothing is decided by a table that
has no such row. Points of a list are read alike. Knows English, as `amounts` does. Pure.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from core.assistants.amounts import NAMED, UNITS
from core.assistants.sentences import POINT, Sentence, cells
from core.assistants.words import MONTHS, content_words, stems
from core.evaluation.matching import SCALES
from core.retrieval.passages import Passage

APART = 1.5
"""How much less a row weighs whose range excludes the figure: below what a second quoted sentence has to have."""
NEAR, AFTER = 6, 2
"""Content words before and after a figure among which it is named: "a creatinine clearance of 40", "12 new users"."""
FIRST = 60
"""Characters of a cell, or of a point of a list, in which its range begins."""

_SIGN = r"(?P<sign{i}>[$€£¥]\s?)?"
_NUMBER = _SIGN + r"(?P<digits{i}>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?!,?\d)"
_SCALE = r"(?:\s?(?P<scale{i}>thousand|million|billion|trillion|bn|k)\b)?"
_NO_UNIT = r"(?!(?:or|and|to|up|in|at|of|on|by|but|if|is|are|was|for|per|the|a)\b)"
_UNIT = rf"(?:[\s-]?(?P<unit{{i}}>%|per\s?cent\b|°[CF]\b|{_NO_UNIT}[^\W\d_]+(?:/[^\W_]+)*))?"


def _figure(i: int) -> str:
    return (_NUMBER + _SCALE + _UNIT).replace("{i}", str(i))


_LESS = r"(?:below|under|(?:less|fewer|lower|younger|shorter|smaller) than|<)"
_MOST = r"(?:up to|at most|(?:no|not) (?:more|greater|higher|longer) than|until|≤|<=)"
_MORE = r"(?:above|over|(?:more|greater|higher|older|longer|larger) than|exceeding|beyond|>)"
_LEAST = r"(?:at least|from|starting at|minimum(?: of)?|(?:no|not) (?:less|fewer|lower) than|≥|>=)"
_UPWARDS = r"(?:or|and) (?:more|above|over|greater|higher|older|longer|larger|up(?:wards)?)\b|\+"
_DOWNWARDS = r"(?:or|and) (?:less|below|under|fewer|lower|younger|shorter|smaller)\b"
_AFTER = r"(?:\s(?P<after>[^\W\d_]+(?:/[^\W_]+)*))?"
BETWEEN = re.compile(
    rf"(?P<above>{_MORE}\s)?(?<![\w.]){_figure(1)}\s?(?:up to|to|and|[-–—])\s?"
    rf"(?:(?:but )?(?P<below>{_LESS})\s)?{_figure(2)}",
    re.I,
)
ONE_SIDED = re.compile(
    rf"(?<![^\W\d_])(?P<word>(?P<less>{_LESS})|(?P<most>{_MOST})|(?P<more>{_MORE})|(?P<least>{_LEAST}))\s?{_figure(1)}"
    rf"|(?<![\w.]){_figure(2)}\s?(?:(?P<up>{_UPWARDS})|(?P<down>{_DOWNWARDS})){_AFTER}",
    re.I,
)
FIGURE = re.compile(rf"(?<![\w.,/-]){_figure(1)}", re.I)


@dataclass(frozen=True, slots=True)
class Range:
    """Figures from `low` to `high`, each with whether it belongs; of a unit ("" where none is written).

    `start` is where it begins in its text.
    """

    low: Decimal | None
    high: Decimal | None
    with_low: bool
    with_high: bool
    unit: str
    start: int

    def holds(self, value: Decimal) -> bool:
        """Whether a figure falls in it."""
        above = self.low is None or value > self.low or (self.with_low and value == self.low)
        below = self.high is None or value < self.high or (self.with_high and value == self.high)
        return above and below


@dataclass(frozen=True, slots=True)
class Asked:
    """A figure of a question: its unit ("" where none is written), and the stems of the words around it."""

    value: Decimal
    unit: str
    named: frozenset[str]


def settled(
    question: str, units: Sequence[tuple[Passage, Sentence]], scores: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The scores [n] of sentences after rows whose range excludes the question's figure gave way to those with it."""
    figures = asked(question)
    if not figures:
        return scores
    scores = scores.copy()
    for group in _groups(units):
        verdicts = _verdicts(figures, [units[i][1] for i in group])
        inside = [i for i in group if verdicts.get(units[i][1]) is True]
        outside = [i for i in group if verdicts.get(units[i][1]) is False]
        if inside and outside:
            together = sorted((float(scores[i]) for i in (*inside, *outside)), reverse=True)
            by_score = sorted(inside, key=lambda i: -scores[i]) + sorted(outside, key=lambda i: -scores[i])
            for place, i in enumerate(by_score):
                scores[i] = together[place] - (APART if i in outside else 0.0)
    return scores


def asked(question: str) -> list[Asked]:
    """The figures of a question that a range may hold: not what is itself a range, nor part of a name or date."""
    taken = [match.span() for pattern in (BETWEEN, ONE_SIDED) for match in pattern.finditer(question)]
    found, last = [], 0
    for match in FIGURE.finditer(question):
        unit = _unit(match, 1)
        if any(start <= match.start("digits1") < end for start, end in taken) or _is_date(match, unit):
            continue
        before = content_words(question[last : match.start()])[-NEAR:]
        after = content_words(question[match.end("digits1") :])[: 0 if unit in UNITS else AFTER]
        found.append(Asked(_value(match, 1), unit, frozenset(word.stem for word in (*before, *after))))
        last = match.end()
    return found


def ranges(text: str) -> list[Range]:
    """The ranges of a text, in order."""
    found = []
    taken: list[tuple[int, int]] = []
    for match in BETWEEN.finditer(text):
        low, high = _value(match, 1), _value(match, 2)
        if low < high:
            taken.append(match.span())
            unit = _unit(match, 2) or _unit(match, 1)
            found.append(Range(low, high, not match["above"], not match["below"], unit, match.start()))
    for match in ONE_SIDED.finditer(text):
        if not any(start < match.end() and match.start() < end for start, end in taken):
            found.append(_one_sided(match))
    return sorted(found, key=lambda each: each.start)


def _one_sided(match: re.Match[str]) -> Range:
    if match["word"]:
        value, unit = _value(match, 1), _unit(match, 1)
        if match["less"] or match["most"]:
            return Range(None, value, False, bool(match["most"]), unit, match.start())
        return Range(value, None, bool(match["least"]), False, unit, match.start())
    value, unit = _value(match, 2), _unit(match, 2) or _one_name(match["after"] or "")
    if match["up"]:
        return Range(value, None, True, False, unit, match.start())
    return Range(None, value, False, True, unit, match.start())


def _groups(units: Sequence[tuple[Passage, Sentence]]) -> Iterator[list[int]]:
    """The sentences that stand beside each other as rows of one table of a document, or points of one passage."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for i, (passage, sentence) in enumerate(units):
        if sentence.row:
            groups.setdefault((passage.document_id, sentence.header), []).append(i)
        elif POINT.match(sentence.text):
            groups.setdefault((passage.document_id, passage.rank), []).append(i)
    yield from (group for group in groups.values() if len(group) > 1)


def _verdicts(figures: Sequence[Asked], group: Sequence[Sentence]) -> Mapping[Sentence, bool]:
    """Which rows hold the figure and which exclude it, by the first column that has both; empty without one."""
    parts = {each: _parts(each) for each in group}
    for column in range(max(map(len, parts.values()))):
        verdicts = {}
        for each, own in parts.items():
            verdict = _holds(figures, own[column], _heading(each, column)) if column < len(own) else None
            if verdict is not None:
                verdicts[each] = verdict
        if len(set(verdicts.values())) == 2:
            return verdicts
    return {}


def _holds(figures: Sequence[Asked], cell: str, heading: str) -> bool | None:
    """Whether the range of a cell holds one of the figures that are of its kind; None without such a figure."""
    own = next(iter(ranges(cell)), None)
    if own is None or own.start > FIRST:
        return None
    named = stems(f"{heading} {cell[: own.start]}")
    of_its_kind = [
        each for each in figures if (each.unit == own.unit if each.unit and own.unit else each.named & named)
    ]
    return any(own.holds(each.value) for each in of_its_kind) if of_its_kind else None


def _parts(sentence: Sentence) -> list[str]:
    return cells(sentence.text) if sentence.row else [sentence.text]


def _heading(sentence: Sentence, column: int) -> str:
    """What stands above a cell."""
    above = [cells(line) for line in sentence.header.splitlines()]
    return " ".join(line[column] for line in above if column < len(line))


def _is_date(match: re.Match[str], unit: str) -> bool:
    """A year, or the day of a month."""
    year = not unit and re.fullmatch(r"(?:19|20)\d\d", match["digits1"])
    return bool(year) or unit in MONTHS


def _value(match: re.Match[str], i: int) -> Decimal:
    scale = (match[f"scale{i}"] or "").lower()
    return Decimal(match[f"digits{i}"].replace(",", "")).scaleb(SCALES.get(scale, 0))


def _unit(match: re.Match[str], i: int) -> str:
    sign = (match[f"sign{i}"] or "").strip()
    return NAMED[sign] if sign else _one_name(match[f"unit{i}"] or "")


def _one_name(written: str) -> str:
    """A unit by its one name: "years" and "year", "€" and "euro"."""
    plain, _, per = re.sub(r"\s", "", written.lower()).partition("/")
    name = NAMED.get(plain) or NAMED.get(plain.removesuffix("s")) or plain.removesuffix("s")
    return f"{name}/{per}" if per else name
