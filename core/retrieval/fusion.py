"""Two ranked lists become one. Pure: ids and scores in, ids and scores out.

Both scores count on scales of their own: a BM25 score says by itself how much a chunk shares with the
question, so a list of weak word matches does not push aside a strong match in meaning, as it would when
each list were stretched to the same range. On training questions this kept up with the better list on
prose (doc2dial, techqa, xquad) and cost a point on tables (tatqa); the rules that were tried beside it
stand in `benchmarks/retrieval.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FULL_MATCH = 20.0  # BM25 that counts as much as a cosine 1 / MEANING above the lowest one found
MEANING = 1.5


@dataclass(frozen=True, slots=True)
class Ranked:
    """A found chunk: its fused score (0 and more), and what each list said, None where it did not find it.

    Ranks are 1-based.
    """

    chunk_id: int
    score: float
    lexical_rank: int | None
    dense_rank: int | None
    lexical_score: float | None
    dense_score: float | None


def fuse(lexical: Sequence[tuple[int, float]], dense: Sequence[tuple[int, float]]) -> list[Ranked]:
    """Fuse two lists of (chunk id, score), each best first; ties keep the lower id first.

    score = BM25 / FULL_MATCH + MEANING * (cosine - the lowest cosine found); what a list did not find adds nothing.
    """
    by_words, by_meaning = dict(lexical), dict(dense)
    lowest = min(by_meaning.values(), default=0.0)
    scores = {key: score / FULL_MATCH for key, score in by_words.items()}
    for key, cosine in by_meaning.items():
        scores[key] = scores.get(key, 0.0) + MEANING * (cosine - lowest)
    return ranked(scores, lexical, dense)


def ranked(
    scores: Mapping[int, float], lexical: Sequence[tuple[int, float]], dense: Sequence[tuple[int, float]]
) -> list[Ranked]:
    """Fused scores in order, each with what the two lists said of it."""
    by_words, by_meaning = dict(lexical), dict(dense)
    word_ranks, meaning_ranks = _ranks(lexical), _ranks(dense)
    found = [
        Ranked(key, score, word_ranks.get(key), meaning_ranks.get(key), by_words.get(key), by_meaning.get(key))
        for key, score in scores.items()
    ]
    return sorted(found, key=lambda hit: (-hit.score, hit.chunk_id))


def _ranks(hits: Sequence[tuple[int, float]]) -> dict[int, int]:
    return {key: rank for rank, (key, _) in enumerate(hits, 1)}
