"""Finds personal data in text, and puts markers in its place. Pure.

E-mail addresses, phone numbers, payment cards (Luhn checksum, ISO/IEC 7812-1), IBANs (mod 97, ISO 13616), US social
security numbers, UK NHS numbers (mod 11), US NPI (Luhn over 80840 and the number, 45 CFR 162) and DEA numbers
(weighted sum), dates of birth and medical record numbers that are called so. A pattern is not proof: names and
addresses are not found at all, and a number may only look like one. What was measured stands in SECURITY.md.
"""

# ruff: noqa: E501 - a pattern is read whole

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from core.ingestion.parsed import Block, Dropped, Page, ParsedDocument

Policy = Literal["warn", "redact", "refuse", "off"]
POLICIES: tuple[str, ...] = get_args(Policy)
DATE = r"(?:\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{1,2}\.?\s+[A-Z][a-z]{2,8}\.?,?\s+\d{4}|[A-Z][a-z]{2,8}\.?\s+\d{1,2},?\s+\d{4})"

EMAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63})+\b")
CARD = re.compile(
    r"(?<![\w.,$-])(?:[2-6]\d{3}[ -](?:\d{4}[ -]){2}\d{4}(?:[ -]\d{1,3})?|3\d{3}[ -]\d{6}[ -]\d{5}|[2-6]\d{12,18})(?![\w-])"
)
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
SSN = re.compile(r"\b(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b")
PHONE = re.compile(r"(?<![\w.,$€£-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)[ .-]?|\d{2,4}[ .-])\d{3,4}[ .-]\d{3,4}(?![\w%])")
YEARS = re.compile(r"(?:19|20)\d\d-(?:19|20)\d\d")
NHS = re.compile(r"(?<![\d.,-])(?:\d{3} \d{3} \d{4}|(?i:(?<=nhs )|(?<=nhs no )|(?<=nhs no\. )|(?<=nhs number )|"
                 r"(?<=nhs number: )|(?<=nhs: ))\d{3}[ -]?\d{3}[ -]?\d{4})(?![\d-])")  # fmt: skip
NPI = re.compile(r"(?i:\bNPI\b(?: (?:number|no\.?))?[ :#]{1,3})([12]\d{9})\b")
DEA = re.compile(r"(?i:\bDEA\b(?: (?:number|no\.?|registration))?[ :#]{1,3})([A-HJ-NP-UX][A-Z9]\d{7})\b")
BIRTH = re.compile(rf"(?i:\b(?:date of birth|birth ?date|d\.?o\.?b\.?|born(?: on)?)[ :|]{{1,4}})({DATE})")
RECORD = re.compile(r"(?i:\b(?:MRN|(?:medical|hospital|patient) (?:record )?(?:number|no\.?|id))[ :#|]{1,4})"
                    r"((?=[A-Z0-9-]*\d)[A-Z0-9][A-Z0-9-]{3,14})\b")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """A stretch of a text (half open) that seems to be personal data of a kind."""

    kind: str
    start: int
    end: int


def luhn(text: str) -> bool:
    """Whether digits are a payment card's: 13 to 19 of them whose weighted sum divides by ten."""
    digits = [int(c) for c in text if c.isdigit()]
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and _luhn(digits)


def iban(text: str) -> bool:
    """Whether letters and digits are an IBAN: rearranged and read as a number, the remainder by 97 is 1."""
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(c, 36)) for c in turned)) % 97 == 1


def nhs(text: str) -> bool:
    """Whether ten digits are an NHS number: weights 10 to 2, the last digit makes the sum divide by eleven."""
    digits = [int(c) for c in text if c.isdigit()]
    total = sum(weight * digit for weight, digit in zip(range(10, 1, -1), digits, strict=False))
    return len(digits) == 10 and len(set(digits)) > 1 and (11 - total % 11) % 11 == digits[9]


def npi(text: str) -> bool:
    """Whether ten digits are a National Provider Identifier: Luhn with 80840 before them."""
    return len(text) == 10 and text.isdigit() and _luhn([int(c) for c in f"80840{text}"])


