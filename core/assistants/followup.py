"""What to look for when a question leans on the conversation ("And for Aldgate?", "When does it end?", "Why?").

Rules and no model: a base model of 135 million parameters rewrites at random. Three ways of leaning:

- a fragment that puts one thing in another's place ("And for the Brio 40?") takes the question before, with
  the name exchanged; one that has no name for it keeps what the question before named;
- a question with a pronoun, or one with hardly a word of its own ("Why?"), gets the words of the question before;
- a question that names nothing, after one that did, gets that name ("How long is the notice?").

What comes out is shown to the person, so it stays readable. Pure; measured by `benchmarks/followups.py`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.assistants.phrases import Phrase, names, phrases
from core.assistants.words import Word, content_words, words

OPENERS = re.compile(
    r"^(?:(?:and|but|or|so|then|also|ok|okay|yes|no|well|hm+|thanks|thank you|i see|right)\b[\s,.!:;-]*)+", re.I
)
ABOUT = re.compile(r"^(?:what|how)(?:'s|’s)? about\b\s*", re.I)
LEANS = re.compile(
    r"\b(?:it|its|itself|they|them|their|theirs|he|him|his|she|her|hers|those|these|this|that|there|then|"
    r"the same|the other|the others|both|each of them|either|ones?|instead|else|otherwise|the former|the latter)\b",
    re.I,
)
ASKS = re.compile(
    r"\b(?:what|who|whom|whose|when|where|which|why|how|is|are|was|were|am|do|does|did|can|could|may|might|must|"
    r"should|shall|will|would|has|have|had|tell|explain|show|give|list|need|want)\b",
    re.I,
)
MODIFIES = re.compile(
    r"^(?:for|in|on|at|with|without|after|before|during|from|since|until|by|under|over|above|below|within|outside|"
    r"if|when|because|to|as|per|between|beyond)\b",
    re.I,
)
SHORT = 2
"""Content words up to which a question cannot stand alone once something was asked before."""
NAMELESS = 3
"""Content words up to which a question that names nothing is about what was named before."""


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


def standalone(question: str, history: Sequence[Turn]) -> str:
    """The question as it can be understood without the conversation; itself when it does not lean on that."""
    before = next((turn for turn in reversed(history) if turn.role == "user"), None)
    own = OPENERS.sub("", question.strip()).strip() or question.strip()
    if before is None:
        return question
    asked = before.searched or before.text
    if fragment := _fragment(own):
        return _instead(fragment, asked)
    content = content_words(own)
    opened = own != question.strip() and not names(own)
    if LEANS.search(own) or len(content) <= SHORT or opened:
        carried = _carried(own, before.text if len(content_words(before.text)) > SHORT else asked)
        return _with(own, [*carried, *_new(own, carried, names(asked))] or _titles(own, history))
    if len(content) <= NAMELESS and not names(own):
        return _with(own, _new(own, [], names(asked)))
    return question


def _fragment(own: str) -> str:
    """What is asked about in a question without a verb: "the Brio 40", "for directors"; else ""."""
    shortened = ABOUT.sub("", own)
    if shortened == own and ASKS.search(own):
        return ""
    return shortened.strip(" ?.!") if content_words(shortened) else ""


def _instead(fragment: str, asked: str) -> str:
    """The question before, asked of something else."""
    there, here = phrases(asked), phrases(f"of {fragment}")  # in mid-sentence, so a capital makes a name
    if here and (place := _place(there, here[-1])):
        return asked[: place.start] + here[-1].text + asked[place.end :]
    if MODIFIES.search(fragment) or not there:
        return f"{asked.rstrip(' ?.')} {fragment}?"
    return _with(f"{fragment}?", _new(fragment, [], names(asked)))


def _place(there: Sequence[Phrase], new: Phrase) -> Phrase | None:
    """The name that a new one replaces: of the same family ("Brio 20"), or shape ("E3"), or the only one there is."""
    kin = [each for each in there if each.family & new.family]
    alike = [each for each in there if each.shape == new.shape]
    inside = [word for each in there for word in each.parts if word.shape == new.shape and "0" in word.shape]
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
