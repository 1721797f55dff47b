"""Documents that a question names: by a number in which their names differ, or by a name that is part of a longer word.

The manuals of the Brio 20 and of the Brio 40 say nearly the same, and so do two annual reports or an agreement and its
first amendment. To words and to meaning they are alike, and what tells them apart is one number that stands in the
question and in the name of the file. A document that bears the number is preferred, one of the same kind that bears
another gives way, unless the chunk itself speaks of what was asked: softly, since a report of the second quarter says
something of the first. Chosen on the training questions of the samples and of four sets.

"Allied Esports" stands in AlliedEsportsEntertainmentInc_License.pdf, where no look-up by words finds it. Pure.
"""

import re
from collections.abc import Mapping, Sequence

from core.retrieval.fusion import Ranked, gained
from storage.rows import ChunkRow

WEIGHT = 0.2
"""What it counts for, where the best word match counts 1: see `fusion`."""

NAMED = 0.5
"""What a document gains whose name begins a word with what the question names: about what words would have found."""
SHORTEST = 6
"""Letters of a name, or of several in one word, by which a document is known."""
ENDING = 2
"""Letters that may be an ending: "invoice" finds "invoices" without this."""

Variants = Mapping[str, frozenset[str]]
"""Numbers by what they count: {"brio": {"40"}}, {"year": {"2025"}, "quarter": {"3"}}."""

YEAR = re.compile(r"(?<![A-Za-z\d.])(?:FY\s?)?(?P<year>(?:19|20)\d\d)(?=Q[1-4]|H[12]|[^A-Za-z\d]|$)", re.I)
SHORT_YEAR = re.compile(r"(?<![A-Za-z])FY\s?['’]?(?P<year>\d\d)(?!\d)", re.I)
COUNTED = ("first", "second", "third", "fourth", "fifth")
NTH = "(?P<nth>" + "|".join(COUNTED) + ")"
QUARTER = re.compile(rf"(?<![A-Za-z])Q(?P<number>[1-4])(?!\d)|\b{NTH}[\s-]quarter\b", re.I)
HALF = re.compile(
    rf"(?<![A-Za-z])H(?P<number>[12])(?!\d)|\b{NTH}[\s-](?:half|six months)\b|\b(?P<one>half)[\s-]year\b", re.I
)
CODE = re.compile(r"(?<![A-Za-z\d])(?P<kind>[A-Za-z]{1,5})-?(?P<number>\d{1,4}(?:\.\d+)*)(?!\w)")
NUMBERED = re.compile(r"(?<![A-Za-z\d])(?P<kind>[A-Za-z]{3,})[\s_-]+(?P<number>\d{1,4}(?:\.\d+)*)(?!\w)")
NAMES = re.compile(r"\b[A-Z][^\W\d_]+(?: [A-Z][^\W\d_]+)*")
NTH_OF_KIND = re.compile(rf"\b{NTH}\s+(?P<kind>[a-z]{{4,}})\b", re.I)
NOT_COUNTED = (
    "the and for from with about than under over least most within after before between every last next past "
    "january february march april may june july august september october november december"
)
NO_KINDS = frozenset(NOT_COUNTED.split())
"""Words before a number that it does not count."""


def variants(text: str) -> Variants:
    """The numbers by which a text, of a question or a name, tells something from its like."""
    found: dict[str, set[str]] = {}
    for pattern in (YEAR, SHORT_YEAR):
        for match in pattern.finditer(text):
            found.setdefault("year", set()).add(match["year"] if len(match["year"]) == 4 else f"20{match['year']}")
    for kind, pattern in (("quarter", QUARTER), ("half", HALF)):
        for match in pattern.finditer(text):
            found.setdefault(kind, set()).add(match["number"] or _nth(match["nth"] or "first"))
    for half in found.get("half", ()):
        found.setdefault("quarter", set()).add(str(2 * int(half)))  # the report of a half-year is that quarter's
    for pattern in (CODE, NUMBERED):
        for match in pattern.finditer(text):
            kind, number = match["kind"].lower(), match["number"]
            if kind not in NO_KINDS and kind not in ("q", "h", "fy") and not YEAR.fullmatch(number):
                found.setdefault(kind, set()).add(number)
    for match in NTH_OF_KIND.finditer(text):
        found.setdefault(match["kind"].lower(), set()).add(_nth(match["nth"]))
    return {kind: frozenset(numbers) for kind, numbers in found.items()}


def inside(question: str) -> frozenset[str]:
    """The names of a question, and up to three of them in one word, as they may begin a longer word of a file's name.

    A word at the beginning of a sentence is no name by its capital alone.
    """
    found: set[str] = set()
    for match in NAMES.finditer(question):
        words, first = match[0].lower().split(), re.search(r"(?:^|[.!?:])\W*$", question[: match.start()]) is not None
        for i in range(len(words)):
            found |= {
                "".join(words[i:j]) for j in range(i + 2 if first and i == 0 else i + 1, min(i + 3, len(words)) + 1)
            }
    return frozenset(each for each in found if len(each) >= SHORTEST)


def preferred(
    asked: Variants,
    ranked: Sequence[Ranked],
    chunks: Mapping[int, ChunkRow],
    names: Mapping[int, str],
    called: frozenset[str] = frozenset(),
) -> list[Ranked]:
    """Ranked chunks after those of the documents that the question names gained, and those of their like lost.

    Args:
        asked: the numbers of the question.
        called: its names, see `inside`.
        ranked: best first.
        chunks: rows by id; a chunk without one keeps its score.
        names: of the documents, by their ids.
    """
    held, named = {document: variants(name) for document, name in names.items()}, bearing(names, called)
    return gained(
        ranked,
        {
            chunk_id: WEIGHT * agreement(asked, held.get(chunk.document_id, {}), chunk.said)
            + NAMED * (chunk.document_id in named)
            for chunk_id, chunk in chunks.items()
        },
    )


def bearing(names: Mapping[int, str], called: frozenset[str]) -> set[int]:
    """The documents whose names these begin; none where most are called so, which tells none from another."""
    found = {document for document, name in names.items() if begins(name, called)}
    return found if 2 * len(found) <= len(names) else set()


def begins(name: str, called: frozenset[str]) -> bool:
    """Whether a word of a file's name goes on after one of these names: a whole word is found without this."""
    words = re.findall(r"[^\W_]+", name.lower())
    return any(word.startswith(each) and len(word) > len(each) + ENDING for word in words for each in called)


def agreement(asked: Variants, held: Variants, text: str) -> float:
    """How well the numbers of a document's name are those that were asked for.

    1 for each kind that agrees and -1 for one that does not, or less where the chunk's `text` speaks of what was asked.
    """
    total = 0.0
    said: Variants | None = None
    for kind in asked.keys() & held.keys():
        # A report looks back: of several years, the last one names it.
        wanted = frozenset([max(asked[kind])]) if kind == "year" else asked[kind]
        if wanted & held[kind]:
            total += 1
        elif not asked[kind] & held[kind]:
            said = variants(text) if said is None else said
            spoken_of = asked[kind] & said.get(kind, frozenset())
            total -= (0.5 if kind == "year" else 0.0) if spoken_of else 1
    return total


def _nth(word: str) -> str:
    return str(COUNTED.index(word.lower()) + 1)
