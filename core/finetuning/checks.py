"""What is wrong with examples before anything is trained on them: each finding names its rows, and what mends it. Pure.

Personal data: e-mail addresses, phone numbers, payment cards (Luhn checksum, ISO/IEC 7812-1), IBANs (mod 97, ISO 13616)
and US social security numbers. A pattern is not proof: a person looks at what is found.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from core.assistants.words import stems
from core.evaluation.metrics import normalise
from storage.rows import ExampleRow

Mend = Literal["reject", "keep first", "none"]
OVERLONG = 3_000
"""Characters of an answer that are more than a short lesson."""

LEAK = 0.9
"""A question that shares this part of its words with a gold question counts as that question."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Attributes:
    kind: what is wrong, in two or three words.
    words: one sentence, with what will be done.
    ids: the examples concerned.
    rejects: those that the mending button rejects; () when a person must decide.
    """

    kind: str
    words: str
    ids: tuple[int, ...]
    rejects: tuple[int, ...] = ()


def findings(examples: Sequence[ExampleRow], gold: Iterable[str]) -> list[Finding]:
    """All that is wrong with accepted examples, the worst first.

    Args:
        gold: the corpus's gold questions, which must not be trained on.
    """
    checks: tuple[Callable[[], Finding | None], ...] = (
        lambda: _leaks(examples, list(gold)),
        lambda: _conflicts(examples),
        lambda: _personal(examples),
        lambda: _repeats(examples),
        lambda: _overlong(examples),
        lambda: _empty(examples),
    )
    return [found for check in checks if (found := check()) is not None]


def _leaks(examples: Sequence[ExampleRow], gold: list[str]) -> Finding | None:
    known = [stems(question) for question in gold]
    exact = {normalise(question) for question in gold}
    ids = tuple(e.id for e in examples if normalise(e.question) in exact or near(stems(e.question), known))
    words = "ask what a gold question asks. Trained on, they would make the evaluation worthless."
    return Finding("gold leaks", f"{_these(ids)} {words}", ids, ids) if ids else None


def near(own: set[str], known: list[set[str]]) -> bool:
    """Whether the stems of a question are nearly those of one that is known."""
    return any(own and other and len(own & other) >= LEAK * len(own | other) for other in known)


def _conflicts(examples: Sequence[ExampleRow]) -> Finding | None:
    answers: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for example in examples:
        answers[normalise(example.question)][normalise(example.answer)].append(example.id)
    ids = tuple(key for found in answers.values() if len(found) > 1 for keys in found.values() for key in keys)
    words = "have the same question but another answer. Keep one of each."
    return Finding("conflicts", f"{_these(ids)} {words}", ids) if ids else None


def _repeats(examples: Sequence[ExampleRow]) -> Finding | None:
    first: dict[tuple[str, str], int] = {}
    again = []
    for example in examples:
        key = (normalise(example.question), normalise(example.answer))
        if first.setdefault(key, example.id) != example.id:
            again.append(example.id)
    words = "say again what another one says, but for case and punctuation."
    return Finding("duplicates", f"{_these(again)} {words}", tuple(again), tuple(again)) if again else None


def _overlong(examples: Sequence[ExampleRow]) -> Finding | None:
    ids = tuple(e.id for e in examples if len(e.answer) > OVERLONG)
    words = f"have an answer of more than {OVERLONG:,} characters: too long for one lesson."
    return Finding("overlong", f"{_these(ids)} {words}", ids, ids) if ids else None


def _empty(examples: Sequence[ExampleRow]) -> Finding | None:
    ids = tuple(e.id for e in examples if not normalise(e.question) or not e.answer.strip())
    return Finding("empty", f"{_these(ids)} have no question or no answer.", ids, ids) if ids else None


def _personal(examples: Sequence[ExampleRow]) -> Finding | None:
    ids, kinds = [], set[str]()
    for example in examples:
        if found := personal(f"{example.question}\n{example.answer}"):
            ids.append(example.id)
            kinds |= found
    words = f"seem to hold personal data ({', '.join(sorted(kinds))}). What is trained in cannot be taken out again."
    return Finding("personal data", f"{_these(ids)} {words}", tuple(ids), tuple(ids)) if ids else None


EMAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63})+\b")
CARD = re.compile(r"\b(?:\d[ -]?){13,19}\b")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
SSN = re.compile(r"\b(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b")
PHONE = re.compile(r"(?<![\w.,$€£-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)[ .-]?|\d{2,4}[ .-])\d{3,4}[ .-]\d{3,4}(?![\w%])")


def personal(text: str) -> set[str]:
    """The kinds of personal data that a text seems to hold."""
    found = set[str]()
    if EMAIL.search(text):
        found.add("e-mail address")
    if any(luhn(match[0]) for match in CARD.finditer(text)):
        found.add("card number")
    if any(iban(match[0]) for match in IBAN.finditer(text)):
        found.add("IBAN")
    if SSN.search(text):
        found.add("social security number")
    if PHONE.search(text):
        found.add("phone number")
    return found


def luhn(text: str) -> bool:
    """Whether digits are a payment card's: 13 to 19 of them whose weighted sum divides by ten."""
    digits = [int(c) for c in text if c.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [d if i % 2 == 0 else (2 * d - 9 if d > 4 else 2 * d) for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def iban(text: str) -> bool:
    """Whether letters and digits are an IBAN: rearranged and read as a number, the remainder by 97 is 1."""
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(c, 36)) for c in turned)) % 97 == 1


def _these(ids: Sequence[int]) -> str:
    return "1 example" if len(ids) == 1 else f"{len(ids):,} examples"
