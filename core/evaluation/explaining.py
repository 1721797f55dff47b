"""Why an answer scored as it did: which words of the gold answer it holds, and what each passage had to do with the
gold. Pure; the words are those that token F1 counts.
"""

from collections import Counter
from dataclasses import dataclass

from core.evaluation.metrics import normalise
from core.evaluation.questions import Gold
from core.evaluation.sourcing import GAP, Place, evidence_found, plain


@dataclass(frozen=True, slots=True)
class Overlap:
    """Attributes:
    gold: the gold answer's words in its order, normalised, each with whether the answer holds it.
    said: how many words the answer has.
    """

    gold: tuple[tuple[str, bool], ...]
    said: int

    @property
    def held(self) -> tuple[str, ...]:
        """The gold answer's words that the answer holds."""
        return tuple(word for word, found in self.gold if found)

    @property
    def missed(self) -> tuple[str, ...]:
        """Those it does not."""
        return tuple(word for word, found in self.gold if not found)

    @property
    def f1(self) -> float:
        """Token F1, from these very words."""
        if not self.said or not self.gold:
            return float(not self.said and not self.gold)
        return 2 * len(self.held) / (self.said + len(self.gold))


@dataclass(frozen=True, slots=True)
class Bearing:
    """What a passage has to do with the gold: from a gold document or not, and its share of the evidence's pieces.

    No `evidence` is known of a question without any.
    """

    document: bool
    evidence: float | None


def overlap(answer: str, gold: str) -> Overlap:
    """Which words the two share, each as often as both have it; pass "" for a refusal, which scores as no words."""
    said = normalise(answer).split()
    left = Counter(said)
    words = []
    for word in normalise(gold).split():
        words.append((word, left[word] > 0))
        left[word] -= 1
    return Overlap(tuple(words), len(said))


def bearing(document: str, text: str, gold: Gold) -> Bearing:
    """Of one passage, or of the words of one citation."""
    return Bearing(document in gold.documents, evidence_found(gold.evidence, [Place(document, text)]))


def excerpt(text: str, evidence: str, most: int) -> str:
    """The passage on one line, cut to so many characters, from a little before the first evidence in it."""
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    found = [line.lower().find(plain(piece)) for piece in GAP.split(evidence) if piece.strip()]
    start = max(0, min((at for at in found if at >= 0), default=0) - most // 4)
    start = min(start, len(line) - most + 1)
    cut = line[start : start + most].strip()
    return f"{'…' if start else ''}{cut}{'…' if start + most < len(line) else ''}"
