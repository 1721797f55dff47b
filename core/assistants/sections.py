"""Sections that answer as a whole: the entry of an FAQ whose question was asked, what stands below a line that was.

The line that resembles a question most is often a heading or another question, and what answers it stands below:
"WARNING: can't find borker.tm", and then "Ignore this warning and continue." A short entry is quoted whole, since half
of it answers half. Of the questions in what was found the one that resembles most is the one that was asked: what
stands below it answers, whichever sentence elsewhere shares more words. Measured on the training questions of doc2dial
and the support sample, where it holds. Pure.
"""

from collections.abc import Sequence
from itertools import takewhile

from core.assistants.quotation import by_passage
from core.assistants.quoting import Candidate, Scored, is_label
from core.assistants.sentences import POINT

ASKED = 0.65
"""Cosine from which a question in a document is the one that was asked."""
NAMED = 0.8
"""Cosine from which a heading names what was asked for."""
SURE = 0.75
"""Cosine from which a question in a document answers below it, though another sentence would have been chosen."""
WHOLE = 80
"""The most words of an entry that is quoted whole because its sentence was chosen."""
BELOW = 150
"""The most words that are quoted of what stands below a line that was chosen itself."""
TITLE = 16
"""The most words of a line that is a title though it is no short one."""
ENDS = '.!?:;,)"”'
"""What a title does not end with."""
BEGINNING = 60
"""The most words of a longer section that is quoted because its question was asked, and no sentence of it chosen."""


def section(scored: Scored, best: Candidate) -> list[Candidate]:
    """The sentences of the section that answers, in page order; empty where none does as a whole.

    Args:
        scored: all sentences, best first.
        best: the one that would be quoted.
    """
    likeness = {id(each): float(cosine) for each, cosine in zip(scored.candidates, scored.meaning, strict=True)}
    found = sections(scored.candidates)
    nearest, below = max(((h, b) for h, b in found if _asks(h)), key=lambda s: likeness[id(s[0])], default=(best, []))
    for heading, body in found:
        if heading is scored.candidates[0] and body:
            return _first(body, BELOW)
        alike = likeness[id(heading)] >= (max(ASKED, likeness[id(nearest)]) if _asks(heading) else NAMED)
        if alike and _words(body) <= WHOLE and any(each is best for each in body):
            return body
    if likeness[id(nearest)] < SURE or likeness[id(nearest)] <= likeness[id(best)]:
        return []
    below = below or _continued(nearest, scored.candidates)
    return below if _words(below) <= WHOLE else _first(below, BEGINNING)


def _asks(heading: Candidate) -> bool:
    return heading.sentence.text.rstrip().endswith("?")


def _continued(heading: Candidate, candidates: Sequence[Candidate]) -> list[Candidate]:
    """What stands below a heading that its passage ends with: the beginning of another passage below the same one."""
    called = heading.sentence.text.strip()
    others = (each for each in by_passage(candidates) if each[0].passage.heading.endswith(f" > {called}"))
    first = min(others, key=lambda each: each[0].page_start, default=[])
    return list(takewhile(lambda each: not _is_heading(each), first))


def sections(candidates: Sequence[Candidate]) -> list[tuple[Candidate, list[Candidate]]]:
    """Each heading or question that stands alone in its line, with the sentences up to the next one of its passage.

    A heading right below a question belongs to what answers it ("How is it diagnosed?", "Blood tests"), and where
    nothing else stands there a line that looks like a heading is the answer: a command.
    """
    found: list[tuple[Candidate, list[Candidate]]] = []
    for line in by_passage(candidates):
        below: list[Candidate] | None = None
        for candidate in line:
            if found and _goes_on(found[-1][0], candidate):
                found.append((candidate, found[-1][1]))
            elif _is_heading(candidate):
                if below is None or below or _asks(candidate):
                    _closed(found, below)
                    below = []
                found.append((candidate, below))
            elif below is not None:
                below.append(candidate)
        _closed(found, below)
    return found


def _closed(found: Sequence[tuple[Candidate, list[Candidate]]], below: list[Candidate] | None) -> None:
    """A line below a question, and above no sentence, is what stands below the question."""
    if below == [] and len(found) > 1 and found[-2][1] is below and not _asks(found[-1][0]):
        below.append(found[-1][0])


def _is_heading(candidate: Candidate) -> bool:
    """A line that is a heading or a question, or the first sentence of one that is in the path of headings."""
    sentence, text = candidate.sentence, candidate.sentence.text.strip()
    if sentence.row or (POINT.match(sentence.text) and not text[0].isdigit()) or text.endswith(":"):
        return False
    line = _line(candidate)
    if line == candidate.passage.heading.rsplit(" > ", 1)[-1]:
        return True
    return line == text and (text.endswith("?") or is_label(sentence) or _is_title(candidate))


def _is_title(candidate: Candidate) -> bool:
    """A paragraph of one line without an end: "Cannot start the service and get an error". What follows is about it."""
    page, sentence, text = candidate.passage.text, candidate.sentence, candidate.sentence.text.strip()
    apart = page[: sentence.start].endswith("\n\n") or not sentence.start
    alone = apart and page[sentence.end :].startswith("\n\n")
    return alone and text[0].isupper() and text[-1] not in ENDS and len(text.split()) <= TITLE


def _goes_on(heading: Candidate, candidate: Candidate) -> bool:
    """Whether a sentence stands in one line with a heading: "I ran out of memory. What can I change?"."""
    together = heading.passage is candidate.passage and heading.sentence.start < candidate.sentence.start
    return together and "\n" not in candidate.passage.text[heading.sentence.start : candidate.sentence.start]


def _line(candidate: Candidate) -> str:
    """The line, or the lines, of its passage that a sentence stands in."""
    text, sentence = candidate.passage.text, candidate.sentence
    start, end = text.rfind("\n", 0, sentence.start) + 1, text.find("\n", sentence.end)
    return text[start : end if end >= 0 else len(text)].strip()


def _first(body: Sequence[Candidate], words: int) -> list[Candidate]:
    """As many sentences from the beginning as may be quoted: one at the least."""
    most = next((n for n in range(1, len(body)) if _words(body[: n + 1]) > words), len(body))
    return list(body[:most])


def _words(body: Sequence[Candidate]) -> int:
    return sum(len(each.sentence.text.split()) for each in body)