def dea(text: str) -> bool:
    """Whether two letters and seven digits are a DEA number: d1+d3+d5 and twice d2+d4+d6 end in d7."""
    digits = [int(c) for c in text[2:]]
    return (sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


def _luhn(digits: Sequence[int]) -> bool:
    doubled = [d if i % 2 == 0 else (2 * d - 9 if d > 4 else 2 * d) for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def _always(_text: str) -> bool:
    return True


def _card(text: str) -> bool:
    """A row of years can have the checksum too."""
    groups = text.replace("-", " ").split()
    return luhn(text) and not (len(groups) > 1 and all(1900 <= int(group) <= 2099 for group in groups))


def _dialled(text: str) -> bool:
    """Figures of a table, negative ones in brackets and spans of years look alike: fewer digits, or no sign of dialling."""
    digits = sum(c.isdigit() for c in text)
    return "+" in text or (10 <= digits <= 12 and any(sign in text for sign in "(-.") and not YEARS.search(text))


RULES: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("e-mail address", EMAIL, _always),
    ("IBAN", IBAN, iban),
    ("card number", CARD, _card),
    ("social security number", SSN, _always),
    ("NPI number", NPI, npi),
    ("DEA number", DEA, dea),
    ("date of birth", BIRTH, _always),
    ("medical record number", RECORD, _always),
    ("NHS number", NHS, nhs),
    ("phone number", PHONE, _dialled),
)
"""A stretch belongs to the first kind that claims it. Of a pattern with a group only that is the data."""


def find(text: str) -> list[Found]:
    """What a text seems to hold, in order and without overlaps."""
    taken: list[Found] = []
    for kind, pattern, holds in RULES:
        for match in pattern.finditer(text):
            start, end = match.span(1 if pattern.groups else 0)
            if holds(text[start:end]) and not any(one.start < end and start < one.end for one in taken):
                taken.append(Found(kind, start, end))
    return sorted(taken, key=lambda one: one.start)


def kinds(text: str) -> set[str]:
    """The kinds of personal data that a text seems to hold."""
    return {one.kind for one in find(text)}


def counted(document: ParsedDocument) -> Counter[str]:
    """How many of each kind a document holds: in its pages, and beside them."""
    texts = [*(page.text for page in document.pages), *beside(document)]
    return Counter(one.kind for text in texts for one in find(text))


def beside(document: ParsedDocument) -> list[str]:
    """What holds personal data outside of the pages' text, and does not stand in that as well, each text once.

    The title, labels of pages, remarks, headers of tables, and what was left out: running headers, hidden text.
    """
    headers = (line for page in document.pages for block in page.blocks for line in block.header.splitlines())
    left_out = (text for each in document.dropped for text in (each.what, each.why))
    texts = dict.fromkeys(
        [document.title, *(page.label for page in document.pages), *document.notes, *left_out, *headers]
    )
    whole = "\n".join(page.text for page in document.pages)
    return [text for text in texts if find(text) and text not in whole]


def told(counts: Mapping[str, int]) -> str:
    """`2 e-mail addresses, 1 card number`: kinds and counts, never values."""
    plural = {"e-mail address": "e-mail addresses", "date of birth": "dates of birth"}
    return ", ".join(f"{n} {kind if n == 1 else plural.get(kind, f'{kind}s')}" for kind, n in sorted(counts.items()))


def marker(kind: str) -> str:
    """What stands in place of a value."""
    return f"[{kind}]"


def redacted_text(text: str) -> str:
    """A text with markers in place of what it seems to hold."""
    return "".join(_pieces(text, find(text)))


def redacted(document: ParsedDocument) -> ParsedDocument:
    """A document with markers in place of personal data, in pages, headers, title and remarks; blocks still fit."""
    return replace(
        document,
        title=redacted_text(document.title),
        pages=tuple(map(_redacted_page, document.pages)),
        dropped=tuple(
            Dropped(each.page, redacted_text(each.what), redacted_text(each.why)) for each in document.dropped
        ),
        notes=tuple(map(redacted_text, document.notes)),
    )


def _redacted_page(page: Page) -> Page:
    found = find(page.text)
    text = "".join(_pieces(page.text, found))
    moved = _moves(found)
    blocks = tuple(_moved(block, moved) for block in page.blocks)
    return replace(page, label=redacted_text(page.label), text=text, blocks=blocks, scanned=())  # no picture is kept


def _pieces(text: str, found: Sequence[Found]) -> Iterator[str]:
    at = 0
    for one in found:
        yield text[at : one.start]
        yield marker(one.kind)
        at = one.end
    yield text[at:]


def _moves(found: Sequence[Found]) -> Callable[[int, bool], int]:
    """Where an offset of the text is after redaction; one inside a value goes to its marker's begin or end."""
    starts = [one.start for one in found]
    grown = [0]
    for one in found:
        grown.append(grown[-1] + len(marker(one.kind)) - (one.end - one.start))

    def moved(offset: int, end: bool) -> int:
        number = bisect_right(starts, offset - 1 if end else offset)
        if number and offset < found[number - 1].end:
            one = found[number - 1]
            return one.start + grown[number - 1] + (len(marker(one.kind)) if end else 0)
        return offset + grown[number]

    return moved


def _moved(block: Block, moved: Callable[[int, bool], int]) -> Block:
    return replace(
        block, start=moved(block.start, False), end=moved(block.end, True), header=redacted_text(block.header)
    )
