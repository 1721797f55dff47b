"""What is wrong with examples before anything is trained on them: each finding names its rows, and what mends it. Pure.

What counts as personal data is `core.ingestion.personal`'s. A pattern is not proof: a person looks at what is found.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from core.assistants.words import stems
from core.evaluation.metrics import normalise
from core.ingestion.personal import kinds as kinds_in
from storage.rows import ExampleRow

Mend = Literal["reject", "keep first", "none"]
OVERLONG = 3_000
"""Characters of an answer that are more than a short lesson."""

LEAK = 0.9
"""A question that shares this part of its words with a gold question counts as that question."""

REMEMBERED = 64
_ASKING: dict[int, frozenset[int]] = {}


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


class Known:
    """Questions that others are held against, hundreds against hundreds: with an index."""

    def __init__(self, questions: Iterable[str]) -> None:
        self._exact: set[str] = set()
        self._having: dict[str, list[set[str]]] = defaultdict(list)  # by stem
        for question in questions:
            self._exact.add(normalise(question))
            own = stems(question)
            for stem in own:
                self._having[stem].append(own)

    def asks(self, question: str) -> bool:
        """Whether one of them is the same question but for case and punctuation, or `near` it."""
        if normalise(question) in self._exact:
            return True
        own = stems(question)
        may_miss = len(own) - int(LEAK * len(own))  # so one of any more than these is in whatever is near
        rarest = sorted(own, key=lambda stem: len(self._having.get(stem, ())))[: may_miss + 1]
        return any(near(own, self._having[stem]) for stem in rarest if stem in self._having)


def asking(questions: Sequence[str], gold: Iterable[str]) -> frozenset[int]:
    """Which questions, by their place, ask what a gold question asks.

    A page wants to know at each drawing: the last results are remembered, by hash and place, so that no word of what is
    deleted stays in memory.
    """
    known = tuple(gold)
    key = hash((tuple(questions), known))
    found = _ASKING.get(key)
    if found is None:
        index = Known(known)
        found = frozenset(place for place, question in enumerate(questions) if index.asks(question))
        if len(_ASKING) >= REMEMBERED:
            _ASKING.clear()
        _ASKING[key] = found
    return found


def findings(examples: Sequence[ExampleRow], gold: Iterable[str]) -> list[Finding]:
    """All that is wrong with accepted examples, the worst first.

    Args:
        gold: the corpus's gold questions, which must not be trained on.
    """
    checks: tuple[Callable[[], Finding | None], ...] = (
        lambda: _leaks(examples, gold),
        lambda: _conflicts(examples),
        lambda: _personal(examples),
        lambda: _repeats(examples),
        lambda: _overlong(examples),
        lambda: _empty(examples),
    )
    return [found for check in checks if (found := check()) is not None]


def _leaks(examples: Sequence[ExampleRow], gold: Iterable[str]) -> Finding | None:
    places = asking([example.question for example in examples], gold)
    ids = tuple(example.id for place, example in enumerate(examples) if place in places)
    words = "ask what a gold question asks. A training leaves them out: they would make the evaluation worthless."
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
        if found := kinds_in(f"{example.question}\n{example.answer}"):
            ids.append(example.id)
            kinds |= found
    words = f"seem to hold personal data ({', '.join(sorted(kinds))}). What is trained in cannot be taken out again."
    return Finding("personal data", f"{_these(ids)} {words}", tuple(ids), tuple(ids)) if ids else None


def _these(ids: Sequence[int]) -> str:
    return "1 example" if len(ids) == 1 else f"{len(ids):,} examples"
