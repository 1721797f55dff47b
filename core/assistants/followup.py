"""What to look for when a question leans on the conversation ("And for Aldgate?", "When does it end?", "Why?").

Rules and no model: a base model of 135 million parameters rewrites at random. Three ways of leaning:

- a fragment that is nothing but another thing ("And for the Brio 40?") takes the question before, with the name
  exchanged; one that has no name for it keeps what the question before named;
- a question with a pronoun for something that it does not name itself, or one with hardly a word of its own
  ("Why?"), gets the words of the question before;
- a question that names nothing, after one that did, gets that name ("How long is the notice?").

What a person typed is never lost: only a fragment's name takes another's place, everything else is added to. What comes
out is shown to the person, so it stays readable. Pure; measured by `benchmarks/followups.py`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from core.assistants.phrases import Phrase, names, phrases
from core.assistants.words import Word, content_words, words

POLITE = re.compile(
    r"\W*(?:(?:many |no,? )?(?:thanks|thank you|cheers|hello|hi|hey|bye|goodbye|great|perfect|"
    r"good (?:morning|day|evening))"
    r"(?:[\s,]+(?:very|so|much|a|lot|again|for|that|this|your|the|help|all|everything|there|too|you|and))*\W*)+",
    re.I,
)
OPENERS = re.compile(
    r"^(?:(?:and|but|or|so|then|also|ok|okay|yes|no|well|hm+|thanks|thank you|i see|right)\b[\s,.!:;-]*)+", re.I
)
ABOUT = re.compile(r"^(?:what|how)(?:'s|’s)? about\b\s*", re.I)
BEFORE_THAT = (
    "is|are|was|were|do|does|did|can|could|may|might|must|should|shall|will|would|has|have|had|to|of|for|about|with|on|in|at|by|"
    "from|after|before|than|like|against|without|under|why|how|and|or|but"
)
LEANS = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers|those|these|this|"
    r"(?<!is )(?<!are )(?<!was )(?<!were )there(?! (?:is|are|was|were|be|has|have|will|must|can|may)\b)|"
    r"the same(?! time)|the others?|each of them|(?:the|this|that|which|other|another|new|old) ones?|ones|"
    r"instead(?! of)|else|otherwise|the former|the latter)\b"
    r"|\b(?:both|either|neither|then)(?=\W*(?:$|[?.!])| of (?:them|these|those))"
    rf"|(?:^|[.?!,;:]\s*|\b(?:{BEFORE_THAT})\s+)that\b(?! of\b)",
    re.I,
)
BIDS = re.compile(
    r"^(?:please\s+)?(?:describe|summari[sz]e|sum up|compare|define|name|find|state|calculate|compute|outline|"
    r"translate|write|draft|identify|quote|cite|check|convert|count|look|search|provide|clarify|elaborate|discuss|repeat|rephrase|"
    r"mention|detail|say|help|walk)\b",
    re.I,
)
ASKS = re.compile(
    r"\b(?:what|who|whom|whose|when|where|which|why|how|is|are|am|was|were|do|does|did|can|could|may|might|must|"
    r"should|shall|will|would|has|have|had|tell|explain|show|give|list|need|want)\b",
    re.I,
)
MODIFIES = re.compile(
    r"^(?:for|in|on|at|with|without|after|before|during|from|since|until|by|under|over|above|below|within|outside|"
    r"if|when|because|to|as|per|between|beyond)\b",
    re.I,
)
CODE = re.compile(r"[A-Z]{1,2}-?\d{1,4}")
"""A name that says little without the name of what it belongs to: "E5", "P20"."""
YEAR = re.compile(r"(?:19|20)\d\d")
SHORT = 2
"""Content words up to which a question cannot stand alone once something was asked before."""
NAMELESS = 3
"""Content words up to which a question that names nothing is about what was named before."""
OWN = 5
"""Content words up to which a pronoun stands for something said before; a longer question says itself what it means."""
NAMED = 3
"""The same where the question names something, which a pronoun then stands for."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One question (`user`) or answer (`assistant`) of the conversation so far.

    `searched` is what was looked for, when that was not the question as typed; `about` are the titles of the
    documents an answer cites.
    """

    role: Literal["user", "assistant"]
    text: str
    searched: str = ""
    about: tuple[str, ...] = ()


def asked_before(history: Sequence[Turn]) -> int:
    """How many questions came before."""
    return sum(turn.role == "user" for turn in history)


def standalone(question: str, history: Sequence[Turn]) -> str:
    """The question as it can be understood without the conversation; itself when it does not lean on that."""
    before = next((turn for turn in reversed(history) if turn.role == "user"), None)
    rest = OPENERS.sub("", question.strip()).strip()
    own = rest or question.strip()
    if before is None or POLITE.fullmatch(question):
        return question
    asked = before.searched or before.text
    opened = own != question.strip()
    if fragment := _fragment(own):
        return _instead(fragment, asked, opened or bool(ABOUT.match(own)))
    if _leans(own, opened):
        carried = _carried(own, before.text if len(content_words(before.text)) > SHORT else asked)
        return _with(own, [*carried, *_new(own, carried, names(asked))] or _titles(own, history))
    here = phrases(own)
    if len(content_words(own)) <= NAMELESS and all(CODE.fullmatch(each.text) for each in here):
        return _with(own, _new(own, [], _other(here, asked)))
    return question


def _leans(own: str, opened: bool) -> bool:
    """Whether a whole question needs what was said before."""
    content, things = content_words(own), _things(own)
    if LEANS.search(own) and len(content) <= (NAMED if things else OWN):
        return True
    return not names(own) and (len(content) <= SHORT or opened)


def _things(text: str) -> list[Phrase]:
    """What a text names, without days and bare numbers."""
    return [each for each in phrases(text) if not each.dated]


def _fragment(own: str) -> str:
    """What is asked about in a question without a verb: "the Brio 40", "for directors"; else ""."""
    shortened = ABOUT.sub("", own)
    if shortened == own and (ASKS.search(own) or BIDS.match(own)):
        return ""
    content = content_words(shortened)
    if not content or (shortened == own and len(content) > NAMELESS and not MODIFIES.match(own)):
        return ""  # "Describe the repair obligations of the tenant", "Wann endet der Vertrag mit Aldgate?"
    return shortened.strip(" ?.!")


def _instead(fragment: str, asked: str, opened: bool) -> str:
    """The question before, asked of something else."""
    # After "and" or "what about" it goes on in mid-sentence, where a capital makes a name.
    here = phrases(f"of {fragment}") if opened or MODIFIES.match(fragment) else _certain(fragment)
    there = phrases(asked)
    places = [_place(there, each) for each in here]
    if here and _is_all(here, fragment) and all(places):
        return _exchanged(
            asked, {place.start: (place.end, each.text) for each, place in zip(here, places, strict=True) if place}
        )
    if MODIFIES.match(fragment):
        return f"{asked.rstrip(' ?.')} {fragment[0].lower()}{fragment[1:]}?"
    if not there and opened:
        return _with(f"{fragment}?", _carried(fragment, asked))
    return _with(f"{fragment}?", _new(fragment, [], _other(here, asked)))


def _exchanged(asked: str, names: Mapping[int, tuple[int, str]]) -> str:
    """A question with other names: `names` gives for where one starts its end, and what takes its place."""
    for start in sorted(names, reverse=True):
        end, name = names[start]
        asked = asked[:start] + name + asked[end:]
    return asked


def _certain(fragment: str) -> list[Phrase]:
    """The names of a fragment that begins a sentence, where one capital may be no more than that."""
    found = phrases(f"of {fragment}")
    first = found[0].text if found else ""
    sure = " " in first or any(c.isdigit() or c.isupper() for c in first[1:]) or not fragment.startswith(first)
    return found if sure else found[1:]


def _is_all(here: Sequence[Phrase], fragment: str) -> bool:
    """Whether a fragment says nothing beside its names: not "Aldgate's deposit", which is another question."""
    return len(content_words(fragment)) <= sum(len(content_words(f"of {each.text}")) for each in here)


def _other(here: Sequence[Phrase], asked: str) -> list[Word]:
    """The words of the names in the question before that nothing named here takes the place of."""
    there = phrases(asked)
    replaced = {place.start for each in here if (place := _place(there, each))}
    return [word for each in there if each.start not in replaced for word in words(f"of {each.text}") if word.start]


def _place(there: Sequence[Phrase], new: Phrase) -> Phrase | None:
    """The name that a new one replaces: of the same family ("Brio 20"), or shape ("E3"), or the only one there is."""
    kin = [each for each in there if each.family & new.family]
    alike = [each for each in there if each.shape == new.shape]
    inside = [word for each in there for word in each.parts if word.shape == new.shape and "0" in word.shape]
    inside = [word for word in inside if bool(YEAR.fullmatch(word.text)) == bool(YEAR.fullmatch(new.text))]
    only = [each for each in there if len(there) == 1 and not new.dated and not each.dated]
    return next((found[-1] for found in (kin, inside, alike, only) if found), None)


def _carried(own: str, asked: str) -> list[str]:
    """The content words of the question before that this one does not have, in order."""
    return _new(own, [], content_words(asked))


def _new(own: str, already: Sequence[str], candidates: Sequence[Word]) -> list[str]:
    known = {word.stem for word in content_words(own)} | {word.stem for each in already for word in words(each)}
    return list({word.stem: word.plain for word in candidates if word.stem not in known}.values())


def _titles(own: str, history: Sequence[Turn]) -> list[str]:
    """Words of the titles that the last answer cites, for a conversation that never named anything."""
    about = next((turn.about for turn in reversed(history) if turn.role == "assistant"), ())
    return _new(own, [], [word for title in about[:1] for word in content_words(title)])


def _with(own: str, added: Sequence[str]) -> str:
    own = own[0].upper() + own[1:]
    return f"{own} ({' '.join(added)})" if added else own
