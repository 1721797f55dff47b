"""What is known of a corpus without asking anybody: the facts and the prefilled answers of a verdict, with evidence."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.evaluation import fingerprints
from core.evaluation.considerations import consider
from core.evaluation.held_out import HeldOut, held_out
from core.evaluation.matching import choice
from core.evaluation.questions import Gold
from core.evaluation.saying import ENOUGH, EXAMPLES_NEEDED, MEASURE, RIVALS, Facts
from core.evaluation.summary import Interval, Summary
from core.evaluation.verdict import Verdict, decide
from core.finetuning.registry import staleness
from core.finetuning.serving import OF_MODE
from core.finetuning.trainable import refusal
from storage.examples import Filter
from storage.rows import AdapterRow, EvaluationRow

if TYPE_CHECKING:
    from core.workspace import Workspace

WATCHED_DAYS = 30
YOUNG_DAYS = 7
"""A corpus younger than this has not shown how much it changes."""

FEW, PLENTY = 40, 400
Measured = tuple[str, str]
"""An answer and its evidence."""


def verdict(ws: "Workspace", corpus_id: int, evaluation: EvaluationRow | None, beside: Facts | None = None) -> Verdict:
    """The verdict on a corpus from an evaluation (None: nothing measured yet) and all that is known `beside` it."""
    summary = Summary.of_json(evaluation.summary if evaluation else {})
    considered = consider(measured(ws, corpus_id), ws.evaluations.considerations(corpus_id))
    known = beside or facts(ws, corpus_id)
    if evaluation and evaluation.summary:
        asked = commonest(Gold.of(each) for each in evaluation.questions)
        known = replace(probed(known, evaluation.summary), changed=outdated(ws, evaluation), commonest=asked)
    return decide(summary, known, considered)


def decisive(rows: Sequence[EvaluationRow], chosen: EvaluationRow | None) -> EvaluationRow | None:
    """The evaluation that a verdict stands on: the one looked at where it compares enough, else the newest that does.

    So one that is under way, or asked a few questions of one mode, does not make forget what was measured before.

    Args:
        rows: the newest first.
    """
    looked_at = [row for row in (chosen, *rows) if row is not None and row.summary]
    return max(looked_at, key=lambda row: min(compared(row), ENOUGH), default=chosen)


def compared(row: EvaluationRow) -> int:
    """How many questions it asked both of retrieval and of a mode that was trained."""
    pairs = row.summary.get("paired", {})
    return max((pairs.get(f"{mode}-rag", {}).get(MEASURE, {}).get("n", 0) for mode in RIVALS), default=0)


def commonest(questions: Iterable[Gold]) -> tuple[str, float] | None:
    """Of the gold answers that are yes, no or maybe the commonest, and its share; None where none is."""
    counts = Counter(said for each in questions if each.answerable and (said := choice(each.short)))
    return (counts.most_common(1)[0][0], max(counts.values()) / counts.total()) if counts else None


def outdated(ws: "Workspace", evaluation: EvaluationRow) -> list[str]:
    """What its answers depended on and is not the same now, in words."""
    now = fingerprints.of_answering(ws, evaluation.corpus_id)
    return [fingerprints.NAMES[name] for name in fingerprints.differing(now, evaluation.fingerprints)]


def probed(beside: Facts, summary: Mapping[str, Any]) -> Facts:
    """The facts with what an evaluation found of freshness and forgetting."""
    fresh = summary.get("fresh", {}).get("modes", {})
    lost = summary.get("general", {}).get("lost", {})
    return replace(
        beside,
        made_up=not summary.get("fresh", {}).get("real", True),
        noticed={mode: (each["new"], each["old"], each["noticed"]["n"]) for mode, each in fresh.items()},
        forgot={mode: Interval(**each["score"]) for mode, each in lost.items() if each.get("score")},
    )


def facts(ws: "Workspace", corpus_id: int, checked: HeldOut | None = None) -> Facts:
    """Examples, training minutes, how far adapters are behind, and leaks: what the adapters that serve learned.

    Args:
        checked: the gold questions held against what was learned, where that is known already.
    """
    serving = _serving(ws, corpus_id)
    checked = checked or held_out(ws, corpus_id)
    behind = {mode: staleness(ws, row) for mode, row in serving.items()}
    return Facts(
        examples=checked.accepted,
        minutes=_minutes(serving),
        behind={mode: len(each.changed) + len(each.added) + len(each.removed) for mode, each in behind.items()},
        leaks=checked.leaks,
    )


def training_minutes(ws: "Workspace", corpus_id: int) -> dict[str, float]:
    """What training the adapter that serves took, by mode."""
    return _minutes(_serving(ws, corpus_id))


def _minutes(serving: Mapping[str, AdapterRow]) -> dict[str, float]:
    return {mode: float(row.result.get("seconds") or 0) / 60 for mode, row in serving.items()}


def measured(ws: "Workspace", corpus_id: int, now: datetime | None = None) -> dict[str, Measured]:
    """What the figures say to the five questions."""
    return {
        "change": _change(ws, corpus_id, now or datetime.now(UTC)),
        "style": _style(ws, corpus_id),
        "means": _means(ws, corpus_id),
        "freshness": _freshness(ws, corpus_id),
    }


def _change(ws: "Workspace", corpus_id: int, now: datetime) -> Measured:
    corpus = ws.corpora.get(corpus_id)
    rows = ws.corpora.documents(corpus_id)
    if not rows:
        return "", "There are no documents yet."
    age = (now - corpus.created_at).days
    if age < YOUNG_DAYS:
        return "", f"The corpus is {age} day{'' if age == 1 else 's'} old: too young to show how much it changes."
    since = max(now - timedelta(days=WATCHED_DAYS), corpus.created_at + timedelta(days=1))
    moved = sum(row.created_at > since for row in rows)
    days = min(WATCHED_DAYS, age)
    share = moved / len(rows)
    answer = "hardly ever" if share < 0.02 else "now and then" if share < 0.2 else "often"
    return answer, f"{moved} of {len(rows)} documents came or changed in the last {days} days."


def _style(ws: "Workspace", corpus_id: int) -> Measured:
    """How alike the examples' answers are; how much that matters, nobody can measure."""
    lengths = sorted(len(row.answer.split()) for row in ws.examples.list(corpus_id, Filter(status="accepted")))
    if len(lengths) < FEW:
        return "", ""
    low, high = lengths[len(lengths) // 4], lengths[3 * len(lengths) // 4]
    return "", f"Half of the {len(lengths)} example answers have {low} to {high} words."


def _means(ws: "Workspace", corpus_id: int) -> Measured:
    import psutil  # type: ignore[import-untyped]

    examples, gold = ws.examples.counts(corpus_id).get("accepted", 0), ws.gold.count(corpus_id)
    machine = f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 1e9:.0f} GB of memory"
    questions = f"{gold} gold question{'' if gold == 1 else 's'}"
    had = f"{examples} examples (about {EXAMPLES_NEEDED} are needed) and {questions}; {machine}."
    if refusal(ws, corpus_id):
        return "few", f"{had} The base model chosen for this corpus cannot be trained here."
    if _serving(ws, corpus_id):
        return "some" if examples < PLENTY else "plenty", f"{had} An adapter is trained already."
    return "few" if examples < EXAMPLES_NEEDED else "plenty" if examples >= PLENTY else "some", had


def _freshness(ws: "Workspace", corpus_id: int) -> Measured:
    followed = [row for row in ws.sources.list(corpus_id) if row.enabled]
    if not followed:
        return "", "No folder and no web address is followed."
    often = min(row.every_minutes for row in followed)
    number = f"{len(followed)} source{' is' if len(followed) == 1 else 's are'}"
    return ("very" if often <= 60 else "somewhat"), f"{number} followed, every {often} minutes."


def _serving(ws: "Workspace", corpus_id: int) -> dict[str, AdapterRow]:
    found = {mode: ws.adapters.promoted(corpus_id, kind) for mode, kind in OF_MODE.items()}
    return {mode: row for mode, row in found.items() if row is not None}
