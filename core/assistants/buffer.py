"""The text of one answer under way: a thread writes it, any number of readers follow it."""

import threading
from collections.abc import Iterator


class LiveAnswer:
    """One answer's buffer: the thread that writes it, and whoever reads it."""

    def __init__(self, message_id: int, instead_of: int | None = None) -> None:
        """`instead_of` is an answer that was cut off, which this one goes on with."""
        self.message_id = message_id
        self.instead_of = instead_of
        self.stop = threading.Event()
        self.cut = False
        """Stopped because the server ends, not by a person."""
        self.thread: threading.Thread | None = None
        self._text = ""
        self._finished = False
        self._changed = threading.Condition()

    @property
    def text(self) -> str:
        """What has arrived so far."""
        return self._text

    def add(self, piece: str) -> None:
        """Append to the buffer and wake the readers."""
        with self._changed:
            self._text += piece
            self._changed.notify_all()

    def finish(self) -> None:
        """Tell the readers that nothing more will come."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def follow(self) -> Iterator[str]:
        """What has arrived, then each piece as it arrives; ends with the answer."""
        seen = 0
        while True:
            with self._changed:
                while len(self._text) == seen and not self._finished:
                    self._changed.wait()
                piece, seen, over = self._text[seen:], len(self._text), self._finished
            if piece:
                yield piece
            if over:
                return
