"""Tables with a row that is called what was asked for: "How much inventory does Boeing have?", | Inventories | 78,151.

A balance sheet speaks of forty things, so by words and by meaning it is about each of them a little; a sentence that
mentions an inventory in passing is found before it. But what a row is about is said by its label alone. A chunk with
a row whose label says what the question asks for, and little else, gains by how well the two agree. What only says of
whom and of when (the names in the document's own name, years, quarters) is asked of the table, not of the row. Who
asks for the revenue of a company wants that of all of it, and not the same row of one of its segments. Pure.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.retrieval.terms import Same, pattern
from storage.rows import ChunkRow
from storage.words import APOSTROPHE, STOP, WORD

Stems = Callable[[Collection[str]], Mapping[str, str]]
"""The stem of each word."""
Rarity = Callable[[Sequence[str]], Mapping[str, float]]
"""How rare each word is in the corpus, more than 0."""

WEIGHT = 0.5
"""What a row counts for that is called just what was asked, where the best word match counts 1: see `fusion`."""
LEAST = 0.5
"""Agreement from which a row is what was asked for."""
MORE, LESS = 1.3, 0.7
"""How much more a row counts that is about the whole, and how much less one about a part that was not asked for."""
WHOLE = re.compile(r"\b(?:consolidated|totals?)\b", re.I)
"""What a label, or the heading above it, says where a row is about all of what the document is about."""
PART = re.compile(r"\b(?:segments?|divisions?)\b", re.I)
"""What the heading says where it is about a part."""
SHORTEST = 3
"""Letters of a word that is looked for in a document's name, where words may stand without spaces."""
BEGUN = 3
"""Letters that a word and its inflections have in common at the least."""
SAID_ELSEWHERE = (
    "much many amount total number value year years annual quarter quarterly month months three six nine twelve first "
    "second third fourth half full fiscal end ended period during january february march april may june july august "
    "september october november december note spend spent report reported record recorded company compare compared "
    "owe owes carry carries make makes made worth "
    "million millions billion"
)
ASIDE = STOP | frozenset(SAID_ELSEWHERE.split())
"""Words that tell no row from another: how the question is put, and what a table says in its head."""
LETTERS = re.compile(r"[^\W\d_]{2}")
FIGURE = re.compile(r"\d")
NAME = re.compile(r"(?<=[^\W_][ \u2019'(\"])[^\W\d_a-z][^\W_]+")
"""A word with a capital that does not begin the question."""
LONGEST = 20
"""Words of a question that asks for a row: one in more words tells a story, and no label says half of it."""
NOTE = re.compile(r"\([^()]*\)")
FOOTNOTE = re.compile(r"(?<=[^\W\d_])\s*\(\w{1,2}\)")
"""What refers to a note below the table, and is no figure: "Impairment (1)"."""
NET_OF = re.compile(r",? net of .*$|, net$", re.I)
"""What a label adds to what it is called: "Revenues net of interest expense"."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table that says figures: its label, without what that puts in brackets, and the heading above.

    `words` are those of the label that tell it from others.
    """

    label: str
    heading: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a question asks of the rows of one document's tables.

    Attributes:
        stems: of its words.
        same: stems of some of them, and how a label says the same (`said`).
        stem: of a word.
    """

    stems: Collection[str]
    same: Sequence[tuple[frozenset[str], re.Pattern[str]]]
    stem: Callable[[str], str]

    def said(self, row: Row) -> tuple[set[str], float]:
        """Which of the stems a row's label says, and the share of the label that says them, 0..1."""
        held, said = {self.stem(word) for word in row.words}, set[str]()
        for asked, other in self.same:
            if match := other.search(row.label):
                said, held = said | asked, held - self._of(match["said"])
        found = (held | said).intersection(self.stems)
        return found, len(found) / (len(found) + len(held.difference(self.stems))) if found else 0.0

    def agreement(self, row: Row, rarity: Mapping[str, float]) -> float:
        """How well a row is what was asked: the share of that which its label says, times that of the label asked for.

        0..1, more for a row about the whole, less for one about a part that the question does not name.

        Args:
            rarity: of each of the stems in the corpus.
        """
        (found, of_label), every = self.said(row), sum(rarity[each] for each in self.stems)
        share = of_label * sum(rarity[each] for each in found) / every if found and every else 0.0
        if WHOLE.search(f"{row.label} {row.heading}"):
            return MORE * share
        part = PART.search(row.heading) and self._of(row.heading).isdisjoint(self.stems)
        return LESS * share if part else share

    def _of(self, text: str) -> set[str]:
        return {self.stem(word) for word in content(text)}


