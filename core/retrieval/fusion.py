"""Two ranked lists become one. Pure: ids and scores in, ids and scores out.

Each list's scores are scaled to 0..1 between the best and the worst that was found, then averaged: on
SciFact better than reciprocal ranks, which throw away by how much a hit was better. Other rules were
measured in `benchmarks/retrieval.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ranked:
    """A found chunk: its fused score (0..1), and what each list said, None where it did not find it.

    Ranks are 1-based.
    """

    chunk_id: int
    score: float
    lexical_rank: int | None
    dense_rank: int | None
    lexical_score: float | None
    dense_score: float | None


def fuse(
    lexical: Sequence[tuple[int, float]], dense: Sequence[tuple[int, float]], dense_weight: float = 0.5
) -> list[Ranked]:
    """Fuse two lists of (chunk id, score), each best first; ties keep the lower id first.

    Args:
        dense_weight: 0 is lexical alone, 1 dense alone.
    """
    by_words, by_meaning = dict(lexical), dict(dense)
    words, meaning = scaled(by_words), scaled(by_meaning)
    word_ranks, meaning_ranks = _ranks(lexical), _ranks(dense)
    fused = [
        Ranked(
            chunk_id=key,
            score=(1 - dense_weight) * words.get(key, 0.0) + dense_weight * meaning.get(key, 0.0),
            lexical_rank=word_ranks.get(key),
            dense_rank=meaning_ranks.get(key),
            lexical_score=by_words.get(key),
            dense_score=by_meaning.get(key),
        )
        for key in by_words.keys() | by_meaning.keys()
    ]
    return sorted(fused, key=lambda hit: (-hit.score, hit.chunk_id))


def scaled(scores: Mapping[int, float]) -> dict[int, float]:
    """Scores moved to 0..1 between the lowest and the highest; all 1 when they are equal."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    return {key: (score - low) / (high - low) if high > low else 1.0 for key, score in scores.items()}


def _ranks(hits: Sequence[tuple[int, float]]) -> dict[int, int]:
    return {key: rank for rank, (key, _) in enumerate(hits, 1)}
