"""What a mode costs: seconds to the first word and to the last, tokens, memory of the model, minutes of training."""

from collections.abc import Mapping, Sequence

import numpy as np

from core.evaluation.summary import ORDER
from storage.rows import EvaluationAnswerRow

Costs = dict[str, dict[str, float]]
"""mode -> what -> how much; what is not known of a mode is not there."""


def costs(answers: Sequence[EvaluationAnswerRow], memory: Mapping[str, int], minutes: Mapping[str, float]) -> Costs:
    """By mode.

    Args:
        memory: bytes that the process which holds a mode's model takes.
        minutes: what training a mode's adapter took.
    """
    found: Costs = {}
    for mode in ORDER:
        timings = [each.timings for each in answers if each.mode == mode]
        if not timings:
            continue
        row = found[mode] = {}
        for name, at in (("first_token_s", "first"), ("total_s", "total")):
            if values := [float(each[name]) for each in timings if each.get(name) is not None]:
                row |= {f"{at}_p50": float(np.median(values)), f"{at}_p95": float(np.percentile(values, 95))}
        for name in ("tokens", "tokens_per_s"):
            if values := [float(each[name]) for each in timings if each.get(name)]:
                row[name] = float(np.mean(values))
        if mode in memory:
            row["memory_mb"] = memory[mode] / 1e6
        if mode in minutes:
            row["training_min"] = minutes[mode]
    return found
