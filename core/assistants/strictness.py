"""How sure an assistant has to be before it answers: its domain's threshold, or one that a corpus was given.

What a threshold would do is counted on gold questions that an evaluation asked: each has the probability that the
documents hold its answer, and a person said whether they do. Nothing is asked anew for that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.domains import Domain
from core.errors import BadInput, NotFound
from storage.errors import NotFound as RowNotFound
from storage.rows import AssistantRow, EvaluationRow

if TYPE_CHECKING:
    from core.workspace import Workspace

WRONGLY = 0.1
"""Of the questions that the documents answer, the share that a threshold which is suggested may decline."""
STEPS = 100
ORDER = ("rag", "quote", "hybrid", "finetuned")
"""Whose probabilities are taken: the first that was asked. They differ where modes read more or fewer passages."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A gold question: how probable it seemed that the documents hold its answer, 0..1, and whether they do."""

    probability: float
    answerable: bool


@dataclass(frozen=True, slots=True)
class Declined:
    """What a threshold declines: `rightly` of `absent` questions without an answer, `wrongly` of `present` ones."""

    rightly: int
    absent: int
    wrongly: int
    present: int


def strict(domain: Domain, chosen: AssistantRow) -> Domain:
    """The domain as a corpus answers by it: with the corpus's own threshold where it has one."""
    if chosen.refuse_below is None:
        return domain
    return replace(domain, refusal=replace(domain.refusal, threshold=chosen.refuse_below))


def choose(ws: "Workspace", corpus_id: int, below: float | None) -> None:
    """Refuse what is less probably answered than `below`; None goes back to the domain's threshold.

    Raises:
        BadInput: it is no probability.
        NotFound: the corpus is gone.
    """
    if below is not None and not 0 <= below <= 1:
        raise BadInput(f"{below:g} is not between 0 and 1.", "0 always answers, 1 never does.")
    try:
        ws.assistants.choose_refusal(corpus_id, below)
    except RowNotFound as error:
        raise NotFound("That corpus does not exist any more.", "Choose another one.") from error


def judged(ws: "Workspace", row: EvaluationRow) -> list[Judged]:
    """The gold questions of an evaluation; empty where it kept no probabilities, as those before 0020 did."""
    answerable = {each["id"]: bool(each["answerable"]) for each in row.questions}
    answers = ws.evaluations.answers(row.id)
    asked = {each.mode for each in answers if each.answerability is not None}
    mode = next((mode for mode in ORDER if mode in asked), None)
    return [
        Judged(each.answerability, answerable[each.question_id])
        for each in answers
        if each.mode == mode and each.answerability is not None and each.question_id in answerable
    ]


def declined(questions: Iterable[Judged], below: float) -> Declined:
    """How many of each kind are declined by a threshold."""
    kinds: dict[bool, list[bool]] = {True: [], False: []}
    for each in questions:
        kinds[each.answerable].append(each.probability < below)
    return Declined(sum(kinds[False]), len(kinds[False]), sum(kinds[True]), len(kinds[True]))


def curve(questions: Sequence[Judged]) -> dict[float, Declined]:
    """What each threshold declines, from 0 to 1 in hundredths."""
    return {step / STEPS: declined(questions, step / STEPS) for step in range(STEPS + 1)}


def suggested(questions: Sequence[Judged]) -> float | None:
    """The threshold, in hundredths, that tells the two kinds apart best and declines at most WRONGLY of the answered.

    The lowest of equals, which answers more. None without questions of both kinds, or where none does any good.
    """
    found = curve(questions)
    if not questions or not all((found[0].absent, found[0].present)):
        return None

    def worth(each: Declined) -> float:
        return each.rightly / each.absent - each.wrongly / each.present

    allowed = [below for below, each in found.items() if each.wrongly <= WRONGLY * each.present]
    best = max(allowed, key=lambda below: (worth(found[below]), -below))
    return best if found[best].rightly else None
