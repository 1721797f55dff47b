"""The figures of a text: numbers, amounts, percentages, doses, dates and codes; whether other texts hold them. Pure.

Figures agree when they mean the same however they are written: "1,000" and "1000", "sixty" and "60", "£" and "pounds",
"12.4 million" and "12,400,000", "3 March 2025" and "2025-03-03". A figure with a unit does not agree with one that has
another ("40 mg" with "40 mL"), but with a bare one, since tables print their units once, in a heading. Signs are not
compared. Knows English words, no decimal commas, and converts nothing: "24 hours" is not "1 day".
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.assistants.words import CALENDAR, NUMBER_WORDS
from core.evaluation.matching import FIGURE, SCALES

MONTHS = {name: number for number, name in enumerate(CALENDAR.split()[:12], 1)}
_MONTH = "(?P<month>" + "|".join(f"{name.capitalize()}|{name.capitalize()[:3]}" for name in MONTHS) + r"|Sept)\b\.?"
_DAY, _YEAR = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?", r"(?P<year>\d{4})"
DATES = tuple(
    re.compile(rf"(?<![\w.,/-])(?:{pattern})(?![\w/-])")
    for pattern in (
        rf"{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR})?",
        rf"{_MONTH}\s+{_DAY}(?:,?\s+{_YEAR})?",
        rf"{_MONTH},?\s+{_YEAR}",
        r"(?P<year>\d{4})-(?P<number>\d{1,2})-(?P<day>\d{1,2})(?:T[\d:.]+)?",
        r"(?P<day>\d{1,2})(?P<slash>[./-])(?P<number>\d{1,2})(?P=slash)(?P<year>\d{4})",
    )
)

UNITS = {
    "%": "% percent percentage", "pound": "£ gbp pound", "euro": "€ eur euro", "dollar": "$ usd cad aud dollar",
    "yen": "¥ jpy yen", "chf": "chf", "mg": "mg milligram", "mcg": "mcg µg μg microgram", "g": "g gram",
    "kg": "kg kilogram", "ml": "ml millilitre milliliter", "litre": "l litre liter", "mmol": "mmol", "iu": "iu",
    "mm": "mm millimetre millimeter", "cm": "cm centimetre centimeter", "metre": "metre meter", "km": "km kilometre",
    "mile": "mile", "second": "second sec", "minute": "minute min", "hour": "hour h hr", "day": "day", "week": "week",
    "month": "month", "year": "year", "watt": "w watt", "kw": "kw", "kwh": "kwh", "wh": "wh", "mah": "mah",
    "volt": "v volt", "°c": "°c", "°f": "°f", "db": "db", "kpa": "kpa", "bar": "bar", "hz": "hz", "ghz": "ghz",
    "mb": "mb", "gb": "gb", "time": "time", "dose": "dose", "tablet": "tablet", "capsule": "capsule", "drop": "drop",
}  # fmt: skip
"""Each unit by one name: what it is written as, without the plural's "s"."""
NAMED = {spelling: name for name, spellings in UNITS.items() for spelling in spellings.split()}
_SPELLINGS = "|".join(f"{re.escape(each)}s?" for each in sorted(NAMED, key=len, reverse=True) if each[-1].isalpha())
UNIT = re.compile(
    r"[\s-]?(?:(?:working|business|calendar|consecutive|square|cubic)\s)?"
    rf"(?P<unit>[%$€£¥]|per\s?cent(?:age)?\b|(?:{_SPELLINGS})(?![^\W_]))",
    re.I,
)
BEFORE = re.compile(r"(?:(?P<sign>[$€£¥])|\b(?P<code>gbp|usd|cad|aud|eur|chf|jpy))\s?$", re.I)
_WORD = "(?:" + "|".join(sorted((*NUMBER_WORDS, "eighty"), key=len, reverse=True)) + ")"
IN_WORDS = re.compile(rf"(?<![\w-]){_WORD}(?:[\s-](?:and\s)?{_WORD})*(?!\w)", re.I)
CODE = re.compile(r"(?<![\w.,/-])(?!(?:Q|H|FY|Mid|Pre|Post|Non|Sub|Day)-?\d)[A-Z][A-Za-z]{0,5}-?\d[\w-]*")
LIKE_A_CODE = re.compile(r"(?<![^\W_])[A-Za-z]{1,6}[\s-]?\d[\w-]*")
MARKER = re.compile(r"^[ \t]*(?:[-*•][ \t]+)?(?:\d+[.)]|\(\d+\))[ \t]|\[\d+(?:,\s?\d+)*\]", re.M)
"""The number of a list's item, and of a source: neither says anything about what is asked."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A number as it was meant: `plain` as it is printed, `full` with its scale; `unit` by its one name, "" if bare."""

    text: str
    plain: Decimal
    full: Decimal
    unit: str

    def agrees(self, held: "Amount") -> bool:
        """Whether `held`, of a source, is the same; a scale or a unit that only one of them has is no difference."""
        scaled = self.plain != self.full and held.plain != held.full
        same = self.full == held.full or (self.plain == held.plain and not scaled)
        return same and (not self.unit or held.unit in ("", self.unit))


@dataclass(frozen=True, slots=True)
class Day:
    """A date, or a month of a year. `readings` are (month, day): two where either number may be the month."""

    text: str
    year: int | None
    readings: tuple[tuple[int, int | None], ...]

    def agrees(self, held: "Day") -> bool:
        """Whether `held`, of a source, is the same day; one that names none is held by any day of its month."""
        if self.year and held.year and self.year != held.year:
            return False
        return any(
            month == other and day in (None, own) for month, day in self.readings for other, own in held.readings
        )

    def spread_over(self, text: str) -> bool:
        """Whether a month of a year stands in a text in two places, as in a table's header; never of a whole date."""
        names = [
            f"{name.capitalize()}|{name.capitalize()[:3]}" for name, n in MONTHS.items() if (n, None) in self.readings
        ]
        return bool(names) and _names(self.year, text) and bool(re.search(rf"\b(?:{names[0]})\b", text))


