"""Is the time that a training is said to take the time it takes? The pre-flight's estimate, then the training itself.

    python -m benchmarks.preflight --workspace W [--samples legal support] [--preset balanced]

The sample and its training pairs are taken as *Teach it* takes them; the true time is the job's: preparing, learning,
merging and the gate.
"""

import argparse
import time
from pathlib import Path

from benchmarks.report import table, write
from core.finetuning import estimate, tuning, uploads
from core.finetuning.recipe import KINDS, preset
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace

SMALL_MODEL = 135_000_000


def measured(ws: Workspace, domain: str, preset_name: str) -> list[list[object]]:
    """A row for each kind of adapter of a sample."""
    corpus = loaded(ws, domain)
    rows: list[list[object]] = []
    for kind in KINDS:
        recipe = preset(preset_name, kind, SMALL_MODEL)
        said = estimate.estimate(ws, corpus, kind, recipe).seconds
        tuning.start(ws, corpus, (kind,), preset_name)
        began = time.monotonic()
        done = ws.dispatcher.run_one()
        took = time.monotonic() - began
        assert done is not None
        assert done.status == "done", done.error
        rows.append([domain, kind, f"{said / 60:.1f}", f"{took / 60:.1f}", f"{100 * (said - took) / took:+.0f} %"])
    return rows


def loaded(ws: Workspace, domain: str) -> int:
    """The sample's corpus, indexed, with its training pairs accepted; no training is begun."""
    corpus = intake.load_sample(ws, domain)
    while ws.dispatcher.run_one():
        pass
    found = uploads.read_file(ws.domains.get(domain).train_file)
    ws.examples.add(corpus, uploads.as_origin(found.drafts, "sample"))
    return corpus


def main() -> None:
    """Measure and write `results/preflight.md`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-w", "--workspace", type=Path, required=True)
    parser.add_argument("--samples", nargs="+", default=["legal", "support"])
    parser.add_argument("--preset", default="balanced")
    chosen = parser.parse_args()
    rows: list[list[object]] = []
    with Workspace.open(Settings.load(chosen.workspace)) as ws:
        for domain in chosen.samples:
            rows += measured(ws, domain, chosen.preset)
    head = ("sample", "adapter", "said, minutes", "took, minutes", "said too much or too little")
    write("preflight", "What a training is said to take", table(head, rows))


if __name__ == "__main__":
    main()
