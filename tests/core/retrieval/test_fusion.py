"""Fusion: two lists of scores become one, and each hit remembers where it came from."""

from core.retrieval.fusion import fuse, level


def test_found_by_both_beats_found_by_one() -> None:
    fused = fuse([(1, 9.0), (2, 8.0), (3, 1.0)], [(4, 0.9), (2, 0.8), (5, 0.1)])
    assert fused[0].chunk_id == 2
    assert (fused[0].lexical_rank, fused[0].dense_rank) == (2, 2)
    assert (fused[0].lexical_score, fused[0].dense_score) == (8.0, 0.8)


def test_a_hit_of_one_list_has_no_rank_in_the_other() -> None:
    hit = fuse([(1, 2.0)], [])[0]
    assert (hit.lexical_rank, hit.dense_rank, hit.dense_score) == (1, None, None)


def test_a_strong_match_in_words_is_not_pushed_aside_by_weak_meaning() -> None:
    assert fuse([(1, 30.0), (2, 2.0)], [(2, 0.40), (3, 0.35), (1, 0.20)])[0].chunk_id == 1


def test_a_clear_match_in_meaning_is_not_pushed_aside_by_weak_words() -> None:
    assert fuse([(1, 3.0), (2, 2.0)], [(3, 0.90), (1, 0.15), (2, 0.10)])[0].chunk_id == 3


def test_the_scale_of_word_scores_does_not_matter() -> None:
    dense = [(2, 0.5), (3, 0.45), (1, 0.4)]
    order = [hit.chunk_id for hit in fuse([(1, 30.0), (2, 10.0)], dense)]
    assert [hit.chunk_id for hit in fuse([(1, 0.3), (2, 0.1)], dense)] == order == [1, 2, 3]


def test_ties_keep_the_lower_id_first() -> None:
    assert [hit.chunk_id for hit in fuse([(7, 2.0), (3, 2.0)], [])] == [3, 7]


def test_nothing_found_is_nothing_fused() -> None:
    assert fuse([], []) == []


def test_lists_of_one_embedding_model_are_one_list_by_cosine() -> None:
    assert level([("a", [(1, 0.9), (2, 0.2)]), ("a", [(3, 0.5)])]) == [(1, 0.9), (3, 0.5), (2, 0.2)]


def test_hits_of_another_embedding_model_count_by_their_rank() -> None:
    levelled = level([("a", [(1, 0.9), (2, 0.7)]), ("b", [(3, 0.31), (4, 0.3), (5, 0.29)])])
    assert levelled == [(1, 0.9), (3, 0.9), (2, 0.7), (4, 0.7), (5, 0.7)]


def test_where_the_first_list_is_empty_the_other_one_says_how_near() -> None:
    assert level([("a", []), ("b", [(3, 0.31), (4, 0.3)])]) == [(3, 0.31), (4, 0.3)]
    assert level([("a", []), ("b", [])]) == []
