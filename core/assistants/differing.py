"""What each of several answers to one question says that no other does, word for word. Pure.

A word counts once whatever its case; figures with their separators ("2,400", "10-K") are one word. Words are compared,
not what they mean: two answers that say the same in other words differ everywhere.
"""

import re
from collections import Counter
from collections.abc import Sequence

WORD = re.compile(r"[^\W_]+(?:[.,'’/-][^\W_]+)*")
BETWEEN = re.compile(r"[^\S\n]*")
"""What may lie between two marked words that become one mark: no line break, no punctuation."""

Stretch = tuple[int, int]
"""Half open, in characters of the text."""


def only_here(texts: Sequence[str]) -> list[list[Stretch]]:
    """For each text the stretches whose words stand in no other, neighbours in one; nothing for a single text."""
    if len(texts) < 2:
        return [[] for _ in texts]
    said = [{match[0].casefold() for match in WORD.finditer(text)} for text in texts]
    times = Counter(word for words in said for word in words)
    return [_joined(text, [m.span() for m in WORD.finditer(text) if times[m[0].casefold()] == 1]) for text in texts]


def _joined(text: str, words: Sequence[Stretch]) -> list[Stretch]:
    found: list[Stretch] = []
    for start, end in words:
        if found and BETWEEN.fullmatch(text, found[-1][1], start):
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found
