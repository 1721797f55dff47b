"""What changes a clause that is quoted: an amendment in another document is quoted below it.

"4.2 The Customer shall pay within thirty days" is wrong as an answer where an amendment says "In clause 4.2 the words
'thirty days' are replaced by 'forty-five days'", and the two share hardly a word with each other or with the question.
An amendment is known by three signs: it names the clause by its number, says that something is changed, and its
document is called like the one it amends. Only what was found is looked at. Pure.
"""

import re
from collections.abc import Sequence

from core.assistants.quoting import Candidate
from core.assistants.words import stems

_NUMBER = r"\d+(?:\.\d+)*"
CHANGES = re.compile(
    r"\b(?:replaced?|replaces|amend(?:ed|s)?|delet(?:ed?|es)|substituted?|supersed(?:ed?|es)|repealed|revised|inserted|added)\b",
    re.I,
)
NAMED = re.compile(rf"(?:\b(?:clause|section|article|paragraph)s?|§)\s*(?P<number>{_NUMBER})(?![\w.]*\d)", re.I)
OWN = re.compile(rf"\s*(?:(?:clause|section|article|paragraph)\s+|§\s*)?(?P<number>{_NUMBER})[.):]?\s", re.I)
FORMS = stems("agreement contract amendment addendum policy master services document section docx pdf html txt md no")
"""Words of titles that say which form a document has, and not which one it is."""


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


def _numbers(candidate: Candidate) -> set[str]:
    """The number that a sentence begins with, and that of the heading it stands below."""
    places = candidate.sentence.text, candidate.passage.heading.rsplit(" > ", 1)[-1]
    return {match["number"] for text in places if (match := OWN.match(f"{text} "))}


def _akin(a: Candidate, b: Candidate) -> bool:
    """Whether two documents are called alike, beyond the form they have."""
    names = [stems(re.sub(r"[_\W]+", " ", f"{each.passage.document} {each.passage.title}")) - FORMS for each in (a, b)]
    return bool(names[0] & names[1])
