"""What finding works on and what it finds. Pure data."""

import re
from dataclasses import dataclass

LONGEST_QUESTION = 420
LONGEST_ANSWER = 420
LEAD = re.compile(
    r"^(?:\d{1,3}(?:\.\d{1,3})+\.?|\d{1,3}\.|\([a-z0-9]{1,4}\)|[•*▪–-]|(?:Article|Section|Clause) \d+\.?)\s+"
)
"""What stands before the words of a clause, a heading or a list item."""


@dataclass(frozen=True, slots=True)
class Part:
    """A chunk as it is searched.

    `title` names its document to people; `heading` and `header` are as in `core.ingestion.chunking`.
    """

    title: str
    page: int
    text: str
    heading: str = ""
    header: str = ""
    chunk_id: int = 0

    @property
    def section(self) -> str:
        """The nearest heading without its number; "" where that is the document's title."""
        nearest = LEAD.sub("", self.heading.rsplit(" > ", 1)[-1]).strip()
        return "" if nearest == self.title else nearest


@dataclass(frozen=True, slots=True)
class Asked:
    """One question about a fact. `form`: question, reworded (other words), reverse (the other direction), masked."""

    form: str
    question: str
    answer: str

    def makes_sense(self, text: str) -> bool:
        """Whether the answer stands in `text`, is not given away by the question, and neither is too long."""
        answer = " ".join(self.answer.split())
        return (
            len(self.question) <= LONGEST_QUESTION
            and 0 < len(answer) <= LONGEST_ANSWER
            and answer in " ".join(text.split())
            and not re.search(rf"(?<!\w){re.escape(answer.casefold())}(?!\w)", self.question.casefold())
        )


@dataclass(frozen=True, slots=True)
class Fact:
    """`kind`: definition, value, date, blank, clause, section, pair, cell. `evidence`: the words that state it."""

    kind: str
    part: Part
    evidence: str
    asked: tuple[Asked, ...]
