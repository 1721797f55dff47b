"""How near each word of a question comes to a text: its tokens against the nearest token there (late interaction).

Khattab and Zaharia, "ColBERT" (SIGIR 2020), with the packaged embedding model as it is, not trained for this. Synonyms
and inflections meet that share no stem. Pure: token states are passed in.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.assistants.words import Word

Floats = NDArray[np.float32]
FLOOR = 0.3
"""Any two tokens of English are about this near: it counts as nothing."""


class States(Protocol):
    """A text token by token: see `core.ingestion.embedding.Tokens`."""

    @property
    def vector(self) -> Floats:
        """Of the whole text, float32 [d], unit length."""
        ...

    @property
    def states(self) -> NDArray[np.float16]:
        """Of each token, float16 [n, d], unit length."""
        ...

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Where each token stands in the text."""
        ...


def nearness(words: Sequence[Word], question: States, texts: Sequence[States]) -> Floats:
    """How near each word comes to each text, float32 [len(texts), len(words)], 0..1.

    A word is the mean of its tokens; one beyond the tokens that were computed comes near to nothing.
    """
    found = np.zeros((len(texts), len(words)), np.float32)
    there = [at for at, text in enumerate(texts) if len(text.states)]
    if not there or not words or not len(question.states):
        return found
    starts = np.cumsum([0, *(len(texts[at].states) for at in there[:-1])])
    every = np.concatenate([texts[at].states for at in there]).astype(np.float32)
    nearest = np.maximum.reduceat(question.states.astype(np.float32) @ every.T, starts, axis=1)
    found[there] = np.clip((_shares(words, question.spans) @ nearest - FLOOR) / (1 - FLOOR), 0, 1).T
    return found


def _shares(words: Sequence[Word], spans: Sequence[tuple[int, int]]) -> Floats:
    """What share of a word each token is, float32 [len(words), len(spans)]."""
    own = np.array([[a < w.start + len(w.text) and b > w.start for a, b in spans] for w in words], np.float32)
    shares: Floats = own / np.maximum(own.sum(1, keepdims=True), 1)
    return shares
