"""What does fine-tuning add? Every mode on a set's test questions, from nothing: index, train both adapters, evaluate.

    python -m benchmarks.learning                          every set with a train split, and the four samples
    python -m benchmarks.learning --sets xquad tatqa --examples 240 --limit 60
    python -m benchmarks.learning --sets xquad --trained   measure the adapters that the workspace has

Uses the product's own command line, nothing else. Train questions teach, test questions are asked; adapters are
measured whatever the gate says only when promoted, so a mode without a promoted adapter is missing from the table.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.evaluation_sets import DATA, SETS
from benchmarks.report import table, write

DOMAINS = Path(__file__).resolve().parents[1] / "core" / "domains"
SAMPLES = ("legal", "healthcare", "finance", "support")
LEARNED = ("cuad", "medquad", "pubmedqa", "tatqa", "doc2dial", "xquad")
METRICS = ("token_f1", "answer_recall", "exact_match")


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


def measured(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """The report of one set."""
    domain, corpus, train, test = paths(name)
    home = options.workspace / name
    home.mkdir(parents=True, exist_ok=True)
    if not options.trained:
        triptych("index", "-w", home, "--domain", domain, "-c", options.corpus, corpus)
        some = home / "examples.jsonl"
        lines = train.read_text("utf-8").splitlines(keepends=True)
        some.write_text("".join(lines[: options.examples]), "utf-8")
        triptych("train", "-w", home, "-c", options.corpus, "--examples", some, "--preset", options.preset)
    out = home / "report.json"
    triptych(
        *("evaluate", "-w", home, "-c", options.corpus, "--questions", test, "--modes", options.modes),
        *("--limit", options.limit, "--out", out),
    )
    report: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return report


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
    parser.add_argument("--sets", nargs="+", default=[*LEARNED, *SAMPLES], choices=[*LEARNED, *SAMPLES])
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--corpus", default="corpus")
    parser.add_argument("--examples", type=int, default=240)
    parser.add_argument("--limit", type=int, default=150)
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--modes", default="base,quote,rag,finetuned,hybrid")
    parser.add_argument("--trained", action="store_true")
    options = parser.parse_args()
    found: list[list[object]] = []
    said: list[str] = []
    for name in options.sets:
        report = measured(name, options)
        found += rows(name, report)
        said.append(f"**{name}**: {report['verdict'].get('words') or report['verdict'].get('headline', '')}")
    write(
        "learning",
        "What fine-tuning adds",
        "Points of 100, 95 % intervals.\n\n"
        + table(["set", "mode", *METRICS], found)
        + "\n\nThe product's own verdicts:\n\n"
        + "\n".join(f"- {line}" for line in said),
    )


if __name__ == "__main__":
    main()
