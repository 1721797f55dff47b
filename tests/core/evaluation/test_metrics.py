import pytest

from core.evaluation.metrics import (
    answer_recall,
    bootstrap_interval,
    contains_gold,
    exact_match,
    ndcg_at_k,
    recall_at_k,
    reciprocal_rank,
    token_f1,
)


def test_articles_case_and_punctuation_do_not_count() -> None:
    assert exact_match("The Denver Broncos.", "denver broncos")


def test_f1_counts_shared_tokens_with_their_number() -> None:
    assert token_f1("cat sat sat", "cat sat") == pytest.approx(0.8)
    assert token_f1("", "") == 1.0
    assert token_f1("cat", "") == 0.0


def test_recall_of_a_long_answer_that_holds_the_short_one_is_full() -> None:
    assert answer_recall("It was signed in 1999 by both parties", "1999") == 1.0
    assert answer_recall("It was signed", "in 1999") == 0.0


def test_gold_must_stand_there_as_whole_words() -> None:
    assert contains_gold("about 250 people", "250")
    assert not contains_gold("about 2500 people", "250")


def test_ndcg_of_the_second_place_is_discounted_by_log2_of_three() -> None:
    assert ndcg_at_k(["x", "a"], {"a": 1}) == pytest.approx(0.63093, abs=1e-5)
    assert ndcg_at_k(["a", "b"], {"a": 2, "b": 1}) == 1.0
    assert ndcg_at_k(["a"], {}) == 0.0


def test_rank_metrics_look_no_further_than_k() -> None:
    assert reciprocal_rank(["x", "y", "a"], {"a"}, k=2) == 0.0
    assert reciprocal_rank(["x", "a"], {"a"}) == 0.5
    assert recall_at_k(["a", "x", "b"], {"a", "b"}, k=2) == 0.5


def test_bootstrap_interval_holds_the_mean_and_is_repeatable() -> None:
    values = [0.0, 1.0] * 50
    low, high = bootstrap_interval(values)
    assert low < 0.5 < high
    assert (low, high) == bootstrap_interval(values)
    with pytest.raises(ValueError, match="no values"):
        bootstrap_interval([])
