"""Scores of an evaluation by kind of question and by document: where a mode is good, and where it is not. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.evaluation.beside import TITLES, Section
from core.evaluation.summary import ORDER, SCORES, Interval, Outcome

Way = Literal["kind", "document"]
WAYS: dict[Way, str] = {"kind": "kind of question", "document": "document"}
LEAST = 3
"""Questions: of fewer an interval cannot be told."""
MOST = 12
"""Parts that are shown, those with most questions."""
ASKS = re.compile(
    r"\b(how (?:many|much|long|often|soon|far|old|high|large)|how|who|whom|whose|when|where|which|why|what)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the questions, and how each mode did on them."""

    name: str
    questions: int
    modes: Mapping[str, Interval]


def parts(questions: Sequence[Mapping[str, Any]], outcomes: Iterable[Outcome], way: Way, metric: str) -> list[Part]:
    """The parts with enough questions that the metric applies to, the largest first; none where there is only one.

    Args:
        questions: as they were frozen with the evaluation (`Gold.json`).
    """
    values: dict[str, dict[str, float]] = {}  # question -> mode -> value
    for outcome in outcomes:
        if metric in outcome.scores:
            values.setdefault(outcome.question, {})[outcome.mode] = outcome.scores[metric]
    members: dict[str, list[str]] = {}
    for each in questions:
        if each["id"] in values:
            for name in [kind_of(each)] if way == "kind" else dict.fromkeys(each["documents"]):
                members.setdefault(name, []).append(each["id"])
    found = [_part(name, [values[key] for key in keys]) for name, keys in members.items() if len(keys) >= LEAST]
    found = sorted(found, key=lambda part: (-part.questions, part.name))[:MOST]
    return found if len(members) > 1 else []


def kind_of(question: Mapping[str, Any]) -> str:
    """What its file says of it, else by the word it asks with."""
    if said := str((question.get("meta") or {}).get("qtype") or ""):
        return said.replace("_", " ")
    if not question["answerable"]:
        return "unanswerable"
    asks = ASKS.search(question["question"])
    return asks[1].lower() if asks else "other"


def _part(name: str, values: Sequence[Mapping[str, float]]) -> Part:
    modes = [mode for mode in ORDER if any(mode in each for each in values)]
    return Part(name, len(values), {m: Interval.of([each[m] for each in values if m in each], SCORES) for m in modes})


def sections(questions: Sequence[Mapping[str, Any]], outcomes: Sequence[Outcome]) -> list[Section]:
    """Token F1 in parts as tables of the reports; `parts` is what their charts are drawn of."""
    found = []
    for way, title in WAYS.items():
        if rows := parts(questions, outcomes, way, "token_f1"):
            drawn = [_drawn(part) for part in rows]
            found.append(
                {"title": f"Token F1 by {title}", "said": [], "rows": _rows(title, rows), "more": "", "parts": drawn}
            )
    return found


def _drawn(part: Part) -> dict[str, Any]:
    modes = {mode: found.json() for mode, found in part.modes.items()}
    return {"name": part.name, "questions": part.questions, "modes": modes}


def _rows(title: str, found: Sequence[Part]) -> list[list[str]]:
    modes = [mode for mode in ORDER if any(mode in part.modes for part in found)]
    rows = [[part.name, str(part.questions), *(_share(part.modes.get(mode)) for mode in modes)] for part in found]
    return [[title.capitalize(), "Questions", *(TITLES[mode] for mode in modes)], *rows]


def _share(found: Interval | None) -> str:
    return f"{100 * found.mean:.0f} ({100 * found.low:.0f} to {100 * found.high:.0f})" if found else ""
