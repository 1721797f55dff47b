"""Questions as a person would ask them of real files: does the figure, name or step stand in what is quoted?

    python -m benchmarks.real_files         the files of shared/files, a corpus a domain; --workspace keeps them indexed

The questions are ours (`questions/real_files.jsonl`), each with an expression that a right quotation holds. Those of
the sets "first" and "second" were looked at while rules were made, those of "last" and "segments" were written
afterwards and decided nothing. Against the sentence or row nearest to the question in the same passages, and against
the product where rows that are called what was asked count like any sentence.
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
from core.domains import ORDER
from core.ingestion.intake import add_files, create_corpus
from core.workspace import Workspace

ASKED = Path(__file__).with_name("questions") / "real_files.jsonl"
WAYS = ("nearest sentence or row", "rows count like sentences", "**the product**")
Told = tuple[str, str, str]
"""What each way says to one question."""


def main() -> None:
    """Ask all of them, and write results/real_files.md."""
    chosen = arguments(__doc__ or "").parse_args()
    if not (chosen.data / "files").is_dir():
        raise SystemExit("The files are not there: give the folder that holds them with --data, or as TRIPTYCH_DATA.")
    ws = opened(chosen.workspace)
    assistants = {name: assistant(ws, name, chosen.data / "files" / name) for name in ORDER}
    rows = [json.loads(line) for line in ASKED.read_text("utf-8").splitlines()]
    told = [answers(assistants[row["domain"]], row["question"]) for row in rows]
    ws.close()
    body = table(("domain", "set", "way", "questions", "right", "wrong", "refused"), lines(rows, told))
    wrong = [row["question"] for row, said in zip(rows, told, strict=True) if not re.search(row["right"], said[-1])]
    listed = "\n".join(f"- {question}" for question in wrong)
    write("real_files", "Questions to real files", f"{body}\n\nNot answered rightly:\n\n{listed}")


def assistant(ws: Workspace, domain: str, folder: Path) -> Assistant:
    """Of the files of a folder, indexed if they are not yet."""
    corpus = ws.corpora.by_name(f"real-{domain}") or create_corpus(ws, f"real-{domain}", domain)
    add_files(ws, corpus.id, [(file.name, file) for file in sorted(folder.iterdir()) if file.is_file()])
    return Assistant.of(ws, indexed(ws, corpus.id), SMALL)


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
    """A line for each domain, set and way."""
    for domain, kind in dict.fromkeys((row["domain"], row["set"]) for row in rows):
        for at, way in enumerate(WAYS):
            ends = Counter(
                "refused" if not each[at] else "right" if re.search(row["right"], each[at]) else "wrong"
                for row, each in zip(rows, told, strict=True)
                if (row["domain"], row["set"]) == (domain, kind)
            )
            yield domain, kind, way, ends.total(), ends["right"], ends["wrong"], ends["refused"]


if __name__ == "__main__":
    main()
