"""Rows of tables that are called what was asked: what they count for among the sentences that may answer. Pure.

A sentence speaks of inventory when it says what was amortized to it; the row that is called Inventories says how much
there is. What makes a row called so is the same that finds its table: see `core.retrieval.labels`. How much it counts
was chosen on training questions and on questions to real filings, see `benchmarks/results/retrieval.md`.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.assistants.sentences import Sentence
from core.assistants.synonyms import Synonyms
from core.assistants.words import stem
from core.retrieval.labels import LEAST, Wanted, apart, content, labelled
from core.retrieval.passages import Passage

WEIGHT = 2.0
"""What a row counts for that is called just what was asked, in the scores of `quoting`."""
OF_A_CHANGE = re.compile(
    r"\b(?:increas|decreas|declin|chang|grow|grew|ris(?:e|es|en|ing)\b|rose|fell|fall|drop|percentage|proportion|consist|"
    r"compris|mean|defin|why|reason|driv|due to|explain)",
    re.I,
)
"""What asks for how or why something moved, or what it is, which sentences say, and not for how much of it there is."""


def called(
    question: str, units: Sequence[tuple[Passage, Sentence]], rarity: Mapping[str, float], synonyms: Synonyms
) -> NDArray[np.float32]:
    """What is added to the score of each sentence, float32 [n]; 0 for all that are no such rows.

    Args:
        rarity: of the question's stems in the corpus.
    """
    found = np.zeros(len(units), np.float32)
    if OF_A_CHANGE.search(question):
        return found
    same = [(stems, each) for stems, others in synonyms.groups for each in others]
    names = {passage.document_id: (passage.document, passage.title) for passage, _ in units}
    words = apart(question, content(question), names)
    wanted = {document: Wanted({stem(word) for word in own}, same, stem) for document, own in words.items()}
    rare = {each: rarity.get(each, 0.0) for one in wanted.values() for each in one.stems}
    for i, (passage, sentence) in enumerate(units):
        row = next(labelled(sentence.text, passage.heading), None) if sentence.row else None
        agreement = wanted[passage.document_id].agreement(row, rare) if row else 0.0
        found[i] = WEIGHT * agreement if agreement >= LEAST else 0.0
    return found
