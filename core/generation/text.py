"""From tokens to text while they arrive: no broken characters, and nothing of a stop string. Pure."""

from collections.abc import Callable, Sequence

_BROKEN = "�"
_TAIL = 8
_TAIL_AT_MOST = 32
"""Tokens decoded together: the tail is cut back to 8 when it reaches 32, so that a long answer stays linear."""


class TokenText:
    """Decodes token by token. A character of several tokens is held back until its last one.

    Args:
        decode: tokens -> text, with U+FFFD for bytes that are no character (yet).
    """

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        self._decode = decode
        self._tail: list[int] = []
        self._shown = ""

    def push(self, tokens: Sequence[int]) -> str:
        """The text that is certain now and was not given before; often "" or a word."""
        self._tail += tokens
        text = self._decode(self._tail)
        if text.endswith(_BROKEN):
            return ""
        new = text[len(self._shown) :]
        self._shown = text
        if len(self._tail) > _TAIL_AT_MOST:
            self._tail = self._tail[-_TAIL:]
            self._shown = self._decode(self._tail)
        return new

    def finish(self) -> str:
        """What was held back, as it is: the answer ended inside a character."""
        return self._decode(self._tail)[len(self._shown) :] if self._tail else ""


class StopStrings:
    """Cuts a stream of text before the first stop string, also one that arrives in pieces."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.found = False

    def push(self, text: str) -> str:
        """The part of `text` (and of what was held back) that can no longer belong to a stop string."""
        if self.found:
            return ""
        self._held += text
        places = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if places:
            self.found = True
            return self._take(min(places), drop_rest=True)
        return self._take(len(self._held) - self._beginning())

    def finish(self) -> str:
        """What was held back in case it became a stop string."""
        return "" if self.found else self._take(len(self._held))

    def _take(self, length: int, *, drop_rest: bool = False) -> str:
        given, self._held = self._held[:length], "" if drop_rest else self._held[length:]
        return given

    def _beginning(self) -> int:
        """Length of the longest end of the held text with which some stop string begins."""
        longest = max((len(stop) for stop in self._stops), default=1) - 1
        for length in range(min(longest, len(self._held)), 0, -1):
            if any(stop.startswith(self._held[-length:]) for stop in self._stops):
                return length
        return 0
