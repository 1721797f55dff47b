"""What kind of thing a question asks for, and whether a sentence holds one: a number, a time, a name. Pure."""

import re
from collections.abc import Container, Mapping

from core.assistants.words import MONTHS, Word, words

AMOUNTS = r"number|amount|total|rate|cost|price|fee|limit|dose|value|percentage"
KINDS: Mapping[str, re.Pattern[str]] = {
    "number": re.compile(
        r"\bhow (?:many|much|long|old|far|tall|large|often|high)\b|\bpercent"
        rf"|\bwhat (?:is|was|were|are) the (?:\w+ ){{0,3}}(?:{AMOUNTS})\b",
        re.I,
    ),
    "time": re.compile(
        r"\bwhen\b|\b(?:what|which) (?:\w+ )?(?:year|date|day|month|century|decade|time)\b|\bhow soon\b|\bdeadline\b",
        re.I,
    ),
    "person": re.compile(r"\bwho(?:se|m)?\b", re.I),
    "place": re.compile(r"\bwhere\b|\b(?:what|which) (?:city|country|state|place|town|region)\b", re.I),
}
"""What a question asks for, by its words; the first kind that matches counts."""

UNIT = r"(?:years?|months?|weeks?|days?|hours?|minutes?|seconds?)"
HOW_LONG = re.compile(rf"\bhow long\b|\bhow many {UNIT}\b", re.I)
SPAN = re.compile(
    rf"{UNIT}\b|\b(?:decades?|centur(?:y|ies)|until|till|since|before|after|from|between|through)\b", re.I
)
"""What a length of time is told by: its units, or that it begins or ends somewhere."""


def wanted_kind(question: str) -> str:
    """What kind of thing a question asks for: "person", "time", "number", "place" or "" (anything)."""
    return next((kind for kind, pattern in KINDS.items() if pattern.search(question)), "")


def has_kind(kind: str, sentence: str, asked: Container[str]) -> float:
    """1 if the sentence holds something of the wanted kind that the question does not name itself; else 0."""
    new = [word for word in words(sentence) if word.stem not in asked]
    if kind == "number":
        return float(any(word.kind == "number" for word in new))
    if kind == "time":
        return float(any(_is_time(word) for word in new))
    if kind in ("person", "place"):
        return float(any(word.kind == "name" for word in new))
    return 0.0


def misses(question: str, sentence: str) -> bool:
    """Whether it answers how long something lasts with a day and no more: "The term is 29 September 2024."."""
    if not HOW_LONG.search(question) or SPAN.search(sentence):
        return False
    return any(word.text.lower() in MONTHS and word.text[0].isupper() for word in words(sentence))  # not "may"


def _is_time(word: Word) -> bool:
    year = word.kind == "number" and len(word.stem) == 4 and word.stem[:2] in ("15", "16", "17", "18", "19", "20")
    return year or word.text.lower() in MONTHS or (word.kind == "number" and len(word.stem) <= 2)
