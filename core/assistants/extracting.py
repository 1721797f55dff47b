"""Which of the sentences that were found make up an answer, as a corpus's own examples have taught it.

The packaged weights of `quoting` say which sentence answers best; they cannot know how much of a document this
corpus's answers hold: a figure, a clause, or three paragraphs. An `Extractor` knows: for every sentence the share of
its words that an answer would have (a logistic model over `SIGNS`), and from which share on it belongs to the answer.
Taking what is above one threshold is what maximises F1 (Lipton et al., "Optimal Thresholding of Classifiers to
Maximize F1 Measure", ECML 2014). Fitted by `core.finetuning.extraction`. Pure.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.assistants.quoting import FEATURES, Candidate, Floats, Scored, is_label

NEIGHBOURS = (-2, -1, 1, 2)
FAR = -8.0
"""The score, relative to the best one, of a neighbour that is not there."""
MOST = 40
"""Sentences of one answer."""
NEAREST = (
    "score", "log_chance", "best", "with_best", "after_best", "before_best", "one_after", "one_before", "two_after",
    "document_of_best", "page_of_best",
)  # fmt: skip
PLACE = (
    "passage_1", "passage_2", "passage_3", "first", "last", "place", "sentences", "passage_chance", "passage_chances",
    "two_above", "above", "below", "two_below", "nothing_above", "nothing_below",
)  # fmt: skip
FORM = ("length", "short", "long", "names_what_follows", "colon", "bullet", "in_table", "figure")
ASKED = ("polar", "polar_best", "polar_with_best")
SIGNS = (*FEATURES, *NEAREST, *PLACE, *FORM, *ASKED, "no_section")
"""What a sentence's share is computed from; a flag for each section that the corpus has comes after them."""

SECTION = re.compile(r"^\W*([A-Z][A-Z &/,()-]{3,40}):")
"""How a part of an abstract or form names itself at its first sentence: "RESULTS: ..."."""
AUXILIARY = r"(?:is|are|was|were|do|does|did|can|could|will|would|should|has|have|may)\b"
POLAR = re.compile(rf"(?:^\W*|[:,] ){AUXILIARY}", re.I)
"""A question that yes or no would answer."""


@dataclass(frozen=True, slots=True)
class Extractor:
    """Attributes:
    sections: digests of the sections that have a flag of their own; no word of a document stands here.
    centre, scale: of each sign, so that all weigh alike; `weights` apply to the scaled signs.
    bias: the logit of a sentence whose signs are all at their centre.
    threshold: the share, 0..1, from which a sentence belongs to the answer.
    """

    sections: tuple[str, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    threshold: float

    def __post_init__(self) -> None:
        """Raises ValueError: the numbers are not of these signs, or are none."""
        wanted = len(SIGNS) + len(self.sections)
        numbers = (*self.centre, *self.scale, *self.weights, self.bias, self.threshold)
        if not np.isfinite(numbers).all() or not all(each > 0 for each in self.scale):
            raise ValueError("an extractor's numbers are finite, and its scales positive")
        if any(len(each) != wanted for each in (self.centre, self.scale, self.weights)):
            raise ValueError(f"an extractor of {wanted} signs has {len(self.weights)} weights")

    def choose(self, question: str, scored: Scored) -> list[Candidate]:
        """The sentences of the answer, likeliest first: at least one, if there are any."""
        return chosen(scored.candidates, self.shares(signs(question, scored, self.sections)), self.threshold)

    def shares(self, table: Floats) -> Floats:
        """The share of each sentence's words that the answer has, float32 [n], of its signs [n, k]."""
        scaled = (table - np.array(self.centre, np.float32)) / np.array(self.scale, np.float32)
        logits = scaled @ np.array(self.weights, np.float32) + self.bias
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), np.float32)

    def json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Extractor":
        """From a JSON object; raises ValueError when it is none of this version."""
        try:
            rows = {name: tuple(map(float, values[name])) for name in ("centre", "scale", "weights")}
            sections = tuple(map(str, values["sections"]))
            return cls(sections=sections, bias=float(values["bias"]), threshold=float(values["threshold"]), **rows)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not an extractor: {error}") from error


def chosen(candidates: Sequence[Candidate], shares: Floats, threshold: float) -> list[Candidate]:
    """The likeliest sentence and all others from the threshold on, likeliest first; nothing twice."""
    found: list[Candidate] = []
    said: set[str] = set()
    for i in np.argsort(-shares, kind="stable"):
        if len(found) == MOST or (found and shares[i] < threshold):
            break
        text = " ".join(candidates[i].sentence.text.split())
        if text not in said:
            said.add(text)
            found.append(candidates[i])
    return found


