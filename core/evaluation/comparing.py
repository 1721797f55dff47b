"""Two evaluations of one corpus held against each other: what got better, what got worse, by how much, and what else
differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.evaluation.answering import outcome
from core.evaluation.scoring import LESS_IS_BETTER, METRICS
from core.evaluation.summary import DIFFERENCES, Interval
from storage.rows import EvaluationRow

if TYPE_CHECKING:
    from core.workspace import Workspace

SECONDS = "seconds"
MEASURES: Mapping[str, str] = {**METRICS, SECONDS: "Seconds an answer"}
"""All that two runs are compared by, with its name for people."""

NOTICED = 0.1
"""A change of one question's score that counts as better or worse: of token F1 less is a word or two."""

NOTICED_S = 0.25
"""The same of seconds, as a share of what the answer took before: less is the machine's own unrest."""

ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Moved:
    """One question in one mode, by one measure, in the run before and in the one now."""

    question: str
    before: float
    now: float

    @property
    def by(self) -> float:
        """How much more it is now."""
        return self.now - self.before


@dataclass(frozen=True, slots=True)
class Change:
    """The run now less the one before, in one mode and by one measure, over the questions that have it in both.

    `better` and `worse` are the questions that moved noticeably, the largest moves first.
    """

    difference: Interval
    better: tuple[Moved, ...]
    worse: tuple[Moved, ...]


Shared = Mapping[str, Mapping[str, Sequence[Moved]]]
"""mode -> measure -> every question that both runs asked in that mode and that has the measure in both"""


def between(ws: "Workspace", now: EvaluationRow, before: EvaluationRow) -> Shared:
    """What both runs asked, in the order of `now`; questions are the same when their words and gold answers are."""
    new, old = _scores(ws, now), _scores(ws, before)
    found: dict[str, dict[str, list[Moved]]] = {}
    for mode in now.modes:
        for key, scores in new.items():
            for measure in MEASURES if key[0] == mode and key in old else ():
                if measure in scores and measure in old[key]:
                    moved = Moved(key[1], old[key][measure], scores[measure])
                    found.setdefault(mode, {}).setdefault(measure, []).append(moved)
    return found


def measures(shared: Shared) -> list[str]:
    """Those that any mode has, in their usual order."""
    return [measure for measure in MEASURES if any(measure in found for found in shared.values())]


def change(measure: str, moved: Sequence[Moved]) -> Change:
    """The mean difference of at least one question with its interval, and which questions it is made of. Pure."""
    sign = -1 if measure == SECONDS or measure in LESS_IS_BETTER else 1
    noticed = [each for each in moved if _noticed(measure, each)]
    largest = sorted(noticed, key=lambda each: -abs(each.by))
    return Change(
        Interval.of([each.by for each in moved], () if measure == SECONDS else DIFFERENCES),
        better=tuple(each for each in largest if sign * each.by > 0),
        worse=tuple(each for each in largest if sign * each.by < 0),
    )


def _noticed(measure: str, moved: Moved) -> bool:
    least = NOTICED_S * moved.before if measure == SECONDS else NOTICED
    return moved.by != 0 and abs(moved.by) >= least - ROUNDING


def _scores(ws: "Workspace", row: EvaluationRow) -> dict[tuple[str, str, str], dict[str, float]]:
    """Every measure by mode, question and gold answer."""
    asked = {each["id"]: (each["question"], each["answer"]) for each in row.questions}
    found = {}
    for answer in ws.evaluations.answers(row.id):
        counted = outcome(answer)
        found[answer.mode, *asked[answer.question_id]] = {**counted.scores, SECONDS: counted.seconds}
    return found
