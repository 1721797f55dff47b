"""Fusion: two lists of scores become one, and each hit remembers where it came from."""

import pytest

from core.retrieval.fusion import fuse, scaled


def test_found_by_both_beats_found_by_one() -> None:
    fused = fuse([(1, 9.0), (2, 8.0), (3, 1.0)], [(4, 0.9), (2, 0.8), (5, 0.1)])
    assert fused[0].chunk_id == 2
    assert (fused[0].lexical_rank, fused[0].dense_rank) == (2, 2)
    assert (fused[0].lexical_score, fused[0].dense_score) == (8.0, 0.8)


def test_a_hit_of_one_list_has_no_rank_in_the_other() -> None:
    hit = fuse([(1, 2.0)], [])[0]
    assert (hit.lexical_rank, hit.dense_rank, hit.dense_score) == (1, None, None)


def test_scores_lie_between_nought_and_one() -> None:
    fused = fuse([(k, 10.0 - k) for k in range(5)], [(k, k / -10) for k in range(5)])
    assert fused[0].score == pytest.approx(1.0)
    assert all(0 <= hit.score <= 1 for hit in fused)


def test_the_weight_moves_between_the_lists() -> None:
    lexical, dense = [(1, 2.0), (2, 1.0)], [(2, 0.9), (1, 0.1)]
    assert fuse(lexical, dense, dense_weight=0.0)[0].chunk_id == 1
    assert fuse(lexical, dense, dense_weight=1.0)[0].chunk_id == 2


def test_ties_keep_the_lower_id_first() -> None:
    assert [hit.chunk_id for hit in fuse([(7, 1.0)], [(3, 0.5)])] == [3, 7]


def test_equal_scores_all_count_in_full() -> None:
    assert scaled({1: 3.0, 2: 3.0}) == {1: 1.0, 2: 1.0}


def test_nothing_found_is_nothing_fused() -> None:
    assert fuse([], []) == []
