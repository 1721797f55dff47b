"""Who has the cores first: what works in the background, in a process of its own, gives way to who asks meanwhile.

Linux shares the cores between sessions before it looks at how nice processes are (sched(7), "The autogroup feature"),
and such a process is a session of its own: so both are set. Elsewhere the niceness is all there is.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

BACKGROUND = 10
TRIES, PAUSE_S = 20, 0.1
"""The kernel takes one change in a tenth of a second from all its users together."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def give_way() -> None:
    """Let everything else go first, from now to the end of this process."""
    os.nice(BACKGROUND)
    _set_session(os.getpid(), BACKGROUND)


@contextmanager
def giving_way(process: int) -> Iterator[None]:
    """Have the session of another process give way until the block ends; does nothing where there are no autogroups."""
    _set_session(process, BACKGROUND)
    try:
        yield
    finally:
        _set_session(process, 0)


def of_session(process: int) -> int | None:
    """How nice the session of a process is; None where that is not known."""
    with suppress(OSError):
        said = Path(f"/proc/{process}/autogroup").read_text("utf-8").split()  # "/autogroup-12 nice 0"
        return int(said[-1]) if said else None  # the system's own first session shares nothing, and says nothing
    return None


def _set_session(process: int, niceness: int) -> None:
    """As nice as that, where the system lets it be said: what gives way is none the worse for not doing it."""
    try:
        if os.getsid(process) != process:  # of somebody's terminal, say: it has more in it
            return
        for _ in range(TRIES):
            with suppress(BlockingIOError):
                Path(f"/proc/{process}/autogroup").write_text(str(niceness), "utf-8")
                return
            time.sleep(PAUSE_S)
    except OSError:  # gone, no autogroups, or a /proc that is not to be written
        return
