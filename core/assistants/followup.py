"""What to look for when a question leans on the one before it ("And for Aldgate?", "When does it end?").

Simple on purpose: the content words of the last question join the search. Rewriting with the base model
is a later step. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.assistants.words import content_words

LEANS = re.compile(
    r"\b(?:it|its|they|them|their|he|him|his|she|her|that one|this one|those|these|the same)\b"
    r"|^(?:and|but|or|so|what about|how about|also)\b",
    re.I,
)
SHORT = 2
"""Content words up to which a question cannot stand alone once something was asked before."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One question (`user`) or answer (`assistant`) of the conversation so far."""

    role: Literal["user", "assistant"]
    text: str


def standalone(question: str, history: Sequence[Turn]) -> str:
    """The question, with the last question's content words added if it leans on it."""
    asked = [turn.text for turn in history if turn.role == "user"]
    own = {word.stem for word in content_words(question)}
    if not asked or not (LEANS.search(question.strip()) or len(own) <= SHORT):
        return question
    added = [word.text for word in content_words(asked[-1]) if word.stem not in own]
    return f"{question} {' '.join(added)}".strip()
