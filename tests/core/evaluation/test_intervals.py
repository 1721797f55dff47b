"""Intervals hold the truth about as often as they say, also those of few or nearly equal values."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from core.evaluation.metrics import bootstrap_interval
from core.evaluation.preferences import preferences
from core.evaluation.summary import DIFFERENCES, SCORES, Interval
from storage.rows import VoteRow

Draw = Callable[[np.random.Generator, int], "np.ndarray[tuple[int], np.dtype[np.float64]]"]
RUNS = 150

SCORED: dict[str, tuple[Draw, float]] = {
    "half of them right": (lambda draw, n: (draw.random(n) < 0.5).astype(float), 0.5),
    "nearly all right": (lambda draw, n: (draw.random(n) < 0.97).astype(float), 0.97),
    "token F1, often zero": (
        lambda draw, n: np.where(draw.random(n) < 0.45, 0, draw.beta(1.2, 1.5, n)),
        0.55 * 1.2 / 2.7,
    ),
}
DIFFERING: dict[str, tuple[Draw, float]] = {
    "mostly no difference": (lambda draw, n: np.where(draw.random(n) < 0.9, 0, draw.uniform(-0.6, 1, n)), 0.02),
    "better or worse by some": (lambda draw, n: np.clip(draw.normal(0.05, 0.3, n), -1, 1), 0.05),
    "right or wrong": (lambda draw, n: draw.choice([-1.0, 0, 1], n, p=[0.05, 0.8, 0.15]), 0.1),
}
CASES = [*((name, SCORES) for name in SCORED), *((name, DIFFERENCES) for name in DIFFERING)]


def coverage(name: str, imagined: tuple[float, ...], n: int) -> float:
    make, truth = (SCORED | DIFFERING)[name]
    draw = np.random.default_rng(11)
    held = 0
    for _ in range(RUNS):
        low, high = bootstrap_interval(make(draw, n).tolist(), imagined, samples=400)
        held += low <= truth + 1e-9 and truth - 1e-9 <= high
    return held / RUNS


@pytest.mark.parametrize("n", [8, 15, 60])
@pytest.mark.parametrize(("name", "imagined"), CASES)
def test_they_hold_the_true_mean_about_as_often_as_they_say(name: str, imagined: tuple[float, ...], n: int) -> None:
    assert coverage(name, imagined, n) >= 0.87  # what chance leaves of 95 % in so many runs, and a little for few


def test_without_what_is_imagined_few_questions_are_far_too_sure() -> None:
    assert coverage("nearly all right", (), 8) < 0.5
    assert coverage("mostly no difference", (), 15) < 0.75


def test_what_came_out_the_same_every_time_is_not_certain() -> None:
    all_right = Interval.of([1.0] * 10, SCORES)
    assert (all_right.mean, all_right.high) == (1.0, 1.0)
    assert 0.6 < all_right.low < 0.85  # Wilson's interval begins at 0.72
    none_moved = Interval.of([0.0] * 10, DIFFERENCES)
    assert none_moved.low < -0.03
    assert none_moved.high > 0.03
    one = Interval.of([1.0], SCORES)
    assert (one.low, one.high) == (0.0, 1.0)


def vote(choice: str) -> VoteRow:
    return VoteRow("q", choice, ("rag", "hybrid"), False, datetime.now(UTC))


@pytest.mark.parametrize(("truth", "votes"), [(0.5, 6), (0.5, 40), (0.8, 12), (0.8, 60), (0.95, 12), (0.95, 60)])
def test_win_rates_hold_the_true_share_about_as_often_as_they_say(truth: float, votes: int) -> None:
    draw = np.random.default_rng(7)
    held = 0
    for _ in range(100):
        found = preferences([vote("hybrid" if won else "rag") for won in draw.random(votes) < truth])
        rate = next(rate for rate in found.rates if rate.mode == "hybrid")
        held += rate.low <= truth <= rate.high
    assert held >= 90


def test_a_few_votes_that_all_say_the_same_are_not_certain() -> None:
    for votes in (1, 3, 10):
        best, other = preferences([vote("hybrid")] * votes).rates
        assert best.mode == "hybrid"
        assert best.high - best.low > 0.15
        assert other.low < other.share < other.high
