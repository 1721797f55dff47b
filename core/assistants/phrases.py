"""Names in a question, with the words and numbers that belong to them, and which of them are of one kind. Pure."""

import re
from dataclasses import dataclass

from core.assistants.words import CALENDAR, Word, words

CALENDAR_WORDS = frozenset(CALENDAR.split())


@dataclass(frozen=True, slots=True)
class Phrase:
    """A name in a text: "Brio 20", "E3", "Q2 2025"."""

    start: int
    end: int
    text: str

    @property
    def family(self) -> set[str]:
        """Its words, without those that are numbers."""
        return {word.lower() for word in self.text.split() if not any(c.isdigit() for c in word)}

    @property
    def shape(self) -> str:
        """`E3` and `E12` look alike, as do `2024` and `2025`, `March` and `June`, `Pumps` and `Flow Instruments`."""
        if self.text.lower() in CALENDAR_WORDS:
            return "calendar"
        shape = re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", self.text))
        return re.sub(r"a(?: a)+", "a", shape)

    @property
    def dated(self) -> bool:
        """Whether it is a day, a month or a bare number, which replaces no name of a thing."""
        return self.shape in ("calendar", "0")

    @property
    def parts(self) -> list["Phrase"]:
        """Its words, each where it stands."""
        return [
            Phrase(self.start + m.start(), self.start + m.end(), m.group()) for m in re.finditer(r"[^\s-]+", self.text)
        ]


def phrases(text: str) -> list[Phrase]:
    """Names with the words and numbers that belong to them, in order."""
    found: list[Phrase] = []
    for word in names(text):
        start, end = word.start, word.start + len(word.plain)
        if found and text[found[-1].end : start] in (" ", "-"):
            start = found.pop().start
        found.append(Phrase(start, end, text[start:end]))
    return found


def names(text: str) -> list[Word]:
    """The words that name something: capitalised, or with digits."""
    return [word for word in words(text) if word.kind == "name" or (word.kind == "number" and word.text[0].isdigit())]
