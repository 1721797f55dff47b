"""Two ranked lists become one. Pure: ids and scores in, ids and scores out.

Words count as a share of the best word match, because BM25 has no scale of its own: in a corpus of a few
documents, where every chunk says what the corpus is about, its scores are near nothing. Meaning counts by
how much nearer a chunk is than the farthest one found, because cosines do have a scale: a list of weak
matches in meaning does not push aside a strong match in words, as it would when stretched to the same range.
The rules tried beside it stand in `benchmarks/retrieval.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

MEANING = 1.75  # a cosine 4/7 above the lowest one found counts as much as the best word match


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

    score = BM25 / the best BM25 + MEANING * (cosine - the lowest cosine found); what a list did not find adds nothing.
    """
    by_words, by_meaning = dict(lexical), dict(dense)
    lowest = min(by_meaning.values(), default=0.0)
    best = max(by_words.values(), default=0.0) or 1.0
    scores = {key: score / best for key, score in by_words.items()}
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


def gained(ranked: Sequence[Ranked], gains: Mapping[int, float]) -> list[Ranked]:
    """Ranked chunks after what they gained, or lost where it is less than 0, by their ids; no score falls below 0."""
    moved = [replace(hit, score=max(0.0, hit.score + gains.get(hit.chunk_id, 0.0))) for hit in ranked]
    return sorted(moved, key=lambda hit: (-hit.score, hit.chunk_id))


def level(lists: Sequence[tuple[str, Sequence[tuple[int, float]]]]) -> list[tuple[int, float]]:
    """One list of meaning from those of several corpora, best first.

    Cosines of two embedding models are no scale: what one calls near, the other calls far. So the first list's model
    says how near its own hits are, and the hits of another model count as much as the first's of the same rank.

    Args:
        lists: the embedding model of each, and its (chunk id, cosine), best first.
    """
    by_model: dict[str, list[tuple[int, float]]] = {}
    for model, hits in lists:
        by_model.setdefault(model, []).extend(hits)
    merged = [sorted(hits, key=lambda hit: -hit[1]) for hits in by_model.values() if hits]
    scale = [score for _, score in merged[0]] if merged else []
    levelled = [(key, scale[min(rank, len(scale) - 1)]) for hits in merged for rank, (key, _) in enumerate(hits)]
    return sorted(levelled, key=lambda hit: -hit[1])


def _ranks(hits: Sequence[tuple[int, float]]) -> dict[int, int]:
    return {key: rank for rank, (key, _) in enumerate(hits, 1)}
