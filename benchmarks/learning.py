"""What does fine-tuning add? Every mode on a set's test questions, from nothing: index, train, evaluate.

    python -m benchmarks.learning -w W --overrule          the table: every set with a train split, and the four samples
    python -m benchmarks.learning -w W --sets xquad tatqa --kind grounded --examples 240 --limit 60
    python -m benchmarks.learning -w W --sets xquad --trained   measure the adapters that the workspace has
    python -m benchmarks.learning -w W --table             only write the table of the reports that are there

One recipe for all of them, the defaults below: preset *quick*, both kinds of adapter, the first 160 training pairs (all
of a sample's, about 105), the first 100 test questions (a sample has 40). Under two hours on two cores.

Uses the product's own command line, nothing else. Train questions teach, test questions are asked. A mode is in the
table when its adapter serves: what the gate kept back is promoted with --overrule, and said so.
What is there is not made again: an index, an adapter of a kind, an answer, a report with all modes that are asked for.
So an interrupted run goes on, and one with more kinds or modes adds to what an earlier one left.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.evaluation_sets import DATA, SETS
from benchmarks.report import table, write
from core.commands.index import open_workspace
from core.finetuning import gate
from core.finetuning.recipe import KINDS
from core.settings import Settings

DOMAINS = Path(__file__).resolve().parents[1] / "core" / "domains"
SAMPLES = ("legal", "healthcare", "finance", "support")
LEARNED = ("cuad", "medquad", "pubmedqa", "tatqa", "doc2dial")
ALL = (*LEARNED, *SAMPLES, "xquad")
METRICS = ("token_f1", "answer_recall", "exact_match", "choice")


def triptych(*arguments: object) -> None:
    """Run a command of the product; its news go to the terminal."""
    subprocess.run([sys.executable, "-m", "core.cli", *map(str, arguments)], check=True)


def paths(name: str) -> tuple[str, Path, Path, Path]:
    """(domain, corpus, training pairs, gold questions) of a set or a sample."""
    if name in SAMPLES:
        folder = DOMAINS / name
        return name, folder / "sample", folder / "train.jsonl", folder / "gold.jsonl"
    where, domain = SETS[name]
    folder = DATA / where
    return domain, folder / "corpus.jsonl", folder / "train.jsonl", folder / "test.jsonl"


def measured(name: str, options: argparse.Namespace) -> dict[str, Any] | None:
    """The report of one set; None when there is none and none is to be made."""
    domain, corpus, train, test = paths(name)
    home = options.workspace / name
    home.mkdir(parents=True, exist_ok=True)
    out = home / "report.json"
    known = json.loads(out.read_text("utf-8")) if out.is_file() else None
    if options.table or (known and not _missing(known, options.modes) and not _untrained(home, options)):
        return known
    if not options.trained:
        triptych("index", "-w", home, "--domain", domain, "-c", options.corpus, corpus)
        some = home / "examples.jsonl"
        lines = train.read_text("utf-8").splitlines(keepends=True)
        some.write_text("".join(lines[: options.examples]), "utf-8")
        for kind in _untrained(home, options):
            triptych("train", "-w", home, "-c", options.corpus, "--examples", some, "--preset", options.preset,
                     "--kind", kind)  # fmt: skip
    if options.overrule:
        overruled(home, options.corpus)
    triptych(
        *("evaluate", "-w", home, "-c", options.corpus, "--questions", test, "--modes", options.modes),
        *("--limit", options.limit, "--out", out, "--only-changed"),
    )
    return dict(json.loads(out.read_text("utf-8")))


def _missing(report: dict[str, Any], modes: str) -> set[str]:
    """The modes that nobody has asked for yet."""
    return set(modes.split(",")) - set(report["modes"]) - set(report["left_out"])


def _untrained(home: Path, options: argparse.Namespace) -> list[str]:
    """The kinds that are wanted and not there."""
    with open_workspace(Settings.load(home)) as ws:
        row = ws.corpora.by_name(options.corpus)
        there = {adapter.kind for adapter in ws.adapters.list(row.id)} if row else set()
    return [kind for kind in KINDS if options.kind in (kind, "both") and kind not in there]


def verdict_words(report: dict[str, Any]) -> str:
    """What the product itself concludes."""
    return str(report["verdict"].get("words") or report["verdict"].get("headline", ""))


def overruled(home: Path, corpus: str) -> None:
    """Let the newest adapters serve that the gate kept back."""
    with open_workspace(Settings.load(home)) as ws:
        row = ws.corpora.by_name(corpus)
        for adapter in ws.adapters.list(row.id) if row else ():
            if adapter.status == "candidate" and ws.adapters.promoted(adapter.corpus_id, adapter.kind) is None:
                gate.overrule(ws, adapter.id, "benchmark")


def learned(home: Path, corpus: str) -> list[str]:
    """What each adapter that serves learned from, how long it took, and what the gate said."""
    with open_workspace(Settings.load(home)) as ws:
        row = ws.corpora.by_name(corpus)
        found = [ws.adapters.promoted(row.id, kind) for kind in KINDS] if row else []
        return [_learned(a.kind, a.result, a.gate) for a in found if a is not None]


def _learned(kind: str, result: dict[str, Any], judged: dict[str, Any]) -> str:
    minutes, best, steps = result.get("seconds", 0) / 60, result.get("best_step"), result.get("steps")
    before, after = result.get("held_out_before") or 0, result.get("held_out_best") or 0
    said = f"{kind}: {result.get('examples')} examples, {minutes:.0f} minutes, best at step {best} of {steps}, "
    said += f"held-out loss {before:.2f} to {after:.2f}. "
    return said + ("Overruled: " if judged.get("overruled") else "") + str(judged.get("words", ""))


def rows(name: str, report: dict[str, Any]) -> list[list[object]]:
    """A row for each mode: its figures in points with their 95 % intervals."""
    found: list[list[object]] = []
    for mode, scores in report["modes"].items():
        cells = [_interval(scores.get(metric)) for metric in METRICS]
        found.append([name, mode, *cells])
    return found


def _interval(score: dict[str, float] | None) -> str:
    if not score or score.get("mean") is None:
        return ""
    return f"{100 * score['mean']:.0f} ({100 * score['low']:.0f} to {100 * score['high']:.0f})"


def main() -> None:
    """Measure and write `results/learning.md`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=[*LEARNED, *SAMPLES], choices=ALL)
    parser.add_argument("-w", "--workspace", type=Path, required=True)
    parser.add_argument("--corpus", default="corpus")
    parser.add_argument("--examples", type=int, default=160)
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--modes", default="base,quote,rag,finetuned,hybrid")
    parser.add_argument("--kind", default="both", choices=["both", *KINDS])
    parser.add_argument("--trained", action="store_true")
    parser.add_argument("--overrule", action="store_true")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    found: list[list[object]] = []
    said: list[str] = []
    empty = not options.workspace.is_dir() or not any(options.workspace.iterdir())
    began = time.monotonic()
    for name in options.sets:
        report = measured(name, options)
        if report is None:
            continue
        found += rows(name, report)
        said.append(f"**{name}** ({len(report['questions'])} questions): {verdict_words(report)}")
        said += [f"  - {line}" for line in learned(options.workspace / name, options.corpus)]
    write(
        "learning",
        "What fine-tuning adds",
        "Points of 100, 95 % intervals."
        + (f" From an empty folder in one run of {(time.monotonic() - began) / 60:.0f} minutes." * empty)
        + "\n\n"
        + table(["set", "mode", *METRICS], found)
        + "\n\nThe product's own verdicts:\n\n"
        + "\n".join(line if line.startswith(" ") else f"- {line}" for line in said),
    )


if __name__ == "__main__":
    main()
