"""Fits the extractor of a grounded adapter: which sentences of what is found this corpus's answers consist of.

Every example was looked up for its lesson already; here its sentences are compared with its answer. The model is
logistic with the share of a sentence's words that the answer has as its target; a ridge holds all signs but the
packaged score near nothing, so that a few examples change little. Ridge, target and threshold are chosen by
cross-validation over documents, for token F1; an extractor that does not beat the packaged quotation there is none.
Takes seconds.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from core.assistants.extracting import SIGNS, Extractor, chosen, sections_in, signs
from core.assistants.quotation import choose, quotation
from core.assistants.quoting import Scored
from core.assistants.reading import SMALL
from core.evaluation.metrics import normalise, token_f1

Array = NDArray[np.float64]
FEWEST = 24
"""Examples below which nothing is fitted."""
FOLDS = 5
RIDGES = (300.0, 3000.0)
FREE = tuple(SIGNS.index(name) for name in ("score", "log_chance", "best"))
"""Signs that the packaged weights speak through: they alone are all but free."""
CHANCE = (0.0, 0.5)
"""The share of an answer's words that any sentence of its corpus may have by chance; what is above it counts."""
THRESHOLDS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7)
SECTIONS = 12
SHARE = 0.05
"""A section has a flag of its own if this share of the examples finds it."""
STEPS = 40


@dataclass(frozen=True, slots=True)
class Case:
    """One example as it was looked up: what was found, the answer, and the document it is from ("" unknown)."""

    question: str
    scored: Scored
    answer: str
    document: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A case in numbers: `signs` [n, k], `share` [n] of each sentence's words in the answer, `words` [n] in it."""

    signs: Array
    share: Array
    words: Array


def fit(cases: Sequence[Case]) -> Extractor | None:
    """The extractor of some examples; None when they are too few or the packaged quotation serves them as well."""
    cases = [case for case in cases if case.scored.candidates]
    if len(cases) < FEWEST:
        return None
    sections = _sections(cases)
    tables = [_table(case, sections) for case in cases]
    if not any(table.share.any() for table in tables):
        return None
    folds = _folds(cases)
    tried = [
        (*_validated(cases, tables, folds, ridge, chance), ridge, chance) for ridge, chance in product(RIDGES, CHANCE)
    ]
    f1, threshold, ridge, chance = max(tried, key=lambda one: one[0])
    if f1 <= np.mean([token_f1(quotation(choose(c.scored.candidates, SMALL)).text, c.answer) for c in cases]):
        return None
    centre, scale, weights = fitted(tables, ridge, chance)
    return Extractor(
        sections, tuple(map(float, centre)), tuple(map(float, scale)), tuple(map(float, weights[:-1])),
        float(weights[-1]), threshold,
    )  # fmt: skip


def _sections(cases: Sequence[Case]) -> tuple[str, ...]:
    """The sections that many examples find, the most frequent first."""
    counts = Counter(name for case in cases for name in sections_in(case.scored))
    return tuple(name for name, n in counts.most_common(SECTIONS) if n >= SHARE * len(cases))


def _table(case: Case, sections: Sequence[str]) -> Table:
    gold = Counter(normalise(case.answer).split())
    said = [normalise(candidate.sentence.text).split() for candidate in case.scored.candidates]
    share = [sum((Counter(words) & gold).values()) / max(1, len(words)) for words in said]
    right = [not case.document or c.passage.document == case.document for c in case.scored.candidates]
    return Table(
        signs(case.question, case.scored, sections).astype(np.float64),
        np.array(share) * np.array(right),
        np.array([max(1, len(words)) for words in said], np.float64),
    )


def _folds(cases: Sequence[Case]) -> list[int]:
    """The fold of each case: one document's are together, if there are documents enough for that."""
    names = {name: at for at, name in enumerate(dict.fromkeys(case.document for case in cases if case.document))}
    names = names if len(names) >= FOLDS else {}
    return [names.get(case.document, number) % FOLDS for number, case in enumerate(cases)]


def _validated(
    cases: Sequence[Case], tables: Sequence[Table], folds: Sequence[int], ridge: float, chance: float
) -> tuple[float, float]:
    """(mean token F1 on cases that were not fitted on, the threshold it is reached with)."""
    shares: dict[int, NDArray[np.float32]] = {}
    for fold in range(FOLDS):
        model = fitted([table for table, each in zip(tables, folds, strict=True) if each != fold], ridge, chance)
        shares |= {i: _predicted(tables[i].signs, model) for i, each in enumerate(folds) if each == fold}
    return max((_f1(cases, shares, threshold), threshold) for threshold in THRESHOLDS)


def _f1(cases: Sequence[Case], shares: dict[int, NDArray[np.float32]], threshold: float) -> float:
    said = (quotation(chosen(cases[i].scored.candidates, own, threshold)).text for i, own in shares.items())
    found: Iterable[float] = (token_f1(text, cases[i].answer) for text, i in zip(said, shares, strict=True))
    return float(np.mean(list(found)))


def fitted(tables: Sequence[Table], ridge: float, chance: float) -> tuple[Array, Array, Array]:
    """(centre [k], scale [k], weights [k + 1], the last one the bias), by Newton's method; convex."""
    table = np.concatenate([each.signs for each in tables])
    aim = np.concatenate([np.clip((each.share - chance) / (1 - chance), 0, 1) for each in tables])
    counts = np.concatenate([each.words / each.words.sum() for each in tables])
    counts *= len(counts) / counts.sum()
    centre, scale = table.mean(0), table.std(0) + 1e-6
    table = np.hstack([(table - centre) / scale, np.ones((len(table), 1))])
    ridges = np.full(table.shape[1], ridge)
    ridges[list(FREE)], ridges[-1] = 1.0, 1e-6
    weights = np.zeros(table.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(table @ weights, -30, 30)))
        gradient = table.T @ (counts * (p - aim)) + ridges * weights
        hessian = (table.T * (counts * p * (1 - p) + 1e-9)) @ table + np.diag(ridges)
        step = np.linalg.solve(hessian, gradient)
        weights -= step
        if np.abs(step).max() < 1e-6:
            break
    return centre, scale, weights


def _predicted(table: Array, model: tuple[Array, Array, Array]) -> NDArray[np.float32]:
    centre, scale, weights = model
    logits = (table - centre) / scale @ weights[:-1] + weights[-1]
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), np.float32)
