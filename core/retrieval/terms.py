"""What a question says in other words than the documents: the words of a domain that mean the same, and abbreviations.

People ask for the CFO and for employees where a report says Chief Financial Officer and workforce. By words nothing of
that is found, and by meaning little. A domain lists such words, a group a line, and a corpus explains its
abbreviations itself. What else means the same, as far as the corpus holds it, is looked up as well (`widened`), and a
sentence that says it says what was asked (`core.assistants.synonyms`). Pure, but for the two look-ups it is handed.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice

from core.domains import members
from core.retrieval.abbreviations import explained, short_forms
from storage.words import STOP

Explaining = Callable[[str], Sequence[str]]
"""Texts of the corpus that hold an abbreviation, those first that mention it first."""
Holds = Callable[[Sequence[str]], Collection[str]]
"""Those of some words that the corpus holds."""
AT_MOST = 3
"""Others that are added for one of a group: more would drown what was asked."""
SHORT_FORMS = 6
"""Abbreviations of a question that are looked up."""
LONGEST = 1000
"""Characters of a question that are looked at."""
WORD = re.compile(r"[^\W_]+")
NOWHERE = "zqxjvwkqz"
"""A word that no corpus holds: its rarity is the highest there is."""


@dataclass(frozen=True, slots=True)
class Same:
    """What means the same as some words of a question.

    Attributes:
        asked: those words, without a possessive.
        end: where they end in the question.
        others: what the corpus says in their place.
        explained: whether it is an abbreviation that the corpus explains. Then its documents hold it as it was asked.
    """

    asked: str
    end: int
    others: tuple[str, ...]
    explained: bool = False


def same(question: str, lines: Sequence[str], explaining: Explaining, holds: Holds) -> list[Same]:
    """What means the same as words of a question, in the question's order.

    Args:
        lines: the groups of the domain.
    """
    found = {each.end: each for each in _of_groups(question[:LONGEST], lines)}
    for short, end in islice(_abbreviated(question[:LONGEST]), SHORT_FORMS):
        if end not in found and (long := explained(explaining(short), [short]).get(short)):
            found[end] = Same(short, end, (long,), explained=True)
    return _held(question, [found[end] for end in sorted(found)], holds)


def widened(question: str, found: Sequence[Same]) -> str:
    """The question with what means the same in brackets behind its words.

    >>> widened("Who is Norvane's CEO?", [Same("CEO", 20, ("chief executive officer",))])
    "Who is Norvane's CEO (chief executive officer)?"
    """
    for each in sorted(found, key=lambda each: -each.end):
        question = f"{question[: each.end]} ({', '.join(each.others)}){question[each.end :]}"
    return question


def _of_groups(question: str, lines: Sequence[str]) -> Iterator[Same]:
    """The first words of each group that stand in the question, with the others of the group."""
    for line in lines:
        group = members(line)
        for member in sorted(group, key=len, reverse=True):
            if match := pattern(member).search(question):
                yield Same(match["said"], match.end(), tuple(other for other in group if other != member))
                break


@lru_cache(4096)
def pattern(member: str) -> re.Pattern[str]:
    """A member as texts may write it: one or several, with a possessive; in capitals only where it is so."""
    parts = [re.escape(re.sub(r"(?<=\w{3})(?<!s)s$", "", part)) + r"(?:e?s)?" for part in member.split()]
    said = r"[\s-]+".join(parts)
    return re.compile(rf"(?<![\w&-])(?P<said>{said})(?:['’]s?)?(?![\w&-])", 0 if member.isupper() else re.I)


def _abbreviated(question: str) -> Iterator[tuple[str, int]]:
    for short in short_forms(question):
        match = re.search(rf"(?<![\w&-]){re.escape(short)}(?:['’]s)?(?![\w&-])", question)
        if match:
            yield short, match.end()


def _held(question: str, found: Sequence[Same], holds: Holds) -> list[Same]:
    """What the corpus says and the question does not yet."""
    parts = {other: _content(other) for each in found for other in each.others}
    asked = list(dict.fromkeys(word for words in parts.values() for word in words))
    there = holds(asked) if asked else ()
    lower = question.lower()

    def wanted(other: str) -> bool:
        return other.lower() not in lower and all(word in there for word in parts[other])

    kept = [replace(each, others=tuple(filter(wanted, each.others))[:AT_MOST]) for each in found]
    return [each for each in kept if each.others]


def _content(text: str) -> list[str]:
    words = WORD.findall(text.lower())
    return [word for word in words if word not in STOP] or words
