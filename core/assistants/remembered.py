"""Sentence vectors that were computed before are not computed again: an embedder with a memory.

The same passages answer many questions of one corpus. Keyed by a digest, so no words of a deleted document
stay in memory here; the oldest are forgotten first.
"""

import hashlib
import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from core.assistants.interaction import States
from core.assistants.quoting import Embeds, Floats

KEPT = 20_000
"""Vectors kept: 30 MB at 384 dimensions."""
KEPT_TOKENS = 4_000
"""Texts whose tokens are kept: about 100 MB at 384 dimensions and 30 tokens a sentence."""

_memories: "weakref.WeakKeyDictionary[Embeds, Remembering]" = weakref.WeakKeyDictionary()
_making = threading.Lock()


def remembering(embedder: Embeds) -> "Remembering":
    """The one memory of an embedder, for as long as that lives."""
    with _making:
        if embedder not in _memories:
            _memories[embedder] = Remembering(weakref.proxy(embedder))
        return _memories[embedder]


class Remembering:
    """Gives the same vectors as the embedder; safe to share between threads."""

    def __init__(self, embedder: Embeds, kept: int = KEPT) -> None:
        self._embedder = embedder
        self._kept = kept
        self._vectors: OrderedDict[bytes, Floats] = OrderedDict()
        self._tokens: OrderedDict[bytes, States] = OrderedDict()
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Floats:
        """Unit vectors, float32 [n, d], in order; only unknown texts are computed."""
        keys = [_key(text) for text in texts]
        with self._lock:
            known = {key: self._vectors[key] for key in keys if key in self._vectors}
        unknown = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if unknown:
            known |= zip(unknown, self._embedder.embed(list(unknown.values())), strict=True)
            self._remember({key: known[key] for key in keys})
        return np.stack([known[key] for key in keys])

    def embed_tokens(self, texts: Sequence[str]) -> list[States]:
        """The texts token by token, in order; only unknown ones are computed."""
        keys = [_key(text) for text in texts]
        with self._lock:
            known = {key: self._tokens[key] for key in keys if key in self._tokens}
        unknown = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if unknown:
            made = dict(zip(unknown, self._embedder.embed_tokens(list(unknown.values())), strict=True))
            known |= made
            with self._lock:
                self._tokens.update(made)
                while len(self._tokens) > KEPT_TOKENS:
                    self._tokens.popitem(last=False)
            self._remember({key: each.vector for key, each in made.items()})
        return [known[key] for key in keys]

    def _remember(self, vectors: dict[bytes, Floats]) -> None:
        with self._lock:
            self._vectors.update(vectors)
            while len(self._vectors) > self._kept:
                self._vectors.popitem(last=False)


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
