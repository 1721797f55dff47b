"""Abbreviations that documents explain themselves: "Minimum Order Quantity (MOQ)", "eGFR (estimated glomerular ...)".

By the rule of Schwartz and Hearst, "A Simple Algorithm for Identifying Abbreviation Definitions in Biomedical Text",
2003: what stands in brackets beside its long form abbreviates it if its letters stand there in order, the first one at
the beginning of a word. Pure.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

SHORT = re.compile(r"(?<![\w&-])(?=[^\W_]*[A-Z][^\W_]*[A-Z&])[^\W_][\w&-]{0,8}[^\W_](?![\w&-])")
"""An abbreviation: two to ten characters, two capitals among them."""
BRACKETED = re.compile(r"\(\s*(?:the\s+|an?\s+|or\s+)?[\"“'‘]?(?P<inside>[^()\"”]{2,80}?)[\"”'’]?\s*\)")
WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
BROKEN = re.compile(r"[.;:!?](?=\s|$)|[|()\n]")
"""What no long form goes across."""
BEFORE = 200
"""Characters before a bracket in which a long form stands."""
MOST_WORDS = 10
MARKS = " ,\"“”'‘’"
SMALL = frozenset(["a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"])
"""Words that an abbreviation passes over, or not."""
OF_FIRMS = frozenset(["CO", "CORP", "GMBH", "INC", "LLC", "LLP", "LP", "LTD", "NV", "PLC", "SA"])
"""What ends the names of firms: who names a firm does not ask what kind of firm it is."""


def short_forms(text: str) -> list[str]:
    """The abbreviations of a text, each once, in order; none of one that is all in capitals."""
    found = dict.fromkeys(match[0] for match in SHORT.finditer(text))
    return [] if text.isupper() else [each for each in found if each.upper() not in OF_FIRMS]


def explained(texts: Iterable[str], short: Sequence[str]) -> dict[str, str]:
    """The long form of each abbreviation that the texts explain, as they give it most often; in small letters."""
    wanted = {_one(each): each for each in short}
    counts: dict[str, Counter[str]] = {each: Counter() for each in short}
    for text in texts if wanted else ():
        for match in BRACKETED.finditer(text):
            inside = " ".join(match["inside"].split())
            before = BROKEN.split(text[max(0, match.start() - BEFORE) : match.start()])[-1]
            last = before.split()[-1] if before.split() else ""
            if name := wanted.get(_one(inside)):
                long = long_form(_one(inside), before)
            elif name := wanted.get(_one(last)):
                long = inside if long_form(_one(last), inside) == inside else ""
            else:
                continue
            if long:
                counts[name][" ".join(long.lower().split())] += 1
    return {name: max(given, key=lambda long: (given[long], len(long))) for name, given in counts.items() if given}


def long_form(short: str, text: str) -> str:
    """The end of `text` that `short` abbreviates; "" when none does, or when it says the same again ("MSCI Inc.").

    The words whose first letters it is, if there are such: by the rule alone "Secure Sockets Layer" would lose its
    first word, since SSL also stands in the other two.
    """
    long = _by_initials(short, text) or _by_letters(short, text)
    return "" if short.lower() in WORD.findall(long.lower()) else long


def _by_initials(short: str, text: str) -> str:
    letters = [sign.lower() for sign in short if sign.isalnum()]
    found = list(WORD.finditer(text))
    while letters and found:
        word = found.pop()
        if word[0][0].lower() == letters[-1]:
            letters.pop()
            if not letters and word[0].lower() not in SMALL:
                return text[word.start() :].strip(MARKS) if len(short) > 1 else ""
        elif word[0].lower() not in SMALL:
            break
    return ""


def _by_letters(short: str, text: str) -> str:
    lower, letters = text.lower(), [sign.lower() for sign in short if sign.isalnum()]
    at = len(text)
    for left in range(len(letters) - 1, -1, -1):
        at = lower.rfind(letters[left], 0, at)
        while left == 0 and at > 0 and text[at - 1].isalnum():
            at = lower.rfind(letters[left], 0, at)
        if at < 0:
            return ""
    long = text[at:].strip(MARKS)
    most = min(len(letters) + 5, 2 * len(letters), MOST_WORDS)
    return long if len(long) > len(short) and 1 < len(WORD.findall(long)) <= most else ""


def _one(short: str) -> str:
    """Of one or of several: "SSAs" as "SSA"."""
    return re.sub(r"(?<=[A-Z])s$", "", short.strip())
