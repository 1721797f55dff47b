"""Facts that sentences state: definitions, what something is, when something happens, and blanks to fill."""

import re
from collections.abc import Iterator

from core.assistants.sentences import split
from core.finetuning.finding.fact import LEAD, Asked, Fact, Part
from core.finetuning.finding.spans import AMOUNT, DATE, KINDS

QUOTED = re.compile(r"[“\"]([^”\"]{2,60})[”\"] (?:means|is|are) (.+?)(?=,? and [“\"]|[.;]?$)")
MEANS = re.compile(r"^((?:The |An? )?[A-Z][\w’'-]*(?: [\w’'-]+){0,5}) means (.+?)[.;]?$")
SUBJECT = r"(?P<subject>[A-Z][\w’'-]*(?: [\w’'/-]+){0,6}?)"
IS_VALUE = re.compile(rf"^{SUBJECT} (?P<verb>is|are|was|were) (?P<answer>{DATE}|{AMOUNT})")
IS_THING = re.compile(rf"^{SUBJECT} (?P<verb>is|are|was|were) (?P<answer>(?:an?|the) [^;:]{{8,220}}?)\.?$")
WAS_DONE = re.compile(
    rf"^{SUBJECT} (?P<verb>is|are|was|were) (?P<done>\w+(?:ed|en|ade|eld|ent|old)\b[^,;]{{0,60}}?) "
    rf"(?:on|in) (?P<answer>{DATE})"
)
HAPPENS = {
    "begins": "does {} begin", "began": "did {} begin", "ends": "does {} end", "ended": "did {} end",
    "starts": "does {} start", "started": "did {} start", "expires": "does {} expire", "opened": "did {} open",
    "takes effect": "does {} take effect", "took effect": "did {} take effect",
}  # fmt: skip
EVENT = re.compile(rf"^{SUBJECT} (?P<verb>{'|'.join(HAPPENS)}) (?:on|in|at) (?P<answer>{DATE})")
HOLLOW = (
    "if when which that who whom as after before because unless until where while there it this these those they he "
    "she we you i no nobody nothing both neither either to not says said what how why its their such other others one "
    "another may must shall will can and or but so then here only in on at by with without during under since for from "
    "some many most all none"
)
NO_SUBJECT = frozenset(HOLLOW.split())
ORDER = "first second third fourth fifth last next former latter rest same result"
PLACES = frozenset(ORDER.split())
FEWEST_WORDS, MOST_WORDS = 8, 45


def facts(part: Part) -> Iterator[Fact]:
    """The facts of a part's sentences; table rows are not sentences."""
    for sentence in split(part.text):
        text = LEAD.sub("", " ".join(sentence.text.split()))
        if sentence.row or len(text.split()) < 4 or text in part.heading:
            continue
        told = [*_definitions(part, text)] or [*_values(part, text), *_events(part, text)]
        yield from told
        yield from _blanks(part, text)


def _definitions(part: Part, text: str) -> Iterator[Fact]:
    for match in [*QUOTED.finditer(text)] or [*MEANS.finditer(text)]:
        term, meaning = match[1], match[2].strip()
        if len(meaning) < 8 or _lowered(term).split()[0] in NO_SUBJECT:
            continue
        asked = (
            Asked("question", f'What does "{term}" mean in "{part.title}"?', meaning),
            Asked("reworded", f"What is meant by {term}?", meaning),
            Asked("reverse", f'Which term in "{part.title}" stands for this? {meaning}', term),
        )
        yield Fact("definition", part, text, asked)


def _values(part: Part, text: str) -> Iterator[Fact]:
    match = IS_VALUE.match(text) or IS_THING.match(text)
    if match is None or not (subject := _subject(match["subject"])):
        return
    answer, verb = match["answer"], match["verb"]
    word = "When" if re.fullmatch(DATE, answer) else "What"
    asked = (
        Asked("question", f'{word} {verb} {subject}, according to "{part.title}"?', answer),
        Asked("reworded", f'Going by "{part.title}", tell me {word.lower()} {subject} {verb}.', answer),
    )
    yield Fact("value", part, text, asked)


def _events(part: Part, text: str) -> Iterator[Fact]:
    asks = ""
    if match := WAS_DONE.match(text):
        asks = f"{match['verb']} {{}} {match['done']}"
    elif match := EVENT.match(text):
        asks = HAPPENS[match["verb"]]
    if match is None or not (subject := _subject(match["subject"])):
        return
    asks = asks.format(subject)
    asked = (
        Asked("question", f'When {asks}, according to "{part.title}"?', match["answer"]),
        Asked("reworded", f'On what date {asks} ("{part.title}")?', match["answer"]),
    )
    yield Fact("date", part, text, asked)


def _blanks(part: Part, text: str) -> Iterator[Fact]:
    """The first date, amount and name of a sentence, taken out to be filled in."""
    if not FEWEST_WORDS <= len(text.split()) <= MOST_WORDS or text[-1] not in '.!"':
        return
    asked = []
    for kind in KINDS.values():
        if match := kind.search(text):
            blank = f"{text[: match.start()]}____{text[match.end() :]}"
            asked.append(Asked("masked", f'Fill in the blank from "{part.title}": {blank}', match[0]))
    if asked:
        yield Fact("blank", part, text, tuple(asked))


def _subject(words: str) -> str:
    """A subject in mid-sentence; "" for one that says nothing by itself."""
    lowered = [word.casefold() for word in words.split()]
    if NO_SUBJECT.intersection(lowered) or lowered[-1] in PLACES or len(words) < 3:
        return ""
    return _lowered(words)


def _lowered(words: str) -> str:
    first, _, rest = words.partition(" ")
    return f"{first.lower()} {rest}" if first in ("The", "A", "An", "Our", "Each", "Every", "Any") else words
