"""How far two raters agree beyond chance, with an interval. Pure.

Cohen, "A Coefficient of Agreement for Nominal Scales", Educational and Psychological Measurement 20 (1960). The
interval is the 95 % percentile bootstrap over clusters: labels that were given to one thing are drawn together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Pair = tuple[str, str]
"""One thing's label by the first and by the second rater."""

SAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Agreement:
    """`share` of labels that are the same; `kappa` with its interval, None where chance alone explains all of it."""

    labels: int
    clusters: int
    share: float
    kappa: float | None
    low: float | None
    high: float | None


def kappa(pairs: Sequence[Pair]) -> float | None:
    """Observed less expected agreement, over what was possible; None without pairs or when all labels are one."""
    if not pairs:
        return None
    names = sorted({label for pair in pairs for label in pair})
    observed = sum(a == b for a, b in pairs) / len(pairs)
    expected = sum(
        sum(a == name for a, _ in pairs) * sum(b == name for _, b in pairs) / len(pairs) ** 2 for name in names
    )
    return None if expected == 1 else (observed - expected) / (1 - expected)


def agreement(clusters: Sequence[Sequence[Pair]], seed: int = 0) -> Agreement | None:
    """Over all pairs of all clusters; None when there are none."""
    clusters = [each for each in clusters if each]
    pairs = [pair for each in clusters for pair in each]
    if not pairs:
        return None
    share = sum(a == b for a, b in pairs) / len(pairs)
    draws = np.random.default_rng(seed).integers(0, len(clusters), (SAMPLES, len(clusters)))
    drawn = [found for draw in draws if (found := kappa([p for k in draw for p in clusters[k]])) is not None]
    low, high = (float(each) for each in np.quantile(drawn, [0.025, 0.975])) if drawn else (None, None)
    return Agreement(len(pairs), len(clusters), share, kappa(pairs), low, high)
