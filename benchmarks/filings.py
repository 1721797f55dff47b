"""Questions as a person would ask them of real filings: does the figure or name stand in what is quoted?

    python -m benchmarks.filings            the five filings of shared/files/finance; --workspace keeps them indexed

The questions are ours (`questions/filings.jsonl`), each with an expression that a right quotation holds. Those of the
sets "first" and "second" were looked at while rules were made, those of "last" were written afterwards and decided
nothing. Against the sentence or row nearest to the question in the same passages, and against the product where rows
that are called what was asked count like any sentence.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import core.assistants.called
from benchmarks.answering import arguments, indexed, opened
from benchmarks.report import table, write
from core.assistants.answer import Answer
from core.assistants.ask import Assistant
from core.assistants.reading import SMALL
from core.ingestion.intake import add_files, create_corpus

ASKED = Path(__file__).with_name("questions") / "filings.jsonl"
SETS = ("first", "second", "last")
Told = tuple[str, str, str]
"""What the nearest sentence, the product without counting rows, and the product say to one question."""


def main() -> None:
    """Ask all of them, and write results/filings.md."""
    chosen = arguments(__doc__ or "").parse_args()
    files = sorted((chosen.data / "files" / "finance").glob("*.pdf"))
    if not files:
        raise SystemExit("The filings are not there: give their folder with --data, or as TRIPTYCH_DATA.")
    ws = opened(chosen.workspace)
    corpus = ws.corpora.by_name("filings") or create_corpus(ws, "filings", "finance")
    add_files(ws, corpus.id, [(file.name, file) for file in files])
    assistant = Assistant.of(ws, indexed(ws, corpus.id), SMALL)
    rows = [json.loads(line) for line in ASKED.read_text("utf-8").splitlines()]
    told = [answers(assistant, row["question"]) for row in rows]
    ws.close()
    body = table(("way", "questions", "right", "wrong", "refused"), lines(rows, told))
    wrong = [row["question"] for row, said in zip(rows, told, strict=True) if not re.search(row["right"], said[-1])]
    listed = "\n".join(f"- {question}" for question in wrong)
    write("filings", "Questions to real filings", f"{body}\n\nNot answered rightly:\n\n{listed}")


def answers(assistant: Assistant, question: str) -> Told:
    """What each way says; "" where it refuses."""
    with_rows = said(assistant, question)
    weight, core.assistants.called.WEIGHT = core.assistants.called.WEIGHT, 0.0
    without = said(assistant, question)
    core.assistants.called.WEIGHT = weight
    scored = assistant.find(question).scored
    nearest = scored.candidates[int(scored.meaning.argmax())].sentence.text if scored and scored.candidates else ""
    return nearest, without, with_rows


def said(assistant: Assistant, question: str) -> str:
    """The quotation of retrieval mode."""
    *_, answer = assistant.ask(question)
    return "" if not isinstance(answer, Answer) or answer.refused else answer.text


def lines(rows: list[dict[str, str]], told: list[Told]) -> Iterator[tuple[object, ...]]:
    """A line for each set and way."""
    ways = ("nearest sentence or row", "rows count like sentences", "**the product**")
    for name in SETS:
        for at, way in enumerate(ways):
            ends = Counter(
                "refused" if not each[at] else "right" if re.search(row["right"], each[at]) else "wrong"
                for row, each in zip(rows, told, strict=True)
                if row["set"] == name
            )
            yield f"{name}: {way}", ends.total(), ends["right"], ends["wrong"], ends["refused"]


if __name__ == "__main__":
    main()