def gains(
    question: str,
    chunks: Sequence[ChunkRow],
    names: Mapping[int, tuple[str, str]],
    found: Sequence[Same],
    stems: Stems,
    rarity: Rarity,
) -> dict[int, float]:
    """What chunks gain because of a row of theirs, by their ids; those that gain nothing are left out.

    Args:
        names: of the documents, and their titles, by their ids.
        found: what means the same in the corpus as words of the question.
    """
    asked = content(question)
    if not 0 < len(asked) <= LONGEST:
        return {}
    own = apart(question, asked, names)  # a document that was just deleted has no name
    chunks = [chunk for chunk in chunks if own.get(chunk.document_id)]
    rows = {chunk.id: list(labelled(chunk.said, chunk.heading)) for chunk in chunks}
    same = [(content(each.asked), [pattern(other) for other in each.others]) for each in found]
    begun = {word[:BEGUN] for word in asked}  # a word and its inflections begin alike
    others = [other for _, each in same for other in each]
    near = {
        key: [row for row in each if not begun.isdisjoint(word[:BEGUN] for word in row.words) or _one_of(others, row)]
        for key, each in rows.items()
    }
    labels = [row for each in near.values() for row in each]
    if not labels:
        return {}
    texts = {word for heading in {row.heading for row in labels} for word in content(heading)}
    words = {
        *asked,
        *texts,
        *(word for row in labels for word in row.words),
        *(word for said, _ in same for word in said),
    }
    known = stems(words)

    def stem(word: str) -> str:
        return known.get(word, word)  # the full text does not know every letter

    alike = [(frozenset(map(stem, said)), other) for said, each in same for other in each]
    of = {each: Wanted({stem(word) for word in own[each]}, alike, stem) for each in {c.document_id for c in chunks}}
    likely = {
        each.id: [row for row in near[each.id] if MORE * of[each.document_id].said(row)[1] >= LEAST] for each in chunks
    }
    chunks = [each for each in chunks if likely[each.id]]  # where there are none, no word has to be counted
    counted = (
        rarity([word for word in asked if any(word in own[each.document_id] for each in chunks)]) if chunks else {}
    )
    rare = {stem(word): found for word, found in counted.items()}
    best = {each.id: max(of[each.document_id].agreement(row, rare) for row in likely[each.id]) for each in chunks}
    return {chunk_id: WEIGHT * agreement for chunk_id, agreement in best.items() if agreement >= LEAST}


def apart(question: str, asked: Sequence[str], names: Mapping[int, tuple[str, str]]) -> dict[int, list[str]]:
    """By document, the words that tell its rows from another, which those of its own name do not.

    None where the question calls another document by its name: the rows of this one are not asked for.
    """
    letters = {document: re.sub(r"[\W_]", "", "".join(each).lower()) for document, each in names.items()}
    called = {match[0].lower() for match in NAME.finditer(APOSTROPHE.sub("", question))} - ASIDE
    beginning = re.compile(rf"(?<![a-z])(?:{'|'.join(map(re.escape, called))})", re.I) if called else None
    meant = {document for document, (name, _) in names.items() if beginning and beginning.search(name)}

    def own(document: int) -> list[str]:
        if meant and document not in meant:
            return []
        return [word for word in asked if len(word) < SHORTEST or word not in letters[document]]

    return {document: own(document) for document in names}


def labelled(text: str, heading: str = "") -> Iterator[Row]:
    """The rows of a text that say figures; `heading` is the path of those above it. Each label comes once.

    A row that is called "Total" alone is called what its table is. One that says what it is net of comes without that
    as well.
    """
    above, found = heading.rsplit(" > ", 1)[-1], set[str]()
    for line in text.splitlines():
        if line.startswith("|") and FIGURE.search(line):
            cells = line.strip().strip("|").split("|")
            at = next((i for i, cell in enumerate(cells) if LETTERS.search(cell)), None)
            others = [] if at is None else cells[:at] + cells[at + 1 :]
            if at is not None and any(FIGURE.search(FOOTNOTE.sub("", cell)) for cell in others):
                label = NOTE.sub(" ", cells[at]).strip()
                for each in dict.fromkeys((label, NET_OF.sub("", label))):
                    if each and each not in found:
                        found.add(each)
                        words = content(each)
                        called = each if words else f"{each} {above}"
                        yield Row(called, above, tuple(words or content(called)))


def _one_of(patterns: Sequence[re.Pattern[str]], row: Row) -> bool:
    return any(each.search(row.label) for each in patterns)


def content(text: str) -> list[str]:
    """The words of a question or a label that tell rows apart, lower case, each once."""
    words = WORD.findall(APOSTROPHE.sub("", text).lower())
    return [word for word in dict.fromkeys(words) if word not in ASIDE and not word.isdigit()]
