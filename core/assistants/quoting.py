"""The sentences of the passages that answer a question best, to be quoted word for word.

Every sentence gets a score: a weighted sum of what says "this is it" (meaning, shared rare words, the kind
of thing that was asked for, the passage it stands in). The weights are in `quoting.json`, fitted by
`benchmarks/fit_quoting.py` on training questions only. Knows nothing of prompts and engines; the embedder is passed in.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.assistants.called import called
from core.assistants.interaction import States, nearness
from core.assistants.kinds import has_kind, wanted_kind
from core.assistants.ranges import settled
from core.assistants.sentences import Sentence, cells, split
from core.assistants.synonyms import NONE, Synonyms
from core.assistants.words import content_words, spelt
from core.retrieval.passages import Passage

Floats = NDArray[np.float32]
Asked = Mapping[str, float]
"""The stems of a question's content words, each with its rarity (inverse document frequency, >= 0)."""


class Embeds(Protocol):
    """The part of `core.ingestion.embedding.Embedder` that is needed here."""

    def embed(self, texts: Sequence[str]) -> Floats:
        """Unit vectors, float32 [n, d], in order."""
        ...

    def embed_tokens(self, texts: Sequence[str]) -> Sequence[States]:
        """The same, and a vector for each token."""
        ...


MODEL_FILE = Path(__file__).with_name("quoting.json")
FEATURES = (
    "meaning", "meaning_near", "passage_meaning", "words", "words_near", "words_heading", "phrase", "cue", "new_words",
    "asks", "label", "row", "rank", "passage_score", "after_match", "back_reference", "names", "row_words",
    "near", "near_heading", "near_around", "near_least", "near_row", "near_passage", "label_asked", "label_words",
    "document_score",
)  # fmt: skip
"""What a sentence's score is made of; `near*` compare token by token, see `interaction`."""

BACK = re.compile(r"(?:it|its|this|that|these|those|they|their|he|his|she|her|such|however|therefore)\b", re.I)
LETTERS = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a passage and how well it answers: `probability` sums to 1 over all candidates."""

    passage: Passage
    sentence: Sentence
    score: float
    probability: float

    @property
    def page_start(self) -> int:
        """Offset of the sentence in the page's text."""
        return self.passage.start + self.sentence.start

    @property
    def page_end(self) -> int:
        """Offset of the sentence's end in the page's text."""
        return self.passage.start + self.sentence.end


@dataclass(frozen=True, slots=True)
class Scored:
    """Every sentence of every passage, best first, with what other steps need to know about them.

    `features` is float32 [n, len(FEATURES)] in the order of `candidates`; `meaning` [n] the cosine alone; `question`
    is what they were scored against, `synonyms` in which other words. `before` is the same before rows that are called
    what was asked counted for more (`called`), where that changed anything: whether there is an answer is judged by it.
    """

    candidates: tuple[Candidate, ...]
    features: Floats
    meaning: Floats
    question: str = ""
    synonyms: Synonyms = NONE
    before: "Scored | None" = None


def relevant(
    question: str, passages: Sequence[Passage], embedder: Embeds, asked: Asked, synonyms: Synonyms = NONE
) -> Scored:
    """Score every sentence of the passages against the question; best first."""
    units = [(passage, sentence) for passage in passages for sentence in split(passage.text, passage.header)]
    if not units:
        return Scored((), np.zeros((0, len(FEATURES)), np.float32), np.zeros(0, np.float32), question, synonyms)
    features = feature_table(question, units, embedder, asked, synonyms)
    meaning = features[:, FEATURES.index("meaning")]
    scores, more = features @ weights(), called(question, units, asked, synonyms)

    def ranked(scores: Floats) -> Scored:
        scores = settled(question, units, scores)
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        order = np.argsort(-scores, kind="stable")
        found = (Candidate(units[i][0], units[i][1], float(scores[i]), float(shares[i])) for i in order)
        return Scored(tuple(found), features[order], meaning[order], question, synonyms)

    before = ranked(scores)
    return replace(ranked(scores + more), before=before) if more.any() else before


@cache
def weights() -> Floats:
    """The fitted weights, float32 [len(FEATURES)]."""
    fitted = json.loads(MODEL_FILE.read_text("utf-8"))["weights"]
    return np.array([fitted[name] for name in FEATURES], np.float32)


def feature_table(
    question: str,
    units: Sequence[tuple[Passage, Sentence]],
    embedder: Embeds,
    asked: Asked,
    synonyms: Synonyms,
) -> Floats:
    """One row of features per sentence, float32 [n, len(FEATURES)], columns in the order of FEATURES."""
    said = content_words(question)
    texts = [question, *(sentence.readable for _, sentence in units)]
    headings = [f"{spelt(passage.document)} {passage.title} {passage.heading}" for passage, _ in units]
    rows = [sentence.text if sentence.row else sentence.readable for _, sentence in units]
    wide = synonyms.looked_up or question
    every = list(dict.fromkeys([*texts, *headings, *rows, wide]))
    tokens = dict(zip(every, embedder.embed_tokens(every), strict=True))
    asker = tokens[question]
    meaning = np.array([tokens[text].vector @ tokens[wide].vector for text in texts[1:]], np.float32)
    near = [nearness(said, asker, [tokens[text] for text in each]) for each in (texts[1:], headings, rows)]
    for found, each in zip(near, (texts[1:], headings, rows), strict=True) if synonyms.groups else ():
        held = [synonyms.said(text) for text in each]
        found[np.array([[word.stem in words for word in said] for words in held], bool).reshape(found.shape)] = 1.0
    rarity = np.array([asked.get(word.stem, 0.0) for word in said], np.float32)
    by_words = _by_words(question, units, meaning, asked, synonyms)
    return np.hstack([by_words, _by_tokens(units, near, rarity, asked, synonyms)])


