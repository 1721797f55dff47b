"""The verdict: which mode serves a corpus best, in plain words with the figures behind each, never surer than they are.

Pure. What decides is token F1, question by question; or, where most questions ask for one, whether the right yes, no
or maybe was said, and then a mode has to surely beat always saying the commonest of them as well. A mode is better than
retrieval when the whole 95 % interval of the mean difference lies above zero, and not worth its trouble when it lies
below `MATTERS`, also where it is surely more than nothing. A mode that is surely worse is not recommended, whatever
speaks for it. How many more questions would tell is the usual sample size for a paired mean, n = ((z_0.975 + z_0.80)
sd / d)^2 (Chow, Shao and Wang, "Sample Size Calculations in Clinical Research", 2008, section 3.1), from the spread
that was seen. The answers to the five questions are weighed with it, openly (`considerations`). It knows nothing of
what was not asked: no figure here holds for other questions than those like the ones that were.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.evaluation.considerations import Considered
from core.evaluation.saying import (
    CHOICE,
    ENOUGH,
    MATTERS,
    MEASURE,
    MOST,
    NAMES,
    RIVALS,
    Facts,
    barred,
    before_measuring,
    better,
    deciding,
    enough,
    leaning,
    limits,
    no_better_than_always,
    nothing_to_compare,
    paired,
    phrases,
    unclear,
    wished,
)
from core.evaluation.summary import Interval, Summary

MEASURED = 3
"""Points of a measured difference beside those of the five questions."""

Z = 1.95996 + 0.84162
"""The normal quantiles of a two-sided 5 % and a power of 80 %, added."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Attributes:
    mode: what to use now.
    measured: better, enough, unclear, or nothing (no comparison was made).
    headline: one sentence.
    phrases: what stands behind it, each with its figures.
    limits: what it does not say.
    more_questions: about how many more would tell; None when it is clear, or when no number would.
    points: mode -> all that speaks for it, and why.
    """

    mode: str
    measured: str
    headline: str
    phrases: tuple[str, ...]
    limits: tuple[str, ...]
    more_questions: int | None
    points: Mapping[str, int]
    considered: tuple[Considered, ...]

    def json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "mode": self.mode,
            "measured": self.measured,
            "headline": self.headline,
            "phrases": list(self.phrases),
            "limits": list(self.limits),
            "more_questions": self.more_questions,
            "points": dict(self.points),
            "considered": [
                {"question": c.topic.question, "answer": c.answer, "evidence": c.evidence, "moved": c.moved}
                for c in self.considered
            ],
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """What the figures alone say."""

    kind: str
    mode: str
    words: str
    more: int | None = None


def decide(summary: Summary, facts: Facts, considered: Sequence[Considered]) -> Verdict:
    """Weigh figures and considerations."""
    metric = deciding(summary)
    rivals = {mode: found for mode in RIVALS if (found := paired(summary, mode, "rag", metric))}
    read = _read(summary, facts, rivals)
    worse = [mode for mode, each in rivals.items() if each.high < 0 and each.mean <= -MATTERS]
    points = dict.fromkeys(("rag", *RIVALS), 0)
    told = read.kind in ("better", "enough")
    if told:
        points[read.mode] += MEASURED
    for each in considered:
        for mode in points:
            points[mode] += each.points.get(mode, 0)
    there = [mode for mode in RIVALS if mode in facts.minutes or mode in rivals]
    usable = ["rag", *(mode for mode in there if mode not in worse)]
    # A tie goes to what the figures say, then to what needs no training.
    best = max(usable, key=lambda mode: (points[mode], mode == read.mode, mode == "rag"))
    mode = best if told else "rag"
    weighed = barred(points, worse) if told else wished(points, facts)
    return Verdict(
        mode=mode,
        measured=read.kind,
        headline=_headline(read, mode),
        phrases=(*phrases(summary, facts, mode), *leaning(points, considered, told), *weighed),
        limits=limits(summary, facts),
        more_questions=read.more,
        points=points,
        considered=tuple(considered),
    )


def _headline(read: Reading, mode: str) -> str:
    if read.kind in ("better", "enough") and mode != read.mode:
        return f"Use {NAMES[mode]}: your answers to the five questions weigh more than the scores. {read.words}"
    return read.words


def _read(summary: Summary, facts: Facts, rivals: Mapping[str, Interval]) -> Reading:
    """What the scores alone say."""
    if "rag" not in summary.modes or MEASURE not in summary.modes["rag"]:
        return Reading("nothing", "rag", before_measuring(facts))
    if not rivals:
        return Reading("nothing", "rag", nothing_to_compare(summary, facts))
    asked = min(each.n for each in rivals.values())
    if asked < ENOUGH:
        words = f"Not enough evidence: only {asked} questions were answered by both. At least {ENOUGH} are needed."
        return Reading("unclear", "rag", words, ENOUGH - asked)
    metric = deciding(summary)
    own = {mode: summary.modes[mode][metric] for mode in rivals}
    winners = {mode: each for mode, each in rivals.items() if each.low > 0 and each.high >= MATTERS}
    if winners and metric == CHOICE and facts.commonest:
        best = max(winners, key=lambda name: winners[name].mean)
        winners = {mode: each for mode, each in winners.items() if own[mode].low > facts.commonest[1]}
        if not winners:
            return Reading("unclear", "rag", no_better_than_always(own[best], best, facts.commonest))
    if winners:
        mode = max(winners, key=lambda name: winners[name].mean)
        return Reading("better", mode, better(winners[mode], summary, mode))
    if all(each.high < MATTERS for each in rivals.values()):
        return Reading("enough", "rag", enough(rivals))
    more = max(questions_to_tell(each) for each in rivals.values() if each.high >= MATTERS)
    return Reading("unclear", "rag", unclear(rivals, more), more if more <= MOST else None)


def questions_to_tell(difference: Interval) -> int:
    """How many more questions would probably (80 %) show a difference of the size that was seen, in tens.

    A difference that is too small to matter has to be told from one that does; a negative one is told from that too.
    """
    effect = difference.mean if difference.mean >= MATTERS else max(difference.mean, MATTERS - difference.mean)
    needed = (Z * difference.sd / effect) ** 2
    return max(10, 10 * math.ceil((needed - difference.n) / 10))
