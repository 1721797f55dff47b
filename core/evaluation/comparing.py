"""Two evaluations of one corpus held against each other: what got better, what got worse, and what else differs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.evaluation.saying import MEASURE
from core.evaluation.summary import Interval
from storage.rows import EvaluationRow

if TYPE_CHECKING:
    from core.workspace import Workspace

NOTICED = 0.1
"""A change of one question's token F1 that counts as better or worse: less is a word or two."""


@dataclass(frozen=True, slots=True)
class Change:
    """One mode now less the same mode before, over the questions that both runs asked.

    `better` and `worse` are the questions whose score moved noticeably, in their words.
    """

    mode: str
    difference: Interval
    better: tuple[str, ...]
    worse: tuple[str, ...]


def between(ws: "Workspace", now: EvaluationRow, before: EvaluationRow) -> list[Change]:
    """The change of each mode that both runs asked; questions are the same when their words and gold answers are."""
    new, old = _scores(ws, now), _scores(ws, before)
    found = []
    for mode in now.modes:
        shared = [key for key in new if key[0] == mode and key in old]
        if shared:
            moved = {key[1]: new[key] - old[key] for key in shared}
            better = tuple(question for question, by in moved.items() if by >= NOTICED)
            worse = tuple(question for question, by in moved.items() if by <= -NOTICED)
            found.append(Change(mode, Interval.of(list(moved.values())), better, worse))
    return found


def differing(now: EvaluationRow, before: EvaluationRow) -> list[str]:
    """What the answers of the two runs depended on and is not the same, by name."""
    names = now.fingerprints.keys() | before.fingerprints.keys()
    return sorted(name for name in names if now.fingerprints.get(name) != before.fingerprints.get(name))


def _scores(ws: "Workspace", row: EvaluationRow) -> dict[tuple[str, str, str], float]:
    """Token F1 by mode, question and gold answer."""
    asked = {each["id"]: (each["question"], each["answer"]) for each in row.questions}
    return {
        (answer.mode, *asked[answer.question_id]): float(answer.scores[MEASURE])
        for answer in ws.evaluations.answers(row.id)
        if MEASURE in answer.scores
    }
