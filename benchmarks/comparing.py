"""What do three modes side by side cost a person who waits, against the slowest of them alone?

    python -m benchmarks.comparing --workspace W [--corpus corpus] [--questions gold.jsonl]

The workspace has both adapters (as `benchmarks.learning` leaves it). Half of the questions are asked in each mode
alone, one after another; the other half as comparisons: an engine would remember the prompt of one asked twice.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import cast

import numpy as np

from benchmarks.report import table, write
from core.assistants import comparing, live
from core.assistants.answer import Mode
from core.settings import Settings
from core.workspace import Workspace

MODES: tuple[Mode, ...] = ("rag", "finetuned", "hybrid")
GOLD = Path(__file__).resolve().parents[1] / "core" / "domains" / "legal" / "gold.jsonl"


def waited(ws: Workspace, panels: Sequence[int], began: float) -> tuple[float, list[float]]:
    """Seconds until the last of the conversations' answers has ended, and until each one's first word."""
    answers = [ws.conversations.messages(conversation)[-1].id for conversation in panels]
    for answer in answers:
        for _ in live.follow(ws, answer):
            pass
    took = time.perf_counter() - began
    firsts = [ws.conversations.message(answer).timings.get("first_token_s") for answer in answers]
    return took, [first for first in firsts if first is not None]


def alone(ws: Workspace, corpus: int, question: str, mode: Mode) -> tuple[float, list[float]]:
    """The same of one mode."""
    conversation = ws.conversations.create(corpus, mode).id
    began = time.perf_counter()
    live.start(ws, conversation, question, mode)
    return waited(ws, [conversation], began)


def together(ws: Workspace, corpus: int, question: str) -> tuple[float, list[float]]:
    """The same of all modes at once."""
    began = time.perf_counter()
    row = comparing.start(ws, corpus, question, MODES)
    return waited(ws, [panel.conversation_id for panel in row.panels], began)


def main() -> None:
    """Measure and write `results/comparing.md`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-w", "--workspace", type=Path, required=True)
    parser.add_argument("--corpus", default="corpus")
    parser.add_argument("--questions", type=Path, default=GOLD)
    chosen = parser.parse_args()
    lines = chosen.questions.read_text("utf-8").splitlines()
    asked = [cast("str", json.loads(line)["question"]) for line in lines if json.loads(line).get("answer")]
    warm, asked = asked[:2], asked[2:]
    with Workspace.open(Settings.load(chosen.workspace)) as ws:
        row = ws.corpora.by_name(chosen.corpus)
        assert row is not None
        together(ws, row.id, warm[0])
        for mode in MODES:
            alone(ws, row.id, warm[1], mode)
        single = {mode: [alone(ws, row.id, question, mode) for question in asked[::2]] for mode in MODES}
        all_three = [together(ws, row.id, question) for question in asked[1::2]]
    rows: list[list[object]] = [
        [mode, f"{mean(t for t, _ in times):.2f}", f"{first(times):.2f}"] for mode, times in single.items()
    ]
    took = mean(seconds for seconds, _ in all_three)
    rows.append(["**all three at once**", f"{took:.2f}", f"{first(all_three):.2f}"])
    slowest = max(mean(t for t, _ in times) for times in single.values())
    note = (
        f"{took / slowest:.2f} times the slowest of them alone (the aim is at most 1.6), {len(asked[1::2])} questions."
    )
    body = table(("asked", "mean s", "first words of every panel, p95 s"), rows)
    write("comparing", "Three modes side by side", f"{body}\n\n{note}")


def first(times: Sequence[tuple[float, list[float]]]) -> float:
    """The 95th percentile of the seconds to the last panel's first word."""
    return float(np.percentile([max(firsts) for _, firsts in times if firsts], 95))


if __name__ == "__main__":
    main()
