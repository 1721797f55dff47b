"""Facts that a document's outline states: numbered clauses, sections, questions with their answers."""

import re
from collections.abc import Iterator

from core.finetuning.finding.fact import LEAD, Asked, Fact, Part

CLAUSE = re.compile(r"^(\d{1,3}(?:\.\d{1,3})+)\.?\s+(\S.*)$")
SHORTEST = 40
LONGEST_CLAUSE = 400
LONGEST_QUOTED = 220


def facts(part: Part) -> Iterator[Fact]:
    """Clauses, the section that begins here, and a question that is answered here."""
    lines = [line.strip() for line in part.text.split("\n") if line.strip()]
    if part.section.endswith("?"):
        yield from _pair(part, lines)
        return
    for line in lines:
        yield from _clause(part, line)
    yield from _section(part, lines)


def _clause(part: Part, line: str) -> Iterator[Fact]:
    match = CLAUSE.match(line)
    if match is None or not SHORTEST <= len(match[2]) <= LONGEST_CLAUSE or not match[2].endswith("."):
        return
    number, body = match.groups()
    asked = [Asked("question", f'What does clause {number} of "{part.title}" say?', body)]
    if part.section and part.section in part.text:
        asked.append(Asked("reworded", f'In "{part.title}", what is said in {number} on {part.section}?', body))
    if len(body) <= LONGEST_QUOTED:
        asked.append(Asked("reverse", f'Which clause of "{part.title}" says this? {body}', number))
    yield Fact("clause", part, line, tuple(asked))


def _section(part: Part, lines: list[str]) -> Iterator[Fact]:
    section = part.section
    if len(section) < 4 or len(lines) < 2 or LEAD.sub("", lines[0]) != section:
        return
    body = lines[1]
    if body.startswith("|") or LEAD.match(body) or not SHORTEST <= len(body) <= LONGEST_CLAUSE or body[-1] not in '."':
        return
    yield Fact(
        "section",
        part,
        body,
        (
            Asked("question", f'What does "{part.title}" say about {_inside(section)}?', body),
            Asked("reworded", f'{section}: what does one need to know, according to "{part.title}"?', body),
        ),
    )


def _pair(part: Part, lines: list[str]) -> Iterator[Fact]:
    question = part.section
    if lines and LEAD.sub("", lines[0]) == question:
        lines = lines[1:]
    answer = ""
    for line in lines:
        if line.startswith("|") or len(answer) + len(line) > LONGEST_CLAUSE:
            break
        answer = f"{answer}\n{line}".strip()
    if len(answer) < 3 or answer.endswith(":"):
        return
    yield Fact(
        "pair",
        part,
        answer,
        (
            Asked("question", question, answer),
            Asked("reworded", f'What does "{part.title}" answer to this? {question}', answer),
        ),
    )


def _inside(section: str) -> str:
    """A heading in mid-sentence: a plain capitalised word is lowered, a name or an abbreviation is not."""
    first, _, rest = section.partition(" ")
    plain = first[:1].isupper() and first[1:].islower() and (not rest or rest[:1].islower())
    return section[:1].lower() + section[1:] if plain else section
