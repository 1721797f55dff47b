"""Kill the server again and again: `python -m tests.torture [--kills 1000] [--seed N] [--minutes M] [--out FILE]`.

Ends with exit code 1 at the first thing that was lost, and keeps the workspace then.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from tests.core.ingestion.small_model import small_model
from tests.torture.killing import Told, Torture
from tests.torture.tiny import tiny_gguf


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so long, with the kills done by then")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--out", type=Path, help="where the result goes, as Markdown")
    given = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    folder = Path(tempfile.mkdtemp(prefix="triptych-torture-"))
    torture = Torture(folder, given.seed, tiny_gguf(folder / "tiny.gguf"), small_model(folder / "small"))
    began = time.monotonic()
    torture.run(given.kills, until=began + 60 * given.minutes)
    torture.finish()
    found = table(torture.told, len(torture.ledger.given_up), given.seed, time.monotonic() - began)
    print(found)
    if given.out:
        given.out.write_text(found, "utf-8")
    if torture.told.wrong:
        print(f"kept: {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def table(told: Told, given_up: int, seed: int, seconds: float) -> str:
    """The result, as Markdown."""
    ready = sorted(told.ready_s)
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}: {told.kills.total()} kills (-9) in {seconds / 60:.0f} minutes, seed {seed}.",
        "",
        "| | |",
        "|---|---|",
        f"| killed | {', '.join(f'{what} {count}' for what, count in told.kills.most_common())} |",
        f"| acknowledged | {', '.join(f'{what} {count}' for what, count in told.acts.most_common())} |",
        f"| under way at a kill | {told.in_doubt} |",
        f"| times everything was compared, down to text, words, vectors and files | {told.whole} |",
        f"| jobs given up after five kills before their first step (a person retries) | {given_up} |",
        f"| lost, twice, or half | {len(told.wrong)} |",
        f"| ready again | median {median(ready):.1f} s, 95 % {ready[int(0.95 * (len(ready) - 1))]:.1f} s, "
        f"longest {ready[-1]:.1f} s |",
    ]
    return "\n".join([*lines, *(f"\n- {each}" for each in told.wrong), ""])


if __name__ == "__main__":
    sys.exit(main())
