"""Groups questions by what they are about, and names each group by its words. Pure.

Average linkage on cosines (Sokal and Michener, "A Statistical Method for Evaluating Systematic Relationships", 1958):
the two groups that are nearest on average become one, as long as they are near enough.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NEAR = 0.3
"""Mean cosine of two groups of questions that are about the same thing; of MiniLM, by the samples' gold questions."""
NAMED_BY = 3
"""Words."""

Floats = NDArray[np.float32]


def groups(vectors: Floats, near: float = NEAR) -> list[list[int]]:
    """Positions of the vectors (float32 [n, d], unit length) that belong together, the largest group first."""
    members = [[at] for at in range(len(vectors))]
    sizes = np.ones(len(vectors))
    likeness = np.asarray(vectors @ vectors.T, np.float64)
    np.fill_diagonal(likeness, -np.inf)
    while len(vectors) > 1:
        a, b = sorted(map(int, np.unravel_index(int(likeness.argmax()), likeness.shape)))
        if likeness[a, b] < near:
            break
        merged = (sizes[a] * likeness[a] + sizes[b] * likeness[b]) / (sizes[a] + sizes[b])
        likeness[a], likeness[:, a] = merged, merged
        likeness[b], likeness[:, b] = -np.inf, -np.inf
        likeness[a, a] = -np.inf
        sizes[a] += sizes[b]
        members[a] += members[b]
        members[b] = []
    return sorted((sorted(each) for each in members if each), key=lambda each: (-len(each), each))


def name(words: Sequence[Sequence[str]], group: Sequence[int]) -> str:
    """The words that more of a group's questions have than of the others, most telling first.

    Args:
        words: the content words of every question.
        group: positions of the questions of this group.
    """
    inside = Counter(word for at in group for word in dict.fromkeys(words[at]))
    everywhere = Counter(word for each in words for word in dict.fromkeys(each))
    others = max(1, len(words) - len(group))

    def telling(word: str) -> float:
        return inside[word] / len(group) - (everywhere[word] - inside[word]) / others

    return ", ".join(sorted(inside, key=lambda word: (-telling(word), -inside[word]))[:NAMED_BY])
