"""What the events of a streamed answer add up to: its text, without what a thinking model says to itself first.

Such models send their thinking apart (`reasoning_content`, or `reasoning`), or as a block before the answer. A block
that is never closed is all thinking: nothing of it is an answer. Where the server's template opens the block itself, so
that the stream only holds its end, this cannot be known before it comes; that server has a setting for it (vLLM:
`--reasoning-parser`). Knows events; time and HTTP are others'.
"""

from typing import Any

BLOCKS = (("<think>", "</think>"), ("<thinking>", "</thinking>"), ("[THINK]", "[/THINK]"))

ONLY_THOUGHT = (
    "The base model used up its tokens by thinking, and wrote no answer.",
    "Enter a longer context length if it has one, turn its thinking off at the endpoint, or choose another model.",
)
"""Message and remedy for an answer that was nothing but thinking."""


class Said:
    """Attributes:
    usage: as the endpoint counts; empty when it does not.
    finish: why it ended; "" while it has not said.
    pieces: how many pieces of text there were.
    thought: whether it was thinking.
    """

    def __init__(self) -> None:
        self.usage: dict[str, Any] = {}
        self.finish = ""
        self.pieces = 0
        self._block = Block()
        self._apart = False

    @property
    def thought(self) -> bool:
        """Whether it has thought, apart or in a block."""
        return self._apart or self._block.found

    def push(self, event: dict[str, Any]) -> str:
        """The text that an event adds to the answer."""
        self.usage = event.get("usage") or self.usage
        text = ""
        for choice in event.get("choices") or []:
            self.finish = choice.get("finish_reason") or self.finish
            delta = choice.get("delta") or {}
            self._apart = self._apart or bool(delta.get("reasoning_content") or delta.get("reasoning"))
            text += self._block.push(delta.get("content") or "")
        self.pieces += bool(text)
        return text

    def end(self) -> str:
        """What was held back and is text after all."""
        text = self._block.end()
        self.pieces += bool(text)
        return text


class Block:
    """Takes a block of thinking off an answer's beginning, wherever the stream cuts its marks.

    Attributes: found, whether there is one.
    """

    def __init__(self) -> None:
        self.found = False
        self._held = ""
        self._until = ""  # the mark that ends the block, while it is open
        self._past = False

    def push(self, piece: str) -> str:
        """The text in it that is the answer's."""
        if self._past:
            return piece
        self._held += piece
        if not self.found:
            return self._begun()
        if self._until:
            return self._thinking()
        self._held = self._held.lstrip()
        return self._let_go() if self._held else ""

    def end(self) -> str:
        """What was held because it could have been a mark's beginning."""
        return "" if self.found else self._let_go()

    def _begun(self) -> str:
        start = self._held.lstrip()
        for opens, closes in BLOCKS:
            if start.startswith(opens):
                self.found, self._held, self._until = True, start[len(opens) :], closes
                return self._thinking()
        return "" if any(opens.startswith(start) for opens, _ in BLOCKS) else self._let_go()

    def _thinking(self) -> str:
        _, mark, rest = self._held.partition(self._until)
        if not mark:
            self._held = self._held[1 - len(self._until) :]  # enough to know the mark when its end comes
            return ""
        self._held, self._until = "", ""
        return self.push(rest)

    def _let_go(self) -> str:
        text, self._held, self._past = self._held, "", True
        return text
