"""Brings old databases up to date and is killed while it does: `... SEED URL URL URL ...`, all like the first.

Each is opened by a child forked for it. The first two are let be, to tell how long it takes; the others get SIGKILL at
moments spread over that time, and are opened anew at once by a child that is let be: on a server the connection of the
killed one may still be there. Prints a JSON line for each of these: the URL, and whether the kill came before the end.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Sequence

from storage.database import Database


def main(seed: int, urls: Sequence[str]) -> None:
    """Kill so many as there are databases but two."""
    chance = random.Random(seed)
    first, again, *others = urls
    upgraded(first, 3600)  # imports what is imported at the first time
    began = time.monotonic()
    upgraded(again, 3600)
    takes = time.monotonic() - began
    for number, url in enumerate(others):
        cut = upgraded(url, (number + chance.random()) / len(others) * takes)
        upgraded(url, 3600)
        print(json.dumps({"url": url, "cut": cut}), flush=True)


def upgraded(url: str, seconds: float) -> bool:
    """Open a database in a child that is killed after so long; whether it was still at work then.

    Raises:
        RuntimeError: it could not be opened.
    """
    child = os.fork()
    if not child:
        Database.open(url).close()
        os._exit(0)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if status:
            raise RuntimeError(f"{url} could not be opened")
        if ended:
            return False
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    import alembic.command  # noqa: F401  a child does not import it anew

    main(int(sys.argv[1]), sys.argv[2:])