def signs(question: str, scored: Scored, sections: Sequence[str]) -> Floats:
    """What tells whether a sentence is part of the answer, float32 [n, len(SIGNS) + len(sections)]."""
    if not scored.candidates:
        return np.zeros((0, len(SIGNS) + len(sections)), np.float32)
    order = _order(scored.candidates)
    polar = float(bool(POLAR.search(question)))
    rows = [
        (
            *_nearest(i, order, scored.candidates),
            *_place(i, order, scored.candidates),
            *_form(candidate),
            *(polar * flag for flag in (1.0, i == 0, candidate.passage is scored.candidates[0].passage)),
            *_section(section_of(i, order, scored.candidates), sections),
        )
        for i, candidate in enumerate(scored.candidates)
    ]
    return np.hstack([scored.features, np.array(rows, np.float32)])


@dataclass(frozen=True, slots=True)
class Order:
    """`lines`: the candidates of each passage (by rank) in page order; `at`: where in its line each one is."""

    lines: Mapping[int, list[int]]
    at: Sequence[int]


def _order(candidates: Sequence[Candidate]) -> Order:
    lines: dict[int, list[int]] = {}
    for i in sorted(range(len(candidates)), key=lambda i: candidates[i].sentence.start):
        lines.setdefault(candidates[i].passage.rank, []).append(i)
    at = {i: place for line in lines.values() for place, i in enumerate(line)}
    return Order(lines, [at[i] for i in range(len(candidates))])


def _nearest(i: int, order: Order, candidates: Sequence[Candidate]) -> tuple[float, ...]:
    """How it stands to the sentence that answers best."""
    own, best = candidates[i], candidates[0]
    together = own.passage.rank == best.passage.rank
    distance = order.at[i] - order.at[0] if together else 0
    return (
        own.score - best.score,
        float(np.log(own.probability + 1e-4)),
        i == 0,
        together,
        float(np.exp(-distance / 3)) if distance > 0 else 0.0,
        float(np.exp(distance / 2)) if distance < 0 else 0.0,
        distance == 1,
        distance == -1,
        distance == 2,
        own.passage.document_id == best.passage.document_id,
        (own.passage.document_id, own.passage.page) == (best.passage.document_id, best.passage.page),
    )


def _place(i: int, order: Order, candidates: Sequence[Candidate]) -> tuple[float, ...]:
    """Where it stands: in which passage, where there, and between whom."""
    rank = candidates[i].passage.rank
    line, at = order.lines[rank], order.at[i]
    chances = [candidates[j].probability for j in line]
    beside = [line[at + step] if 0 <= at + step < len(line) else None for step in NEIGHBOURS]
    return (
        rank == 1,
        rank == 2,
        rank <= 3,
        at == 0,
        at == len(line) - 1,
        at / max(1, len(line) - 1),
        len(line) / 10,
        max(chances),
        sum(chances),
        *(FAR if j is None else candidates[j].score - candidates[0].score for j in beside),
        beside[1] is None,
        beside[2] is None,
    )


def _form(candidate: Candidate) -> tuple[float, ...]:
    """What it looks like."""
    text = candidate.sentence.text.strip()
    words = len(text.split())
    return (
        float(np.log1p(words)),
        words < 5,
        words > 25,
        is_label(candidate.sentence),
        text.endswith(":"),
        bool(re.match(r"[-*•]", text)),
        candidate.sentence.row,
        bool(re.search(r"\d", text)),
    )


def section_of(i: int, order: Order, candidates: Sequence[Candidate]) -> str:
    """The digest of the section that a sentence of a passage stands in; "" in none."""
    line = order.lines[candidates[i].passage.rank]
    above = (SECTION.match(candidates[j].sentence.text) for j in reversed(line[: order.at[i] + 1]))
    return next((digest(match[1]) for match in above if match), "")


def sections_in(scored: Scored) -> set[str]:
    """The digests of all sections that begin in what was found."""
    return {digest(match[1]) for c in scored.candidates if (match := SECTION.match(c.sentence.text))}


def digest(section: str) -> str:
    """A section's name as it is kept."""
    return hashlib.sha256(section.encode()).hexdigest()[:16]


def _section(section: str, sections: Sequence[str]) -> tuple[float, ...]:
    return (section == "", *(section == each for each in sections))
