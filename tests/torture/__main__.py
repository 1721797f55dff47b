"""Kill the server again and again: `python -m tests.torture [--kills 1000] [--seed N] [--minutes M] [--log FILE]`.

Each run adds its line to the log, from which the page beside it is written anew (`runs`). Ends with exit code 1 at the
first thing that was lost, and keeps the workspace then.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.core.ingestion.small_model import small_model
from tests.torture import runs
from tests.torture.killing import Told, Torture
from tests.torture.tiny import tiny_gguf


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so long, with the kills done by then")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--log", type=Path, default=runs.LOG, help="where the result goes; the page stands beside it")
    parser.add_argument("--note", default="", help="a sentence about this run, for the page")
    given = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was done by then is written down
    folder = Path(tempfile.mkdtemp(prefix="triptych-torture-"))
    torture = Torture(folder, given.seed, tiny_gguf(folder / "tiny.gguf"), small_model(folder / "small"))
    began, until = datetime.now(UTC), time.monotonic() + 60 * given.minutes

    def keep(told: Told) -> None:
        runs.keep(runs.Run.of(began, given.seed, given.note, told, len(torture.ledger.given_up)), given.log)

    try:
        torture.run(given.kills, until=until, told=keep)
    finally:
        torture.finish()
        keep(torture.told)
    print(given.log.with_suffix(".md").read_text("utf-8"))
    if torture.told.wrong:
        print(f"kept: {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
