"""Rows of tables that are called what was asked: what they count for among the sentences that may answer. Pure.

A sentence speaks of inventory when it says what was amortized to it; the row that is called Inventories says how much
there is. What makes a row called so is the same that finds its table: see `core.retrieval.labels`. Of several that are
called alike in one document, that of a segment or of the parent company says a part of what was asked: the whole is
where the figure is the largest. How much all this counts was chosen on training questions and on questions to real
filings, see `benchmarks/results/real_files.md`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.assistants.sentences import Sentence, cells
from core.assistants.synonyms import Synonyms
from core.assistants.words import stem
from core.retrieval.labels import LEAST, Wanted, apart, content, labelled
from core.retrieval.passages import Passage

WEIGHT = 4.0
"""What a row counts for that is called just what was asked, in the scores of `quoting`; half as well, a quarter."""
LARGEST = 1.3
"""How much better the row of the largest figure agrees, of those of a document that are called alike."""
OTHER_PERIOD = 0.5
"""How much worse a row agrees whose columns are of other months than were asked: six of them, and not a quarter."""
CHANGES = 0.7
"""How much worse a row of a statement of cash flows agrees: what it is called there is what that rose or fell by."""
NO_AMOUNT = re.compile(
    r"\b(?:increas|decreas|declin|chang|grow|grew|ris(?:e|es|en|ing)\b|rose|fell|fall|drop|percentage|proportion|consist|"
    r"compris|mean|defin|why|reason|driv|due to|explain)|\b(?:who|whom|whose|where|when)\b",
    re.I,
)
"""What asks for how or why something moved, what it is, who or where, and not for how much of it there is."""
FLOWS = re.compile(r"\bcash flows?\b", re.I)
PER_UNIT = re.compile(r"%|\b(?:per|rates?|ratios?|margins?|yield|prices?|average)\b", re.I)
"""What has no parts: the loss per share of all is no sum of others."""
MONTHS = {
    3: re.compile(r"\b(?:three[- ]months?|quarter(?:ly)?|(?:13|thirteen) weeks|q[1-4])\b", re.I),
    6: re.compile(r"\b(?:six[- ]months?|half[- ]years?|first half|(?:26|twenty-six) weeks)\b", re.I),
    9: re.compile(r"\b(?:nine[- ]months?|(?:39|thirty-nine) weeks)\b", re.I),
    12: re.compile(r"\b(?:twelve[- ]months?|years?(?: ended)?|annual|(?:52|fifty-two) weeks)\b", re.I),
}
"""How questions and the heads of columns name periods, by their length in months."""
YEAR = re.compile(r"\b(?:19|20)\d\d\b")
FIGURE = re.compile(r"\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True)
class Called:
    """A row and how well it is called what was asked; `rival`: whether its figure may be held against others."""

    at: int
    document_id: int
    agreement: float
    rival: bool
    text: str

    @cached_property
    def figure(self) -> float:
        """The first figure behind the label that is no percentage; 0 without one."""
        found = (FIGURE.search(cell) for cell in cells(self.text)[1:] if "%" not in cell)
        return next((float(match[0].replace(",", "")) for match in found if match), 0.0)


def called(
    question: str, units: Sequence[tuple[Passage, Sentence]], rarity: Mapping[str, float], synonyms: Synonyms
) -> NDArray[np.float32]:
    """What is added to the score of each sentence, float32 [n]; 0 for all that are no such rows.

    Args:
        rarity: of the question's stems in the corpus.
    """
    added = np.zeros(len(units), np.float32)
    if NO_AMOUNT.search(question):
        return added
    rows = [row for row in _called(question, units, rarity, synonyms) if row.agreement >= LEAST]
    largest = {document_id: _largest(rows, document_id) for document_id in {row.document_id for row in rows}}
    for row in rows:
        whole = row.rival and row.figure == largest[row.document_id]
        added[row.at] = WEIGHT * (row.agreement * (LARGEST if whole else 1.0)) ** 2
    return added


def _called(
    question: str, units: Sequence[tuple[Passage, Sentence]], rarity: Mapping[str, float], synonyms: Synonyms
) -> Iterator[Called]:
    same = [(stems, each) for stems, others in synonyms.groups for each in others]
    names = {passage.document_id: (passage.document, passage.title) for passage, _ in units}
    words = apart(question, content(question), names)
    wanted = {document: Wanted({stem(word) for word in own}, same, stem) for document, own in words.items()}
    rare = {each: rarity.get(each, 0.0) for one in wanted.values() for each in one.stems}
    months, years = _months(question), set(YEAR.findall(question))
    for at, (passage, sentence) in enumerate(units):
        if not sentence.row:
            continue
        label, rows = cells(sentence.text)[0], labelled(sentence.text, passage.heading)
        agreement = max((wanted[passage.document_id].agreement(row, rare) for row in rows), default=0.0)
        told = _months(label) or _months(sentence.header)
        of_others = bool(months and told and not months & told)
        if of_others:
            agreement *= OTHER_PERIOD
        if FLOWS.search(passage.heading) and not FLOWS.search(question):
            agreement *= CHANGES
        of_years = set(YEAR.findall(f"{sentence.header} {passage.heading} {sentence.text}"))
        rival = not of_others and not (years and years.isdisjoint(of_years)) and not PER_UNIT.search(label)
        yield Called(at, passage.document_id, agreement, rival, sentence.text)


def _largest(rows: Sequence[Called], document_id: int) -> float | None:
    """The largest figure of a document's rows; None where they all say the same, or there is but one."""
    figures = {row.figure for row in rows if row.rival and row.document_id == document_id}
    return max(figures) if len(figures) > 1 else None


def _months(text: str) -> set[int]:
    return {months for months, said in MONTHS.items() if said.search(text)}
