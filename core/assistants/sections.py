"""Sections that answer as a whole: the entry of an FAQ whose question was asked, what stands below a line that was.

The line that resembles a question most is often a heading or another question, and what answers it stands below:
"WARNING: can't find borker.tm", and then "Ignore this warning and continue." A short entry is quoted whole, since half
of it answers half. Measured on the training questions of doc2dial and the support sample, where it holds. Pure.
"""

from collections.abc import Sequence

from core.assistants.quotation import by_passage
from core.assistants.quoting import Candidate, Scored, is_label
from core.assistants.sentences import POINT

ASKED = 0.65
"""Cosine from which a question in a document is the one that was asked."""
NAMED = 0.8
"""Cosine from which a heading names what was asked for."""
WHOLE = 80
"""The most words of an entry that is quoted whole because its sentence was chosen."""
BELOW = 150
"""The most words that are quoted of what stands below a line that was chosen itself."""


def section(scored: Scored, best: Candidate) -> list[Candidate]:
    """The sentences of the section that answers, in page order; empty where none does as a whole.

    Args:
        scored: all sentences, best first.
        best: the one that would be quoted.
    """
    likeness = {id(each): float(cosine) for each, cosine in zip(scored.candidates, scored.meaning, strict=True)}
    for heading, body in sections(scored.candidates):
        if heading is scored.candidates[0] and body:
            return _first(body)
        asked = heading.sentence.text.rstrip().endswith("?")
        alike = likeness[id(heading)] >= (ASKED if asked else NAMED)
        if alike and _words(body) <= WHOLE and any(each is best for each in body):
            return body
    return []


def sections(candidates: Sequence[Candidate]) -> list[tuple[Candidate, list[Candidate]]]:
    """Each heading or question that stands alone in its line, with the sentences up to the next one of its passage."""
    found: list[tuple[Candidate, list[Candidate]]] = []
    for line in by_passage(candidates):
        below: list[Candidate] | None = None
        for candidate in line:
            if _is_heading(candidate):
                below = []
                found.append((candidate, below))
            elif below is not None:
                below.append(candidate)
    return found


def _is_heading(candidate: Candidate) -> bool:
    sentence, text = candidate.sentence, candidate.sentence.text.strip()
    bullet = POINT.match(sentence.text) and not text[0].isdigit()
    if sentence.row or bullet or text.endswith(":") or not (text.endswith("?") or is_label(sentence)):
        return False
    page = candidate.passage.text
    before, after = page[: sentence.start].rstrip(" \t"), page[sentence.end :].lstrip(" \t")
    return (not before or before.endswith("\n")) and after.startswith("\n")


def _first(body: Sequence[Candidate]) -> list[Candidate]:
    """As many sentences from the beginning as may be quoted: one at the least."""
    most = next((n for n in range(1, len(body)) if _words(body[: n + 1]) > BELOW), len(body))
    return list(body[:most])


def _words(body: Sequence[Candidate]) -> int:
    return sum(len(each.sentence.text.split()) for each in body)
