"""Whether an answer gives the very figure or the very verdict that was wanted, and ROUGE-L. Pure.

Figures: as TAT-QA scores them (Zhu et al., ACL 2021, "TAT-QA", section 5: exact match with scale), made independent of
how a number is written: thousands separators, currency signs, brackets for a minus, "million", percent. Verdicts: the
accuracy of PubMedQA (Jin et al., EMNLP 2019). ROUGE-L: Lin, "ROUGE: A Package for Automatic Evaluation of Summaries"
(2004), F of the longest common subsequence with equal weights, without stemming. Knows no
number words ("ninety") and no decimal commas.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.evaluation.metrics import exact_match

SCALES = {
    "hundred": 2, "thousand": 3, "thousands": 3, "k": 3, "million": 6, "millions": 6, "m": 6, "mn": 6, "mm": 6,
    "billion": 9, "billions": 9, "bn": 9, "trillion": 12, "trillions": 12,
}  # fmt: skip
PERCENT = ("%", "percent", "per cent")
UNITS = "|".join(sorted(map(re.escape, SCALES), key=len, reverse=True))
FIGURE = re.compile(
    r"(?P<before>(?<![\w.,])(?:[-−–]|\(\s?)?(?:[$€£¥]\s?)?[-−–]?)"
    r"(?P<digits>\d{1,3}(?:[,\u00a0\u202f'’]\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)"
    rf"(?P<close>\)?)\s?(?P<unit>%|per ?cent(?:age)?\b|(?:{UNITS})\b)?(?P<after>\)?)",
    re.I,
)
WORDS = re.compile(r"[^\W_]+")
CHOICES = ("yes", "no", "maybe")
SHORT = 12
"""Words of a gold answer up to which its figures are what was asked for."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as it was meant: `value` with its scale applied, `step` one unit of its last printed digit."""

    value: Decimal
    step: Decimal
    percent: bool
    scaled: bool


def figures(text: str) -> list[Figure]:
    """Every number in a text, in order."""
    return [_figure(match) for match in FIGURE.finditer(text)]


def _figure(match: re.Match[str]) -> Figure:
    before, unit = match["before"], (match["unit"] or "").lower()
    digits = re.sub(r"[,\u00a0\u202f'’]", "", match["digits"])
    closed = bool(match["close"] or match["after"])
    minus = any(sign in before for sign in "-−–") or ("(" in before and closed)
    exponent = SCALES.get(unit, 0)
    places = len(digits.partition(".")[2])
    value = Decimal(digits).scaleb(exponent)
    return Figure(-value if minus else value, Decimal(1).scaleb(exponent - places), unit.startswith(PERCENT),
                  exponent > 0)  # fmt: skip


def numeric_match(answer: str, gold: str, scale: str = "") -> float | None:
    """1 when every figure of the gold answer is in the answer, else 0; None when the gold answer is no figure.

    Figures agree when they are the same at the precision of the gold answer, and both are percentages or neither. A
    number without its scale agrees with one that has it ("1,234" with "1.234 million" does not, "1,234" with
    "1,234" of `scale` "thousand" does): tables print their scale once, in a heading.
    """
    wanted = figures(gold)
    if not wanted or len(gold.split()) > SHORT:
        return None
    said = figures(answer)
    return float(all(any(_agree(one, figure, scale) for one in said) for figure in wanted))


def _agree(said: Figure, gold: Figure, scale: str) -> bool:
    if said.percent != (gold.percent or scale == "percent"):
        return False
    factor = Decimal(1) if gold.scaled else Decimal(1).scaleb(SCALES.get(scale, 0))
    factors = {factor} if said.scaled else {factor, Decimal(1)}
    return any(abs(said.value - gold.value * each) <= gold.step * each / 2 for each in factors)


def choice(text: str) -> str:
    """ "yes", "no" or "maybe" when a text begins with one of them, else ""."""
    first = WORDS.search(text.lower())
    return first[0] if first and first[0] in CHOICES else ""


def choice_match(answer: str, gold: str) -> float | None:
    """1 when the answer begins with the gold answer's verdict, else 0; None when that is no yes, no or maybe."""
    wanted = choice(gold)
    return float(choice(answer) == wanted) if wanted else None


def short_match(answer: str, golds: Sequence[str]) -> bool:
    """Whether the answer is one of the gold answers after SQuAD's normalisation."""
    return any(exact_match(answer, gold) for gold in golds if gold)


def rouge_l(answer: str, gold: str) -> float:
    """F of the longest common subsequence of words; two empty texts agree."""
    said, wanted = WORDS.findall(answer.lower()), WORDS.findall(gold.lower())
    if not said or not wanted:
        return float(said == wanted)
    return 2 * common_subsequence(said, wanted) / (len(said) + len(wanted))


def common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """The length of the longest common subsequence (Wagner and Fischer, J. ACM 1974), in len(a) * len(b) steps."""
    row = [0] * (len(b) + 1)
    for word in a:
        corner = 0
        for j, other in enumerate(b, 1):
            above = row[j]
            row[j] = corner + 1 if word == other else max(above, row[j - 1])
            corner = above
    return row[-1]
