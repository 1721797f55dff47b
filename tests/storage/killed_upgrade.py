"""Brings copies of an old database up to date and is killed while it does: `... TEMPLATE FOLDER KILLS SEED`.

Each copy is opened by a child forked for it, which gets SIGKILL at a random moment of the time that one takes which
is let be. Prints a JSON line each: the file, and whether the kill came before the end.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from storage.database import Database


def main(template: Path, folder: Path, kills: int, seed: int) -> None:
    """Kill so many."""
    chance = random.Random(seed)
    upgraded(template, folder / "whole" / "triptych.db", 3600)  # imports what is imported at the first time
    began = time.monotonic()
    upgraded(template, folder / "again" / "triptych.db", 3600)
    takes = time.monotonic() - began
    for number in range(kills):
        file = folder / str(number) / "triptych.db"
        cut = upgraded(template, file, chance.uniform(0, takes))
        print(json.dumps({"file": str(file), "cut": cut}), flush=True)


def upgraded(template: Path, file: Path, seconds: float) -> bool:
    """Open a copy in a child that is killed after so long; whether it was still at work then."""
    file.parent.mkdir(parents=True)
    shutil.copyfile(template, file)
    child = os.fork()
    if not child:
        Database.open(f"sqlite:///{file}").close()
        os._exit(0)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    import alembic.command  # noqa: F401  a child does not import it anew

    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
