"""How long does a person wait for an evaluation? 150 questions in four modes, all asked anew.

    python -m benchmarks.evaluating --workspace W [--sets xquad medquad] [--questions 150]

The workspaces, one a set, have both adapters (as `benchmarks.learning` leaves them): xquad's answers are a few words,
medquad's paragraphs. The job is the product's own, nothing is taken
over from earlier runs, and what it costs to load the models counts.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from benchmarks.learning import ALL, paths
from benchmarks.report import table, write
from core.evaluation import running
from core.evaluation.options import Options
from core.evaluation.questions import from_file
from core.settings import Settings
from core.workspace import Workspace
from storage.rows import EvaluationAnswerRow


def main() -> None:
    """Measure and write `results/evaluating.md`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-w", "--workspace", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=["xquad", "medquad"], choices=ALL)
    parser.add_argument("--corpus", default="corpus")
    parser.add_argument("--questions", type=int, default=150)
    parser.add_argument("--modes", default="base,rag,finetuned,hybrid")
    chosen = parser.parse_args()
    rows: list[tuple[object, ...]] = []
    said: list[str] = []
    for name in chosen.sets:
        answers, took = measured(name, chosen)
        rows += [_row(name, mode, [each for each in answers if each.mode == mode]) for mode in chosen.modes.split(",")]
        said.append(f"**{name}: {len(answers)} answers in {took / 60:.1f} minutes** (the aim for 150 x 4 is 20).")
    head = ("set", "mode", "answers", "words written", "s an answer, several at once", "p95")
    write("evaluating", "How long an evaluation takes", "\n\n".join([table(head, rows), *said]))


def measured(name: str, chosen: argparse.Namespace) -> tuple[list[EvaluationAnswerRow], float]:
    """The answers to a set's first questions in all modes, and the seconds until the last was scored."""
    golds = from_file(paths(name)[3])[: chosen.questions]
    with Workspace.open(Settings.load(chosen.workspace / name)) as ws:
        corpus = ws.corpora.by_name(chosen.corpus)
        assert corpus is not None, "index and train first: benchmarks.learning"
        modes, options = chosen.modes.split(","), Options(reuse=False)
        row = running.start(ws, corpus.id, golds, modes, name, "benchmark", options)
        began = time.perf_counter()
        job = ws.dispatcher.run_one()
        took = time.perf_counter() - began
        assert job is not None, "no job was there"
        assert job.status == "done", job.error
        return ws.evaluations.answers(row.id), took


def _row(name: str, mode: str, answers: list[EvaluationAnswerRow]) -> tuple[object, ...]:
    seconds = [each.timings["total_s"] for each in answers]
    words = [len(each.text.split()) for each in answers]
    return (
        name,
        mode,
        len(answers),
        f"{np.mean(words):.0f}",
        f"{np.mean(seconds):.1f}",
        f"{np.percentile(seconds, 95):.1f}",
    )


if __name__ == "__main__":
    main()
