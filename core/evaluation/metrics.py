"""How good an answer or a ranking is, as numbers between 0 and 1. Pure; knows no files and no models.

Answers: the normalisation and F1 of the SQuAD v1.1 evaluation script (Rajpurkar et al., EMNLP 2016, "SQuAD:
100,000+ Questions for Machine Comprehension of Text"). Rankings: nDCG as Järvelin and Kekäläinen (TOIS 2002)
define it, with the linear gain and log2 discount of trec_eval, which BEIR reports. Intervals: the percentile
bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).
"""

import math
import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str) -> str:
    """SQuAD's normalisation: lower case, without punctuation and articles, single spaces."""
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


def exact_match(answer: str, gold: str) -> bool:
    """Whether both are the same after normalisation."""
    return normalise(answer) == normalise(gold)


def contains_gold(answer: str, gold: str) -> bool:
    """Whether the gold answer stands inside the answer, whole words, after normalisation."""
    return f" {normalise(gold)} " in f" {normalise(answer)} "


def token_f1(answer: str, gold: str) -> float:
    """Harmonic mean of token precision and recall (SQuAD); two empty texts agree."""
    said, wanted = normalise(answer).split(), normalise(gold).split()
    common = sum((Counter(said) & Counter(wanted)).values())
    if not said or not wanted:
        return float(said == wanted)
    return 2 * common / (len(said) + len(wanted))


def answer_recall(answer: str, gold: str) -> float:
    """The share of the gold answer's tokens that the answer holds: what a long but right answer keeps."""
    said, wanted = normalise(answer).split(), normalise(gold).split()
    return sum((Counter(said) & Counter(wanted)).values()) / len(wanted) if wanted else float(not said)


def ndcg_at_k(ranking: Sequence[str], gains: Mapping[str, float], k: int = 10) -> float:
    """Normalised discounted cumulative gain of the first `k`; `gains` are the judged ids, all others are 0."""
    best = _dcg(sorted(gains.values(), reverse=True)[:k])
    return _dcg([gains.get(item, 0.0) for item in ranking[:k]]) / best if best else 0.0


def reciprocal_rank(ranking: Sequence[str], relevant: set[str], k: int = 10) -> float:
    """One over the rank of the first relevant id among the first `k`; 0 if there is none."""
    return next((1.0 / rank for rank, item in enumerate(ranking[:k], 1) if item in relevant), 0.0)


def recall_at_k(ranking: Sequence[str], relevant: set[str], k: int = 10) -> float:
    """The share of the relevant ids among the first `k`."""
    return len(relevant & set(ranking[:k])) / len(relevant) if relevant else 0.0


def bootstrap_interval(
    values: Sequence[float],
    imagined: Sequence[float] = (),
    *,
    level: float = 0.95,
    samples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """The percentile bootstrap interval of the mean of `values` (one per question).

    For the difference of two systems pass the differences question by question (paired).

    Args:
        imagined: values that are resampled with the others, though nobody measured them. Without any, eight right
            answers in eight would be certainty, and intervals of few or of nearly equal values are far too narrow
            (tests/core/evaluation/test_intervals.py). For shares, 0 and 1, it is the remedy of Agresti and Coull (The
            American Statistician 52, 1998) as Bonett and Price have it (Journal of Educational and Behavioral
            Statistics 37, 2012).

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values to resample")
    observed = np.asarray([*values, *imagined], dtype=np.float64)
    draws = np.random.default_rng(seed).integers(0, len(observed), (samples, len(observed)))
    low, high = np.quantile(observed[draws].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _dcg(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))
