"""Lists that only answer as a whole: the steps of an instruction, and what stands below a sentence that announces it.

A question how something is done is answered by all of its steps, not by the one that shares the most words with it;
"the following are excluded:" says nothing without what follows. A run of steps is what a document numbers from 1 on,
one paragraph each. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from core.assistants.amending import amendments
from core.assistants.kinds import wanted_kind
from core.assistants.quotation import Quotation, between, by_passage, choose, quotation
from core.assistants.quoting import Candidate, Scored
from core.assistants.reading import Reading
from core.assistants.sections import section
from core.assistants.sentences import POINT

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
LOOKED_AT = 5
"""Sentences, of the likeliest, of which it is asked whether they say something."""
ROWS = 12
"""The most rows of a table that are quoted because a sentence announces it."""
POINTS = 150
"""The most words of the points below one sentence; what comes after is left out."""


def quoted(scored: Scored, reading: Reading) -> Quotation:
    """What is quoted of all that was found: an instruction or a section as a whole, or else the best sentences."""
    if reading.sentences == 1:
        return quotation(choose(scored.candidates, reading))
    chosen = choose(_saying_something(scored.candidates), reading)
    listed = instruction(scored.question, scored.candidates)
    listed = listed or (section(scored, chosen[0]) if chosen else []) or _with_points(chosen, scored)
    if listed:
        return replace(quotation(listed), whole=True)
    return with_amendments(chosen, scored, reading.sentences)


def with_amendments(chosen: Sequence[Candidate], scored: Scored, most: int) -> Quotation:
    """Chosen sentences, the best first, with what changes the clause of the best one; at most `most` of the others."""
    changed = amendments(chosen[0], scored.candidates) if chosen else []
    if not changed:
        return quotation(chosen)
    rest = [each for each in chosen[1:] if each not in changed][: max(0, most - 1 - len(changed))]
    return replace(quotation([chosen[0], *changed, *rest]), whole=True, amended=True)


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
    return [run for line in by_passage(candidates) for run in _runs_of(line)]


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
    return not candidate.sentence.row and "\n\n" not in between(before, candidate)


def _saying_something(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The sentences without those of the first few that announce what was not found ("... as follows:")."""
    empty = [each for each in candidates[:LOOKED_AT] if _announces(each) and not _points(each, candidates)]
    return [each for each in candidates if not any(each is other for other in empty)] or list(candidates)


def _with_points(chosen: Sequence[Candidate], scored: Scored) -> list[Candidate]:
    """The chosen sentences, each that ends in a colon with the points or rows below it; empty where none has any.

    A question for a figure, a day or a name is answered by the sentence itself, or by a row below it.
    """
    found: list[Candidate] = []
    one = wanted_kind(scored.question)
    for candidate in chosen:
        below = _points(candidate, scored.candidates) if _announces(candidate) else []
        if one and below and not below[0].sentence.row:
            return []
        found += [each for each in (candidate, *below) if each not in found]
    return found if len(found) > len(chosen) else []


def _announces(candidate: Candidate) -> bool:
    return candidate.sentence.text.rstrip().endswith(":")


def _points(lead: Candidate, candidates: Sequence[Candidate]) -> list[Candidate]:
    """What a sentence announces: the points below it, or the rows of a table."""
    (line,) = by_passage([each for each in candidates if each.passage is lead.passage])
    after = line[line.index(lead) + 1 :]
    if after and after[0].sentence.row:
        rows = [each for each in takewhile(lambda each: each.sentence.row, after) if each.sentence.header]
        return rows if len(rows) <= ROWS else []
    found: list[Candidate] = []
    words = 0
    for each in after:
        text, goes_on = each.sentence.text, bool(found) and "\n" not in between(found[-1], each)
        words += len(text.split())
        if each.sentence.row or not (POINT.match(text) or goes_on) or words > POINTS:
            break
        found.append(each)
    return found
