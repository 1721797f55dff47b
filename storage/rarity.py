"""How rare words are in a corpus, and what was counted for it."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


def rarity(total: int, holding: int) -> float:
    """Inverse document frequency, above 0: ln(1 + (N - n + 0.5) / (n + 0.5)), n of N chunks holding a word."""
    return math.log1p((max(total, holding) - holding + 0.5) / (holding + 0.5))


@dataclass(slots=True)
class Counts:
    """What was counted in one corpus while one question is answered, so that it is not counted again for it.

    A few milliseconds a word where a corpus is large. Attributes:
        total: chunks of the corpus; None before it was counted.
        holding: how many of them hold each word.
    """

    total: int | None = None
    holding: dict[str, int] = field(default_factory=dict)

    def note(self, total: int, holding: Mapping[str, int]) -> None:
        """Remember what was counted."""
        self.total = total
        self.holding |= holding

    def missing(self, words: Iterable[str]) -> list[str]:
        """Those of some words that were not counted yet, each once."""
        return [word for word in dict.fromkeys(words) if word not in self.holding]