@dataclass(frozen=True, slots=True)
class Code:
    """A name with digits in it, such as HC-3: `plain` is it without hyphens, in small letters."""

    text: str
    plain: str


class Held:
    """The figures of some texts, for others to be looked up in."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = [_spaced(text) for text in texts]
        self._amounts = [amount for text in self._texts for amount in _amounts(text, every=True)]
        self._days = [(day, text) for text in self._texts for day, _ in _days(text)]
        self._codes = {code for text in self._texts for code in _codes(text)}

    def __contains__(self, said: object) -> bool:
        """Whether one of the texts holds a figure of that meaning."""
        if isinstance(said, Amount):
            return any(said.agrees(amount) for amount in self._amounts)
        if isinstance(said, Day):
            dated = any(said.agrees(day) and (day.year or _names(said.year, text)) for day, text in self._days)
            return dated or any(said.spread_over(text) for text in self._texts)
        return isinstance(said, Code) and said.plain in self._codes


def figures(text: str) -> list[Amount | Day | Code]:
    """Every figure that a text states, by kind, without the numbers of lists and sources and a "two" without a unit."""
    rest = MARKER.sub(lambda match: " " * len(match[0]), _spaced(text))
    days, codes = [], []
    for day, (start, end) in _days(rest):
        days.append(day)
        rest = f"{rest[:start]}{'.' * (end - start)}{rest[end:]}"
    for match in CODE.finditer(rest):
        codes.append(Code(match[0], match[0].replace("-", "").lower()))
        rest = f"{rest[: match.start()]}{'.' * len(match[0])}{rest[match.end() :]}"
    return [*days, *_amounts(rest), *codes]


def _amounts(text: str, *, every: bool = False) -> Iterator[Amount]:
    """The numbers of a text in digits, then those in words: with a unit, or `every` one."""
    for match in FIGURE.finditer(text):
        plain = Decimal(re.sub(r"[,'’]", "", match["digits"]))
        scale = (match["unit"] or "").lower()
        unit, end = _unit(text, match.end())
        before = BEFORE.search(text, max(0, match.start() - 5), match.start("digits"))
        if before:
            unit = NAMED[(before["sign"] or before["code"]).lower()]
        elif scale and scale not in SCALES:
            unit, end = "%", match.end()
        start = before.start() if before else match.start("digits")
        shown = " ".join(text[start:end].replace(")", "").split())
        yield Amount(shown, plain, plain.scaleb(SCALES.get(scale, 0)), unit)
    for match in IN_WORDS.finditer(text):
        unit, end = _unit(text, match.end())
        if every or (unit and match[0].lower() != "one"):
            value = Decimal(_value(match[0]))
            yield Amount(text[match.start() : end], value, value, unit)


def _unit(text: str, at: int) -> tuple[str, int]:
    """The unit that begins there, by its one name, and where it ends; "" without one."""
    match = UNIT.match(text, at)
    if match is None:
        return "", at
    spelling = re.sub(r"\s", "", match["unit"].lower())
    return NAMED.get(spelling) or NAMED[spelling.removesuffix("s")], match.end()


def _value(written: str) -> int:
    """A number in words: "twenty-four", "two hundred and fifty"."""
    total = 0
    for word in re.findall(r"[a-z]+", written.lower()):
        value = 80 if word == "eighty" else int(NUMBER_WORDS.get(word, 0))
        total = max(1, total) * 100 if word == "hundred" else total + value
    return total


def _days(text: str) -> Iterator[tuple[Day, tuple[int, int]]]:
    """The dates of a text, each once, with where they stand."""
    taken: list[tuple[int, int]] = []
    for pattern in DATES:
        for match in pattern.finditer(text):
            start, end = match.span()
            found = match.groupdict()
            readings = tuple(_readings(found))
            if readings and not any(start < last and first < end for first, last in taken):
                taken.append((start, end))
                yield Day(match[0], int(found["year"]) if found.get("year") else None, readings), (start, end)


def _readings(found: dict[str, str | None]) -> Iterator[tuple[int, int | None]]:
    day = int(found["day"] or 0) if "day" in found else None
    if found.get("month"):
        month = next(n for name, n in MONTHS.items() if name.startswith((found["month"] or "").lower()[:3]))
        yield from [(month, day)] if day is None or 1 <= day <= 31 else []
        return
    number, other = int(found["number"] or 0), day or 0
    pairs = [(number, other), (other, number)] if found.get("slash") else [(number, other)]
    yield from ((month, own) for month, own in pairs if 1 <= month <= 12 and 1 <= own <= 31)


def _codes(text: str) -> Iterator[str]:
    """What may be a code in a source, however it is spaced, and its beginnings up to each hyphen."""
    for match in LIKE_A_CODE.finditer(text):
        plain = ""
        for part in re.split(r"[\s-]", match[0].lower()):
            plain += part
            yield plain


def _names(year: int | None, text: str) -> bool:
    """Whether a text names the year, somewhere; true of none."""
    return year is None or str(year) in text


def _spaced(text: str) -> str:
    """With plain spaces, so that digits grouped by spaces read the same whichever kind they are."""
    return re.sub(r"[\u00a0\u2009\u202f]", " ", text)
