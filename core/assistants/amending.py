"""What changes a clause that is quoted: an amendment in another document is quoted below it.

"4.2 The Customer shall pay within thirty days" is wrong as an answer where an amendment says "In clause 4.2 the words
'thirty days' are replaced by 'forty-five days'", and the two share hardly a word with each other or with the question.
An amendment is known by three signs: it names the clause by its number, says that something is changed, and its
document is called like the one it amends. Because it need not be among what was found for the question, it is looked
for by these signs (`aim`). Pure.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from core.assistants.quoting import Candidate, Scored
from core.assistants.sentences import split
from core.assistants.words import spelt, stems
from core.retrieval.passages import Passage

_NUMBER = r"\d+(?:\.\d+)*"
CHANGES = re.compile(
    r"\b(?:replaced?|replaces|amend(?:ed|s)?|delet(?:ed?|es)|substituted?|supersed(?:ed?|es)|repealed|revised|inserted|added)\b",
    re.I,
)
NAMED = re.compile(rf"(?:\b(?:clause|section|article|paragraph)s?|§)\s*(?P<number>{_NUMBER})(?![\w.]*\d)", re.I)
OWN = re.compile(rf"\s*(?P<said>(?:clause|section|article|paragraph)\s+|§\s*)?(?P<number>{_NUMBER})[.):]?\s", re.I)
FORMS = stems("agreement contract policy document final signed copy pdf docx html txt md")
"""Words of a file's name that say which form a document has, and not which one it is."""


def amendments(quoted: Candidate, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The sentences of other documents that change the clause a quoted sentence stands in, likeliest first."""
    numbers = _numbers(quoted)
    if not numbers:
        return []
    return [
        each
        for each in candidates
        if each.passage.document_id != quoted.passage.document_id
        and CHANGES.search(each.sentence.text)
        and any(match["number"] in numbers for match in NAMED.finditer(each.sentence.text))
        and _akin(quoted, each)
    ]


def changing(
    scored: Scored | None, found: Sequence[Passage], search: Callable[[str], Sequence[Passage]]
) -> Passage | None:
    """A passage that changes the clause which answers best, looked for when none of those found does.

    Args:
        scored: the sentences of what was `found`; the passage comes after these.
        search: passages for a text, best first.
    """
    if scored is None or not scored.candidates:
        return None
    best = scored.candidates[0]
    text = aim(best)
    if not text or amendments(best, scored.candidates):
        return None
    for each in search(text):
        if amendments(best, [Candidate(each, sentence, 0.0, 0.0) for sentence in split(each.text)]):
            return replace(each, rank=len(found) + 1)
    return None


def aim(quoted: Candidate) -> str:
    """What to search for to find what changes the clause a quoted sentence stands in; "" where it has no number."""
    numbers = sorted(_numbers(quoted, certain=True))
    name = " ".join(re.split(r"[_\W]+", quoted.passage.document.rsplit(".", 1)[0]))
    return f"{name} amendment clause {' '.join(numbers)} amended replaced deleted" if numbers else ""


def _numbers(candidate: Candidate, *, certain: bool = False) -> set[str]:
    """The number that a sentence begins with, and that of the heading it stands below.

    `certain`: no plain "3.", which numbers steps and chapters more often than clauses.
    """
    heading = OWN.match(f"{candidate.passage.heading.rsplit(' > ', 1)[-1]} ")
    own = OWN.match(f"{candidate.sentence.text} ")
    sure = {match["number"] for match in (heading, own) if match and (match["said"] or "." in match["number"])}
    return sure if certain or heading is None else {heading["number"], *sure}


def _akin(amended: Candidate, amending: Candidate) -> bool:
    """Whether a document is called after another one: it bears all that this one's file or its title is called."""
    bears = _named(amending.passage.document) | _named(amending.passage.title)
    file, title = _named(amended.passage.document) - FORMS, _named(amended.passage.title)
    return bool(file and file <= bears) or (len(title) > 1 and title <= bears)


def _named(name: str) -> set[str]:
    return stems(spelt(name))