def _by_tokens(
    units: Sequence[tuple[Passage, Sentence]], near: list[Floats], rarity: Floats, asked: Asked, synonyms: Synonyms
) -> Floats:
    """The last nine columns."""
    own, heading, row = near
    share = rarity / (rarity.sum() or 1.0)
    total = sum({passage.rank: passage.score for passage, _ in units}.values()) or 1.0
    found = []
    for i, (passage, sentence) in enumerate(units):
        here = [j for j, (other, _) in enumerate(units) if other is passage]
        beside = [j for j in (i - 1, i, i + 1) if j in here]
        around = np.maximum(own[beside].max(0), heading[i])
        label = synonyms.stems(cells(sentence.text)[0]) if sentence.row else set()
        mass = {other.rank: other.score for other, _ in units if other.document_id == passage.document_id}
        found.append(
            (
                own[i] @ share,
                np.maximum(own[i], heading[i]) @ share,
                around @ share,
                around.min(initial=1.0),
                row[i] @ share if sentence.row else 0.0,
                np.maximum(own[here].max(0), heading[i]) @ share,
                len(label & asked.keys()) / max(1, len(label)),
                coverage(asked, label),
                sum(mass.values()) / total,
            )
        )
    return np.array(found, np.float32)


def _by_words(
    question: str, units: Sequence[tuple[Passage, Sentence]], meaning: Floats, asked: Asked, synonyms: Synonyms
) -> Floats:
    """All other columns."""
    pairs, wants = _pairs(question), wanted_kind(question)
    named = {word.stem: asked.get(word.stem, 0.0) for word in content_words(question) if word.kind != "word"}
    held = [synonyms.stems(sentence.readable) for _, sentence in units]
    best_score = max((passage.score for passage, _ in units), default=0.0) or 1.0
    rows = []
    for i, (passage, sentence) in enumerate(units):
        near = [j for j in (i - 1, i + 1) if 0 <= j < len(units) and units[j][0] is passage]
        before = i - 1 if i - 1 in near else None
        heading = synonyms.stems(f"{spelt(passage.document)} {passage.title} {passage.heading}")
        around = held[i].union(heading, *(held[j] for j in near))
        rows.append(
            {
                "meaning": meaning[i],
                "meaning_near": max((meaning[j] for j in near), default=0.0),
                "passage_meaning": passage.dense_score or 0.0,
                "words": coverage(asked, held[i]),
                "words_near": coverage(asked, around),
                "words_heading": coverage(asked, heading),
                "phrase": len(pairs & _pairs(sentence.readable)) / max(1, len(pairs)),
                "cue": has_kind(wants, sentence.text, asked),
                "new_words": math.log1p(len(held[i] - asked.keys())),
                "asks": sentence.text.endswith("?"),
                "label": is_label(sentence),
                "row": sentence.row,
                "rank": 1 / passage.rank,
                "passage_score": passage.score / best_score,
                "after_match": _after_match(units[before][1], meaning[before]) if before is not None else 0.0,
                "back_reference": bool(BACK.match(sentence.text)),
                "names": coverage(named, held[i] | heading),
                "row_words": coverage(asked, synonyms.stems(sentence.text)) if sentence.row else 0.0,
            }
        )
    return np.array([[row[name] for name in FEATURES[:18]] for row in rows], np.float32)


def coverage(asked: Asked, held: set[str]) -> float:
    """The share of the asked stems that are held, each weighing as much as it is rare; 0..1."""
    total = sum(asked.values())
    return sum(rarity for stem, rarity in asked.items() if stem in held) / total if total else 0.0


def is_label(sentence: Sentence) -> bool:
    """A heading or caption: short, without an ending, so it announces an answer rather than gives one."""
    text = sentence.text.strip()
    if sentence.row:
        first, *others = (cell.strip() for cell in cells(text))
        names_rows = bool(first and others) and not any(others) and _is_short(first)
        return sentence.header == "" or not LETTERS.search(text) or names_rows
    return text.startswith("#") or _is_short(text)


def _is_short(text: str) -> bool:
    return text[-1] not in '.!?;)"”' and len(text.split()) <= 8


def _after_match(previous: Sentence, meaning: float) -> float:
    """A question or heading that resembles the question announces its answer: the cosine, if it is one."""
    return float(meaning) if previous.text.endswith("?") or is_label(previous) else 0.0


def _pairs(text: str) -> set[tuple[str, str]]:
    run = [word.stem for word in content_words(text)]
    return set(pairwise(run))
