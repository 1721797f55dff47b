"""What an assistant asks of a retriever, and a retriever that searches for each question once."""

from collections.abc import Sequence
from typing import Protocol

from core.retrieval.passages import Passage


class Searches(Protocol):
    """The part of `core.retrieval.retriever.Retriever` that is needed here."""

    def search(self, corpus_id: int, question: str, top: int = 10, also: Sequence[int] = ()) -> list[Passage]:
        """Passages of a corpus and of those searched together with it, best first."""
        ...


class Once:
    """Remembers what each search found; for a set of questions, not for good: nothing is forgotten."""

    def __init__(self, retriever: Searches) -> None:
        self._retriever = retriever
        self._found: dict[tuple[int, str, int, tuple[int, ...]], list[Passage]] = {}

    def search(self, corpus_id: int, question: str, top: int = 10, also: Sequence[int] = ()) -> list[Passage]:
        """As the retriever itself does; two who ask at the same time may both search."""
        key = (corpus_id, question, top, tuple(also))
        if key not in self._found:
            self._found[key] = self._retriever.search(corpus_id, question, top, also)
        return self._found[key]
