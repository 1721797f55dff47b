"""How an answer is put together from passages, per base model.

A base model of 135 million parameters loses in a long prompt what retrieval found: a plain quotation of the
most relevant sentence beats what it writes. So for small models the quotation is the answer; how many sentences was
chosen on training questions. What such a model adds below it repeats the quotation where it is right, and of 39 such
sentences on the samples' gold questions 22 were wrong or said nothing, with figures that do stand in the sources
(`benchmarks/results/answers.md`): nothing is added unless somebody chooses it. LARGE is not measured here.
Knows nothing of engines but their name.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from core.evaluation.metrics import normalise

SMALL_BELOW = 1.5
"""Billions of parameters below which a base model reads as SMALL does; re-measure per base model."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Attributes:
    quote_first: the answer begins with the most relevant sentences, word for word.
    sentences: the most sentences that are quoted.
    share: a further sentence is quoted if its probability is at least this share of the best one's.
    own_words: what the base model adds below the quotation: "none", "supported" (only sentences that the
        passages support), or "all" (unsupported ones are marked).
    shown: what the prompt holds: the relevant "sentences" only, or whole "passages".
    passages: how many passages are considered.
    max_new_tokens: how much the base model may write.
    briefed: the prompt says who answers and how; an adapter has learned it.
    sure: the mean log-probability of its tokens below which an answer gives way to the quotation; None, never.
    agrees: it gives way as well when its words do not stand in the quotation, which was chosen without it.
    writes: what an adapter with evidence writes itself: "all"; a "lead", the yes, no or maybe before what the
        documents say; or "none", where what it learned to take from the documents is the answer.
    """

    quote_first: bool
    sentences: int
    share: float
    own_words: Literal["none", "supported", "all"]
    shown: Literal["sentences", "passages"]
    passages: int
    max_new_tokens: int
    briefed: bool = True
    sure: float | None = None
    agrees: bool = False
    writes: Literal["all", "lead", "none"] = "all"


LEAD = re.compile(r"\W*(yes|no|maybe)\b(?=\s*(?:[.,:;!]|$))", re.I)
LEAD_TOKENS = 4
"""Enough to write any of them and what ends it."""

SMALL = Reading(True, 2, 0.5, "none", "sentences", 5, 64)
WORDED = replace(SMALL, own_words="supported")
LARGE = Reading(False, 3, 0.3, "all", "passages", 8, 512)
GROUNDED = Reading(False, 5, 0.0, "all", "sentences", 5, 96, briefed=False)
"""What a grounded adapter has learned to read: five sentences, hard distractors among them."""
CLOSED_BOOK = Reading(False, 1, 1.0, "all", "passages", 5, 96, briefed=False)
"""A closed-book adapter is shown nothing; its passages are what its sentences are checked against afterwards."""
QUOTE = Reading(True, 1, 1.0, "none", "sentences", 5, 0)
"""The control that no base model writes in: the most relevant sentence alone."""

WIDEST = max(reading.passages for reading in (SMALL, LARGE, GROUNDED, CLOSED_BOOK, QUOTE))

READINGS = {"quote": SMALL, "words": WORDED, "passages": LARGE}
"""What a person may choose for an assistant; "auto" goes by the base model's size."""


def stands(words: str, sureness: float | None, quotation: str, reading: Reading) -> bool:
    """Whether what an adapter wrote is shown; if not, the documents are quoted instead.

    A short answer that is wrong holds nothing, where a quotation nearly always holds the answer.
    """
    if reading.sure is not None and sureness is not None and sureness < reading.sure:
        return False
    return not reading.agrees or f" {normalise(words)} " in f" {normalise(quotation)} "


def lead(words: str, quotation: str) -> str:
    """The yes, no or maybe that an adapter's words begin with, with the gap to a quotation; "" without one."""
    match = LEAD.match(words)
    return match[1].capitalize() + (".\n\n" if quotation.startswith("|") else ". ") if match else ""


def reading_for(base_model: str, chosen: str = "auto") -> Reading:
    """The reading that was chosen, or else the one for the size in a base model's name ("SmolLM2-135M").

    Unknown sizes read as LARGE: what has no size in its name is a cloud's model more often than a small one.
    """
    if chosen in READINGS:
        return READINGS[chosen]
    match = re.search(r"(\d+(?:\.\d+)?)\s*([mb])(?![a-z])", base_model, re.I)
    if not match:
        return LARGE
    billions = float(match[1]) / (1000 if match[2].lower() == "m" else 1)
    return SMALL if billions < SMALL_BELOW else LARGE
