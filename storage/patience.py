"""A time limit for calls into a library that may wait for ever inside threads of its own."""

import threading
from collections.abc import Callable
from typing import TypeVar

from storage.errors import Stuck

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` gives or raises; it runs in a thread of its own, which is left behind when the time is over.

    Raises:
        Stuck: it was not done in `seconds`.
    """
    given: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            given.append(work())
        except BaseException as error:  # noqa: BLE001  raised again by who waits
            raised.append(error)

    thread = threading.Thread(target=run, name="patience", daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    if not given:
        raise Stuck(f"no answer in {seconds:.0f} s")
    return given[0]
