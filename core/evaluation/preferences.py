"""What people preferred, as win rates with intervals. Pure.

Bradley and Terry, "Rank Analysis of Incomplete Block Designs", Biometrika 39 (1952): the chance that one mode beats
another is its strength over the sum of both. Fitted by the minorise-maximise steps of Hunter (Annals of Statistics
32, 2004). A best among several beats each of the others; a tie is half a win for either of each pair; "all bad" says
nothing of who is better and is counted apart. Intervals: 95 % percentile bootstrap over votes, one imagined vote for
each mode among them, as `bootstrap_interval` has imagined values: ten votes of ten are not certainty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from storage.rows import VoteRow

STEPS = 200
SAMPLES = 500
PRIOR = 0.5
"""Half a win of everyone against everyone: a mode that never won is weak, not impossible."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A mode's share of wins if all of them were asked: 0..1, with its 95 % interval; `best` counts its votes."""

    mode: str
    share: float
    low: float
    high: float
    best: int


@dataclass(frozen=True, slots=True)
class Preferences:
    """Win rates, the strongest first, and how many votes there are, ties and "all bad" among them."""

    rates: tuple[Rate, ...]
    votes: int
    ties: int
    bad: int


def preferences(votes: Sequence[VoteRow], seed: int = 0) -> Preferences:
    """Fit the votes; no rates without a vote that compares."""
    ties = sum(vote.choice == "tie" for vote in votes)
    bad = sum(vote.choice == "bad" for vote in votes)
    compared = telling(votes)
    modes = sorted({mode for vote in compared for mode in vote.modes})
    if not compared or len(modes) < 2:
        return Preferences((), len(votes), ties, bad)
    tables = np.stack([wins(vote, modes) for vote in compared])  # [votes, modes, modes]
    shares = strengths(tables.sum(0))
    tables = np.concatenate([tables, np.stack([beats_all(i, len(modes)) for i in range(len(modes))])])
    draws = np.random.default_rng(seed).integers(0, len(tables), (SAMPLES, len(tables)))
    drawn = strengths(np.stack([tables[draw].sum(0) for draw in draws]))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    rates = [
        Rate(mode, float(shares[i]), float(low[i]), float(high[i]), sum(vote.choice == mode for vote in compared))
        for i, mode in enumerate(modes)
    ]
    return Preferences(tuple(sorted(rates, key=lambda rate: -rate.share)), len(votes), ties, bad)


def telling(votes: Sequence[VoteRow]) -> list[VoteRow]:
    """Those that say who is better, or that nobody is; "all bad" does not."""
    return [vote for vote in votes if vote.choice == "tie" or vote.choice in vote.modes]


def wins(vote: VoteRow, modes: Sequence[str]) -> NDArray[np.float64]:
    """Who beat whom in one vote: [winner, loser], float64."""
    table = np.zeros((len(modes), len(modes)))
    place = {mode: i for i, mode in enumerate(modes)}
    if vote.choice == "tie":
        for a, b in combinations(vote.modes, 2):
            table[place[a], place[b]] += 0.5
            table[place[b], place[a]] += 0.5
    else:
        for other in vote.modes:
            if other != vote.choice:
                table[place[vote.choice], place[other]] += 1
    return table


def beats_all(mode: int, modes: int) -> NDArray[np.float64]:
    """The wins of a vote for one of so many modes over all the others: [winner, loser], float64."""
    table = np.zeros((modes, modes))
    table[mode] = 1
    table[mode, mode] = 0
    return table


def strengths(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bradley-Terry strengths [..., modes] that sum to 1, from wins [..., winner, loser]."""
    size = table.shape[-1]
    won = table + PRIOR * (1 - np.eye(size)) / (size - 1)
    played = won + np.swapaxes(won, -1, -2)
    found = np.full(table.shape[:-1], 1 / size)
    for _ in range(STEPS):
        against = (played / (found[..., :, None] + found[..., None, :])).sum(-1)
        found = won.sum(-1) / against
        found /= found.sum(-1, keepdims=True)
    return found
