"""How probable it is that the passages hold the answer: a logistic model over a dozen plain features.

Its coefficients are in `answerability.json`, fitted by `benchmarks/refusal.py --fit` on training questions only;
the threshold below which a domain refuses is in its `domain.toml`. Pure: everything it looks at was
computed for retrieval and quoting. Knows nothing of what is said when it refuses.
"""

import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from core.assistants import quoting
from core.assistants.quoting import Asked, Floats, Scored, coverage
from core.assistants.words import content_words, spelt
from core.retrieval.passages import Passage

MODEL_FILE = Path(__file__).with_name("answerability.json")
COLUMN = {name: i for i, name in enumerate(quoting.FEATURES)}

FEATURES = (
    "meaning",
    "passage_meaning",
    "words",
    "words_near",
    "passage_words",
    "all_words",
    "rarest_missing",
    "names_missing",
    "names_best",
    "unknown",
    "cue",
    "lead",
    "certainty",
    "agreement",
    "length",
    "page_certainty",
    "near_around",
    "near_least",
    "near_passage",
)


def answerable(question: str, passages: Sequence[Passage], scored: Scored, asked: Asked, rarest: float) -> float:
    """The probability, 0..1, that the passages answer the question; 0 without passages.

    Args:
        question: as asked.
        passages: what retrieval found, best first.
        scored: their sentences, scored against the question.
        asked: the stems of the question with their rarity.
        rarest: the rarity of a word that the corpus does not hold at all.
    """
    if not scored.candidates:
        return 0.0
    weights, bias = coefficients()
    return sigmoid(float(features(question, passages, scored, asked, rarest) @ weights) + bias)


def features(question: str, passages: Sequence[Passage], scored: Scored, asked: Asked, rarest: float) -> Floats:
    """What the probability is made of, float32 [len(FEATURES)], each about 0..1."""
    scored = scored.before or scored  # a row says little of the question in its own words
    held = [
        scored.synonyms.stems(f"{spelt(p.document)}\n{p.title}\n{p.heading}\n{p.header}\n{p.text}") for p in passages
    ]
    everything = set[str]().union(*held)
    missing = {stem: rarity for stem, rarity in asked.items() if stem not in everything}
    named = {word.stem for word in content_words(question) if word.kind != "word"}
    best, top = scored.features[0], passages[0]
    values = {
        "meaning": float(scored.meaning.max()),
        "passage_meaning": max((p.dense_score or 0.0 for p in passages), default=0.0),
        "words": float(best[COLUMN["words"]]),
        "words_near": float(scored.features[:, COLUMN["words_near"]].max()),
        "passage_words": max(coverage(asked, words) for words in held),
        "all_words": coverage(asked, everything),
        "rarest_missing": max(missing.values(), default=0.0) / rarest,
        "names_missing": len(named & missing.keys()) / max(1, len(named)),
        "names_best": float(best[COLUMN["names"]]) if named else 1.0,
        "unknown": sum(rarity >= 0.95 * rarest for rarity in asked.values()) / max(1, len(asked)),
        "cue": float(best[COLUMN["cue"]]),
        "lead": scored.candidates[0].score / 10,
        "certainty": scored.candidates[0].probability,
        "agreement": float(top.lexical_rank is not None and top.dense_rank is not None
                           and max(top.lexical_rank, top.dense_rank) <= 3),
        "length": math.log1p(len(asked)) / 4,
        "page_certainty": page_certainty(scored),
        "near_around": float(best[COLUMN["near_around"]]),
        "near_least": float(best[COLUMN["near_least"]]),
        "near_passage": float(scored.features[:, COLUMN["near_passage"]].max()),
    }  # fmt: skip
    return np.array([values[name] for name in FEATURES], np.float32)


def page_certainty(scored: Scored) -> float:
    """The probability of the likeliest page: that of all its sentences together."""
    pages: dict[tuple[int, int], float] = {}
    for candidate in scored.candidates:
        key = candidate.passage.document_id, candidate.passage.page
        pages[key] = pages.get(key, 0.0) + candidate.probability
    return max(pages.values(), default=0.0)


@cache
def coefficients() -> tuple[Floats, float]:
    """The fitted weights, float32 [len(FEATURES)], and the bias."""
    model = json.loads(MODEL_FILE.read_text("utf-8"))
    return np.array([model["weights"][name] for name in FEATURES], np.float32), float(model["bias"])


def sigmoid(value: float) -> float:
    """The logistic function, safe for large magnitudes."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))
