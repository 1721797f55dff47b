"""Many may use a thing at the same time, or one has it alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from storage.errors import Stuck


class Turns:
    """Who asks to be alone waits for those who are there, and whoever comes meanwhile waits for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._there = 0
        self._wanted = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Beside others who share. Not inside `shared` or `alone` of the same thread, which would wait for itself."""
        with self._changed:
            self._changed.wait_for(lambda: not self._wanted)
            self._there += 1
        try:
            yield
        finally:
            with self._changed:
                self._there -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self, seconds: float) -> Iterator[None]:
        """With nobody beside; one at a time, which is the caller's to see to.

        Raises:
            Stuck: somebody was there for `seconds`.
        """
        with self._changed:
            self._wanted = True
            try:
                if not self._changed.wait_for(lambda: not self._there, seconds):
                    raise Stuck(f"in use for {seconds:.0f} s")
                yield
            finally:
                self._wanted = False
                self._changed.notify_all()
