"""Which place of which page supports each sentence of an answer: found after the fact, by comparing words.

A sentence that stands word for word on a page is supported there. Any other one is compared with every
sentence (and pair of neighbours) of the passages: its numbers, names and rare words must be there, and
the meaning must be close. Knows nothing of how the answer was written; the embedder is passed in.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from core.assistants.answer import Citation
from core.assistants.quoting import Embeds
from core.assistants.sentences import Sentence, split
from core.assistants.words import Word, content_words
from core.retrieval.passages import Passage

SUPPORTED = 0.6
"""Support from which a place is named. Set by hand; benchmarks/citations.py measures it."""

CONTRADICTED = 0.3
"""The most support a sentence can have whose number, name or "not" the place does not hold."""

COMPARED = 6
"""Places whose meaning is compared with a sentence's: those that hold most of its words."""

PAIR_COSTS = 0.05

NEGATION = re.compile(r"\b(?:not|no|never|none|neither|nor|without|cannot|except)\b|n['’]t\b", re.I)
WEIGHT = {"number": 2.0, "name": 1.5, "word": 1.0}


@dataclass(frozen=True, slots=True)
class Quoted:
    """A stretch of the answer that was copied from a page: `start`, `end` in the answer, `page_*` on the page."""

    start: int
    end: int
    passage: Passage
    page_start: int
    page_end: int


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a passage that may support a sentence; `words` are its own and those of its heading and header."""

    passage: Passage
    start: int
    end: int
    words: frozenset[str]
    negative: bool
    pair: bool  # two sentences: taken only where one alone is clearly worse

    @property
    def text(self) -> str:
        """Its own words."""
        return self.passage.text[self.start : self.end]


def cite(text: str, passages: Sequence[Passage], embedder: Embeds, quoted: Sequence[Quoted] = ()) -> list[Citation]:
    """One citation per sentence of `text`, in order; those without support name no passage.

    Args:
        text: the answer.
        passages: what the answer may stand on.
        embedder: compares meanings; not called when every sentence is quoted.
        quoted: stretches already known to be copied; they are cited as they are, with support 1.
    """
    known = [_from_quote(text, piece) for piece in quoted]
    rest = [s for s in _sentences(text) if not any(q.start <= s.start < q.end for q in quoted)]
    copied = {s.start: found for s in rest if (found := _verbatim(s, passages)) is not None}
    compared = _compare([s for s in rest if s.start not in copied], passages, embedder)
    return sorted([*known, *copied.values(), *compared], key=lambda citation: citation.sentence_start)


def _sentences(text: str) -> list[Sentence]:
    """Sentences that say something: not table headers and rulers, not bare markers."""
    return [s for s in split(text) if re.search(r"\w", s.text) and not (s.row and not s.header)]


def _from_quote(text: str, piece: Quoted) -> Citation:
    sentence = Sentence(piece.start, piece.end, text[piece.start : piece.end])
    return _citation(sentence, piece.passage, piece.page_start, piece.page_end, 1.0)


def _verbatim(sentence: Sentence, passages: Sequence[Passage]) -> Citation | None:
    """The sentence word for word in a passage, apart from white space, markers, quotes and the final stop."""
    run = re.sub(r"^[\s\"'“‘>*•-]+|[\s\"'”’.*]+$", "", sentence.text).split()
    if len(run) < 3:
        return None
    pattern = re.compile(r"(?<!\w)" + r"\s+".join(map(re.escape, run)) + r"(?!\w)\.?", re.I)
    for passage in passages:
        if match := pattern.search(passage.text):
            return _citation(sentence, passage, passage.start + match.start(), passage.start + match.end(), 1.0)
    return None


def _compare(sentences: list[Sentence], passages: Sequence[Passage], embedder: Embeds) -> list[Citation]:
    """The best place for each sentence that is not a copy."""
    places = [place for passage in passages for place in _places(passage)] if sentences else []
    return [_best(sentence, places, embedder) for sentence in sentences]


def _best(sentence: Sentence, places: list[Place], embedder: Embeds) -> Citation:
    """Meaning only lowers a support, so it is computed just for the places whose words would do."""
    said, negative = content_words(sentence.text), bool(NEGATION.search(sentence.text))
    by_words = [(support(said, negative, place, 1.0) - PAIR_COSTS * place.pair, i) for i, place in enumerate(places)]
    promising = [
        i for score, i in sorted(by_words, key=lambda pair: (-pair[0], pair[1]))[:COMPARED] if score >= SUPPORTED
    ]
    if not promising:
        return _unsupported(sentence, max((score for score, _ in by_words), default=0.0))
    vectors = embedder.embed([sentence.text, *(places[i].text for i in promising)])
    cosines = vectors[1:] @ vectors[0]
    scores = [support(said, negative, places[i], float(c)) for i, c in zip(promising, cosines, strict=True)]
    best = max(range(len(promising)), key=lambda k: scores[k] - PAIR_COSTS * places[promising[k]].pair)
    place = places[promising[best]]
    if scores[best] < SUPPORTED:
        return _unsupported(sentence, scores[best])
    return _citation(
        sentence, place.passage, place.passage.start + place.start, place.passage.start + place.end, scores[best]
    )


def support(said: Sequence[Word], negative: bool, place: Place, cosine: float) -> float:
    """How well a place supports a sentence, 0..1: the share of its words that are there, and closeness in meaning.

    A number, name or negation that the place lacks leaves at most CONTRADICTED: such a sentence may be
    near in meaning and still be wrong.
    """
    if not said:
        return 0.0
    total = sum(WEIGHT[word.kind] for word in said)
    share = sum(WEIGHT[word.kind] for word in said if word.stem in place.words) / total
    score = share * (0.6 + 0.4 * min(1.0, max(0.0, cosine) / 0.8))
    missing = any(word.kind != "word" and word.stem not in place.words for word in said)
    return min(score, CONTRADICTED) if missing or negative != place.negative else score


def _places(passage: Passage) -> list[Place]:
    """Every sentence of a passage, and every two neighbours of the same paragraph."""
    units = split(passage.text, passage.header)
    spans = [(s.start, s.end, s.header, False) for s in units if not (s.row and not s.header)]
    pairs = [(a.start, b.end, "", True) for a, b in pairwise(units) if not (a.row or b.row) and _agree(a, b)]
    above = content_words(f"{passage.title}\n{passage.heading}")
    return [_place(passage, *span, above) for span in [*spans, *pairs]]


def _agree(a: Sentence, b: Sentence) -> bool:
    """Whether both deny or neither does: else it cannot be told which of the two a "not" belongs to."""
    return bool(NEGATION.search(a.text)) == bool(NEGATION.search(b.text))


def _place(passage: Passage, start: int, end: int, header: str, pair: bool, above: list[Word]) -> Place:
    text = passage.text[start:end]
    held = frozenset(word.stem for word in [*content_words(f"{header}\n{text}"), *above])
    return Place(passage, start, end, held, bool(NEGATION.search(text)), pair)


def _citation(sentence: Sentence, passage: Passage, start: int, end: int, score: float) -> Citation:
    text = passage.text[start - passage.start : end - passage.start]
    if passage.edited:  # these words stand on no page: what they stand for does
        start, end = passage.start, passage.end
    return replace(
        _unsupported(sentence, score),
        passage=passage.rank,
        document_id=passage.document_id,
        document=passage.document,
        page=passage.page,
        page_label=passage.page_label,
        quote=text,
        quote_start=start,
        quote_end=end,
        edited=passage.edited,
    )


def _unsupported(sentence: Sentence, score: float) -> Citation:
    """A sentence for which no place was found."""
    return Citation(
        sentence_start=sentence.start,
        sentence_end=sentence.end,
        sentence=sentence.text,
        passage=None,
        document_id=None,
        document="",
        page=None,
        page_label="",
        quote="",
        quote_start=None,
        quote_end=None,
        support=round(score, 3),
    )
