"""Whether an answer stands on the right places: gold documents, evidence, citations. Pure.

Citation precision and recall follow ALCE (Gao et al., EMNLP 2023, "Enabling Large Language Models to Generate Text
with Citations") with the gold document in place of an entailment model: a citation is right when it points into a gold
document, and, where the gold answer names its evidence, recall asks whether any citation reaches it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

GAP = re.compile(r"\s+\.\.\.\s+|\n\s*\n")
NEAR = 0.5
"""The share of a piece of evidence that a quotation must hold to count as reaching it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A retrieved passage or the quotation of a citation: the name of its document, and its words."""

    document: str
    text: str


def evidence_found(evidence: str, places: Sequence[Place]) -> float | None:
    """The share of the gold evidence's pieces that stand word for word in the places; None without evidence.

    Pieces are separated by an empty line or by " ... "; white space and case do not count.
    """
    pieces = [plain(piece) for piece in GAP.split(evidence) if piece.strip()]
    if not pieces:
        return None
    held = [plain(place.text) for place in places]
    return sum(any(piece in text for text in held) for piece in pieces) / len(pieces)


def citation_precision(cited: Sequence[Place], documents: Sequence[str]) -> float | None:
    """The share of citations that point into a gold document; None without citations or gold documents."""
    if not cited or not documents:
        return None
    return sum(place.document in documents for place in cited) / len(cited)


def citation_recall(cited: Sequence[Place], documents: Sequence[str], evidence: str = "") -> float | None:
    """The share of the gold evidence's pieces that a citation reaches, or of the gold documents that are cited.

    None when neither is known. Reached: the quotation holds at least half of the piece's words, in order of
    appearance or not, and is of a gold document.
    """
    right = [place for place in cited if place.document in documents]
    pieces = [plain(piece).split() for piece in GAP.split(evidence) if piece.strip()]
    if pieces:
        return sum(any(_reaches(place, piece) for place in right) for piece in pieces) / len(pieces)
    if not documents:
        return None
    return len({place.document for place in right}) / len(set(documents))


def _reaches(place: Place, piece: Sequence[str]) -> bool:
    held = plain(place.text)
    quoted = set(held.split())
    # A quotation of one sentence out of a longer piece of evidence reaches it as well.
    return sum(word in quoted for word in piece) >= NEAR * len(piece) or (bool(held) and held in " ".join(piece))


def plain(text: str) -> str:
    """In lower case, with single spaces."""
    return " ".join(text.lower().split())
