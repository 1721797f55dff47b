"""What a question says in other words than the documents: the words of a domain that mean the same, and abbreviations.

People ask for the CFO and for employees where a report says Chief Financial Officer and workforce. By words nothing of
that is found, and by meaning little. A domain lists such words, a group a line, and a corpus explains its
abbreviations itself. What else means the same is put in brackets behind the words of the question, as far as the corpus
holds it, so that it is looked up, and sentences are judged, by all of it. Pure, but for the two look-ups it is handed.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

from core.domains import members
from core.retrieval.abbreviations import explained, short_forms
from storage.words import STOP

Explaining = Callable[[str], Sequence[str]]
"""Texts of the corpus that hold an abbreviation, those that are most about it first."""
Holds = Callable[[Sequence[str]], Mapping[str, bool]]
"""Whether the corpus holds each of some words."""
AT_MOST = 3
"""Others that are added for one of a group: more would drown what was asked."""
LONGEST = 1000
"""Characters of a question that are looked at."""
WORD = re.compile(r"[^\W_]+")


def widened(question: str, lines: Sequence[str], explaining: Explaining, holds: Holds) -> str:
    """The question with what means the same in brackets behind its words; the same question when nothing does.

    >>> lines, held = ["CEO, chief executive officer"], lambda words: dict.fromkeys(words, True)
    >>> widened("Who is Norvane's CEO?", lines, lambda short: [], held)
    "Who is Norvane's CEO (chief executive officer)?"

    Args:
        lines: the groups of the domain.
    """
    places = dict(_of_groups(question[:LONGEST], lines))
    for short, place in _abbreviated(question[:LONGEST]):
        if place not in places and (long := explained(explaining(short), [short]).get(short)):
            places[place] = [long]
    for place, others in sorted(_held(question, places, holds).items(), reverse=True):
        question = f"{question[:place]} ({', '.join(others)}){question[place:]}"
    return question


def _of_groups(question: str, lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Where the words of a group end in the question, with the others of the group; once a group."""
    for line in lines:
        group = members(line)
        for member in sorted(group, key=len, reverse=True):
            if match := _pattern(member).search(question):
                yield match.end(), [other for other in group if other != member]
                break


@lru_cache(4096)
def _pattern(member: str) -> re.Pattern[str]:
    """A member as a question may write it: one or several, with a possessive; in capitals only where it is so."""
    parts = [re.escape(re.sub(r"(?<=\w{3})(?<!s)s$", "", part)) + r"(?:e?s)?" for part in member.split()]
    said = r"[\s-]+".join(parts)
    return re.compile(rf"(?<![\w&-]){said}(?:['’]s?)?(?![\w&-])", 0 if member.isupper() else re.I)


def _abbreviated(question: str) -> Iterator[tuple[str, int]]:
    for short in short_forms(question):
        match = re.search(rf"(?<![\w&-]){re.escape(short)}(?:['’]s)?(?![\w&-])", question)
        if match:
            yield short, match.end()


def _held(question: str, places: Mapping[int, Sequence[str]], holds: Holds) -> dict[int, list[str]]:
    """What the corpus says and the question does not yet."""
    parts = {other: _content(other) for others in places.values() for other in others}
    asked = list(dict.fromkeys(word for words in parts.values() for word in words))
    there = holds(asked) if asked else {}
    lower = question.lower()
    kept = {
        place: [other for other in others if other.lower() not in lower and all(there[word] for word in parts[other])]
        for place, others in places.items()
    }
    return {place: others[:AT_MOST] for place, others in kept.items() if others}


def _content(text: str) -> list[str]:
    words = WORD.findall(text.lower())
    return [word for word in words if word not in STOP] or words
