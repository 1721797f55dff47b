"""Each metric is what a reference implementation by others makes of the same 200 random cases, to 1e-6."""

import random
import string
from collections.abc import Iterator

import numpy as np
import pytest
import scipy.stats
import torch
from sklearn.metrics import ndcg_score
from torchmetrics.functional.retrieval import retrieval_recall, retrieval_reciprocal_rank
from torchmetrics.functional.text import squad
from torchmetrics.functional.text.rouge import rouge_score

from core.evaluation.matching import rouge_l
from core.evaluation.metrics import bootstrap_interval, exact_match, ndcg_at_k, recall_at_k, reciprocal_rank, token_f1

WORDS = ("the", "The", "a", "an", "rent", "Rent", "tenant", "tenant's", "1,234", "5.2%", "per", "cent", "naïve", "£20")
EXACT = {"abs": 1e-6}
CASES = 200


def pairs(seed: int) -> Iterator[tuple[str, str]]:
    """Texts that share words; none is empty without articles and signs, where editions of the script differ."""
    draw = random.Random(seed)
    for _ in range(CASES):
        yield text(draw), text(draw)


def text(draw: random.Random) -> str:
    words = [draw.choice(WORDS) + draw.choice(("", "", ",", ".", "?")) for _ in range(draw.randint(1, 12))]
    return draw.choice((" ", "  ")).join(["notice", *words])


def rankings(seed: int) -> Iterator[tuple[list[str], dict[str, float], int]]:
    """Twenty ids in some order, the gains of some of them, and how far to look."""
    draw = random.Random(seed)
    for _ in range(CASES):
        ids = draw.sample(string.ascii_letters, 20)
        judged = {each: float(draw.randint(1, 3)) for each in draw.sample(ids, draw.randint(1, 8))}
        yield ids, judged, draw.choice((1, 3, 5, 10, 20))


def test_token_f1_and_exact_match_are_those_of_squad() -> None:
    for number, (answer, gold) in enumerate(pairs(1)):
        gold = answer.upper() if number % 5 == 0 else gold
        found = squad(
            [{"prediction_text": answer, "id": "1"}],
            [{"answers": {"answer_start": [0], "text": [gold]}, "id": "1"}],
        )
        assert token_f1(answer, gold) == pytest.approx(float(found["f1"]) / 100, **EXACT)
        assert exact_match(answer, gold) == (float(found["exact_match"]) == 100)


def test_rouge_l_is_that_of_torchmetrics() -> None:
    for answer, gold in pairs(2):
        said, wanted = (
            each.replace("naïve", "naive") for each in (answer, gold)
        )  # there, only ASCII letters are words
        found = rouge_score(said, wanted, rouge_keys="rougeL")["rougeL_fmeasure"]
        assert rouge_l(said, wanted) == pytest.approx(float(found), **EXACT)


def test_ndcg_is_that_of_scikit_learn() -> None:
    for ids, judged, k in rankings(3):
        gains = np.array([[judged.get(each, 0.0) for each in ids]])
        scores = np.array([np.arange(len(ids), 0, -1.0)])
        assert ndcg_at_k(ids, judged, k) == pytest.approx(ndcg_score(gains, scores, k=k), **EXACT)


def test_reciprocal_rank_and_recall_are_those_of_torchmetrics() -> None:
    for ids, judged, k in rankings(4):
        scores, right = torch.arange(len(ids), 0, -1.0), torch.tensor([each in judged for each in ids])
        expected = float(retrieval_reciprocal_rank(scores, right, top_k=k))
        assert reciprocal_rank(ids, set(judged), k) == pytest.approx(expected, **EXACT)
        assert recall_at_k(ids, set(judged), k) == pytest.approx(
            float(retrieval_recall(scores, right, top_k=k)), **EXACT
        )


def test_the_bootstrap_of_a_mean_is_that_of_scipy_up_to_its_own_chance() -> None:
    draw = np.random.default_rng(5)
    for _ in range(20):
        values = draw.random(int(draw.integers(8, 120)))
        expected = scipy.stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=draw)
        width = expected.confidence_interval.high - expected.confidence_interval.low
        found = bootstrap_interval(list(values), samples=4000)
        assert found == pytest.approx(tuple(expected.confidence_interval), abs=0.1 * width)
