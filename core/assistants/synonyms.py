"""What a text says in other words than the question: a sentence about the chief financial officer speaks of the CFO.

To the features that count words, and to those that compare them one by one, such a sentence holds the words that were
asked. All words of what means the same have to stand there together: "Chief Information Officer" is no CFO. Pure.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.assistants.words import content_words, stems
from core.retrieval.terms import NOWHERE, Same, pattern, widened

Idf = Callable[[Sequence[str]], Mapping[str, float]]
"""The rarity of words in a corpus."""


@dataclass(frozen=True, slots=True)
class Synonyms:
    """Attributes:
    looked_up: the question with what means the same in brackets; the question itself where nothing does.
    groups: the stems of words that were asked, and how a text says the same.
    """

    looked_up: str = ""
    groups: tuple[tuple[frozenset[str], tuple[re.Pattern[str], ...]], ...] = ()

    @classmethod
    def of(cls, question: str, found: Sequence[Same]) -> "Synonyms":
        """What was found for a question."""
        groups = ((frozenset(stems(each.asked)), tuple(pattern(other) for other in each.others)) for each in found)
        return cls(widened(question, found), tuple(groups))

    def said(self, text: str) -> set[str]:
        """The asked stems that a text says in other words."""
        said: set[str] = set()
        for asked, patterns in self.groups:
            if any(each.search(text) for each in patterns):
                said |= asked
        return said

    def stems(self, text: str) -> set[str]:
        """The stems of a text's content words, and those it says in other words."""
        return stems(text) | self.said(text) if self.groups else stems(text)


NONE = Synonyms()


def rarities(question: str, idf: Idf, found: Sequence[Same] = ()) -> tuple[dict[str, float], float]:
    """Each stem of a question with its rarity, and the rarity of a word that the corpus does not hold.

    A word is no rarer than the rarest word of what means the same: where the documents say "workforce" alone, who asks
    for employees asks for nothing unheard of.
    """
    said = content_words(question)
    others = {each.asked: content_words(" ".join(each.others)) for each in found}
    rarity = idf([NOWHERE, *(word.plain for word in [*said, *(word for words in others.values() for word in words)])])
    asked = {word.stem: rarity[word.plain] for word in said}
    for written, words in others.items():
        highest = max((rarity[word.plain] for word in words), default=rarity[NOWHERE])
        asked |= {stem: min(asked[stem], highest) for stem in stems(written) & asked.keys()}
    return asked, rarity[NOWHERE]
