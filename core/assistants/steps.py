"""Which sentences of the passages are steps of one instruction, in order.

A question how something is done is answered by all of its steps, not by the one that shares the most words with it.
A run of steps is what a document numbers from 1 on, one paragraph each. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from core.assistants.quotation import Quotation, choose, quotation
from core.assistants.quoting import Candidate, Scored
from core.assistants.reading import Reading

STEP = re.compile(r"\s*(?:step\s+)?(\d{1,2})\s*[.):]\s", re.I)
HOW = re.compile(
    r"\bhow (?:to|(?:do|does|can|could|should|would|must|shall) (?:i|we|you|one|they|he|she|it|my|our|the|a|an))\b"
    r"|\bsteps\b|\bstep by step\b|\bprocedure\b|\binstructions? (?:for|to|on)\b"
    r"|\bwhat (?:should|must|do|can|shall) (?:i|we|you|one) do\b",
    re.I,
)
"""A question for what is to be done."""
FEWEST, MOST = 2, 20
"""Steps of a run."""
WORDS = 300
"""The most words of a run: what is longer is a document's numbered sections."""


def quoted(scored: Scored, reading: Reading) -> Quotation:
    """What is quoted of all that was found: an instruction as a whole, or else the best sentences."""
    steps = instruction(scored.question, scored.candidates) if reading.sentences > 1 else []
    return replace(quotation(steps or choose(scored.candidates, reading)), whole=bool(steps))


def instruction(question: str, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The steps that answer a question how something is done, in page order; empty when none do.

    `candidates` are all sentences of the passages, best first. Steps answer if it is likelier that one of them is
    what was asked for than that the best sentence is: measured on techqa's training questions, where it holds.
    """
    if not candidates or not HOW.search(question):
        return []
    best = max(runs(candidates), key=_mass, default=[])
    return best if _mass(best) >= candidates[0].probability else []


def _mass(run: Sequence[Candidate]) -> float:
    return sum(candidate.probability for candidate in run)


def runs(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """The runs of numbered steps, each in page order with the sentences that belong to its steps."""
    passages: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        passages.setdefault(candidate.passage.rank, []).append(candidate)
    found: list[list[Candidate]] = []
    for each in passages.values():
        found += _runs_of(sorted(each, key=lambda candidate: candidate.sentence.start))
    return found


def _runs_of(line: Sequence[Candidate]) -> list[list[Candidate]]:
    found: list[list[Candidate]] = []
    run: list[Candidate] = []
    last, steps = 0, 0
    for candidate in line:
        number = _number(candidate)
        if number is not None and run and number == last + 1:
            run.append(candidate)
            last, steps = number, steps + 1
        elif number is not None:
            _keep(found, run, steps)
            run, last, steps = [candidate], number, 1
        elif run and _same_paragraph(run[-1], candidate):
            run.append(candidate)
        else:
            _keep(found, run, steps)
            run, last, steps = [], 0, 0
    _keep(found, run, steps)
    return found


def _keep(found: list[list[Candidate]], run: list[Candidate], steps: int) -> None:
    words = sum(len(candidate.sentence.text.split()) for candidate in run)
    if FEWEST <= steps <= MOST and words <= WORDS:
        found.append(run)


def _number(candidate: Candidate) -> int | None:
    match = None if candidate.sentence.row else STEP.match(candidate.sentence.text)
    return int(match[1]) if match else None


def _same_paragraph(before: Candidate, candidate: Candidate) -> bool:
    between = candidate.passage.text[before.sentence.end : candidate.sentence.start]
    return not candidate.sentence.row and "\n\n" not in between
