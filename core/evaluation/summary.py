"""Scores of many answers as means with 95 % intervals, by mode and, question by question, between modes. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from core.evaluation.metrics import bootstrap_interval

ORDER = ("base", "quote", "rag", "finetuned", "hybrid")
"""Modes from the plainest to the one with most in it. *Quote* is a control: the most relevant sentence, no model."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answer of one question: its scores by metric, and the seconds it took with its share of the retrieval."""

    question: str
    mode: str
    scores: Mapping[str, float]
    seconds: float = 0.0


Imagined = tuple[float, ...]
SCORES: Imagined = (0.0, 1.0)
DIFFERENCES: Imagined = (-0.5, 0.5)
"""What intervals reckon with beside what was measured (`bootstrap_interval`). A difference of a whole answer is rare:
that of half of one, either way, keeps the promise of 95 % with the least width (tried: a half, 0.7, one)."""

UNBOUNDED = ("seconds", "gold_nats")
"""What is measured and is no score, so that nothing is known of how far it goes: no value is imagined."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over `n` questions and its 95 % interval; `sd` is the standard deviation of the single values."""

    mean: float
    low: float
    high: float
    n: int
    sd: float

    @classmethod
    def of(cls, values: Sequence[float], imagined: Imagined) -> "Interval":
        """Of at least one value; `imagined` is SCORES, DIFFERENCES or (), by what they are."""
        middle = sum(values) / len(values)
        spread = sum((value - middle) ** 2 for value in values) / max(1, len(values) - 1)
        low, high = bootstrap_interval(values, imagined)
        return cls(middle, low, high, len(values), spread**0.5)

    def json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


Table = dict[str, dict[str, Interval]]
Values = Mapping[str, Mapping[str, float]]
"""metric -> question -> value"""


@dataclass(frozen=True, slots=True)
class Summary:
    """Attributes:
    modes: mode -> metric -> mean with its interval; "seconds" is among the metrics.
    paired: "hybrid-rag" -> metric -> mean difference over the questions that both answered, with its interval.
    """

    modes: Table
    paired: Table

    def json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {name: {key: {m: i.json() for m, i in row.items()} for key, row in table.items()}
                for name, table in (("modes", self.modes), ("paired", self.paired))}  # fmt: skip

    @classmethod
    def of_json(cls, found: Mapping[str, Any]) -> "Summary":
        """From what `json` gave; an empty mapping is an empty summary."""
        tables = (found.get(name, {}) for name in ("modes", "paired"))
        return cls(*({key: {m: Interval(**i) for m, i in row.items()} for key, row in table.items()}
                     for table in tables))  # fmt: skip


def summarise(outcomes: Iterable[Outcome], *, paired: bool = True) -> Summary:
    """Means by mode over the questions each metric applies to, and paired differences of every two modes.

    Args:
        paired: without, there are no differences, for scores that are looked at while they come.
    """
    values: dict[str, dict[str, dict[str, float]]] = {}
    for outcome in outcomes:
        for metric, value in ({**outcome.scores, "seconds": outcome.seconds}).items():
            values.setdefault(outcome.mode, {}).setdefault(metric, {})[outcome.question] = value
    modes = [mode for mode in ORDER if mode in values]
    means = {
        mode: {m: Interval.of(list(each.values()), _imagined(m, SCORES)) for m, each in values[mode].items()}
        for mode in modes
    }
    pairs = combinations(modes, 2) if paired else ()
    return Summary(means, {f"{b}-{a}": _differences(values[b], values[a]) for a, b in pairs})


def _differences(
    new: Mapping[str, Mapping[str, float]], other: Mapping[str, Mapping[str, float]]
) -> dict[str, Interval]:
    found = {}
    for metric in new.keys() & other.keys():
        shared = sorted(new[metric].keys() & other[metric].keys())
        if shared:
            moved = [new[metric][key] - other[metric][key] for key in shared]
            found[metric] = Interval.of(moved, _imagined(metric, DIFFERENCES))
    return dict(sorted(found.items()))


def _imagined(metric: str, usual: Imagined) -> Imagined:
    return () if metric in UNBOUNDED else usual
