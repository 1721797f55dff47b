"""What an assistant asks of a retriever, and what several who ask the same question share."""

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, Protocol, TypeVar

from core.retrieval.passages import Passage

Found = TypeVar("Found")


class Searches(Protocol):
    """The part of `core.retrieval.retriever.Retriever` that is needed here."""

    def search(self, corpus_id: int, question: str, top: int = 10, also: Sequence[int] = ()) -> list[Passage]:
        """Passages of a corpus and of those searched together with it, best first."""
        ...


class Once(Generic[Found]):
    """Finds each thing once, also for those who ask at the same time; for a while only: nothing is forgotten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._found: dict[Hashable, Found] = {}

    def get(self, key: Hashable, find: Callable[[], Found]) -> Found:
        """What was found under a key; the first who asks finds it, and what it raises is raised to that one alone."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._found:
                self._found[key] = find()
            return self._found[key]


class Shared(Generic[Found]):
    """What those who ask the same share: one search for all of them, and what each number of its passages told.

    Attributes:
        widest: as many passages as the one who reads most is given; the others get the first of them, which are
            those of a search of their own: where a passage stands does not depend on how many are asked for.
        searched: passages and the seconds that finding them took.
        found: what was made of them.
    """

    def __init__(self, widest: int) -> None:
        self.widest = widest
        self.searched: Once[tuple[tuple[Passage, ...], float]] = Once()
        self.found: Once[Found] = Once()

    def first(
        self, key: tuple[Hashable, ...], top: int, search: Callable[[int], tuple[tuple[Passage, ...], float]]
    ) -> tuple[tuple[Passage, ...], float]:
        """The first `top` passages of the search that is done for all, and the seconds it took.

        Args:
            search: finds as many passages as it is told, and says how long that took.
        """
        most = max(top, self.widest)
        passages, seconds = self.searched.get((*key, most), lambda: search(most))
        return passages[:top], seconds
