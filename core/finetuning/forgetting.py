"""Takes words out of the folders of adapters: what only the training needed, and what was deleted since.

A folder freezes the examples that its adapter learned from, as text and as token numbers, with passages of other
documents around them. The weights keep what they learned; the words need not stay beside them. Everything here may
be done again, and is done before the rows go: killed in between, the deletion is pressed once more.
"""

import json
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.finetuning import lessons as lesson_files
from core.finetuning.lessons import Lesson
from storage.traces import hidden

if TYPE_CHECKING:
    from core.workspace import Workspace

ONLY_FOR_TRAINING = ("lessons.jsonl", "held_out.jsonl", "general.jsonl")
Line = dict[str, Any]


def settle(folder: Path, there: Collection[int]) -> None:
    """After a training: let go of what only it needed, and of frozen examples that were deleted meanwhile.

    Args:
        there: the ids of the corpus's examples as they are now.
    """
    for name in ONLY_FOR_TRAINING:
        (folder / name).unlink(missing_ok=True)
    samples = folder / "samples.jsonl"
    if samples.is_file():  # shown with their question and what the model writes; the prompts hold passages
        bare = [Lesson((), each.answer, each.example) for each in lesson_files.read(samples)]
        aside = samples.with_suffix(".part")
        lesson_files.write(aside, bare)
        aside.replace(samples)
    _forget_examples(folder, lambda row: row["id"] not in there)


def forget(ws: "Workspace", corpus_id: int, names: Collection[str], examples: Collection[int] = ()) -> None:
    """Take the words of documents (by name) and of examples (by id) out of the folders of a corpus's adapters.

    Those in training are settled when they have ended.
    """
    for row in ws.adapters.list(corpus_id):
        folder = ws.serving.folder(row)
        if row.status == "training" or not folder.is_dir():
            continue
        for name in ONLY_FOR_TRAINING:
            (folder / name).unlink(missing_ok=True)
        gone = _forget_examples(folder, lambda each: each["document"] in names or each["id"] in examples)
        if row.kind == "grounded" or gone & _shown(folder):  # a grounded one is shown, and quotes, any document
            (folder / "samples.jsonl").unlink(missing_ok=True)
            _rewrite(folder / "progress.jsonl", lambda line: {k: v for k, v in line.items() if k != "samples"})
        _forget_names(folder / "plan.json", names)


def frozen(folder: Path) -> set[int]:
    """The ids of the examples that are frozen in a folder."""
    file = folder / "examples.jsonl"
    return {int(json.loads(line)["id"]) for line in _lines(file)}


def _forget_examples(folder: Path, gone: Callable[[Line], bool]) -> set[int]:
    """Take examples out of the frozen ones; returns their ids."""
    ids: set[int] = set()

    def kept(row: Line) -> Line | None:
        if not gone(row):
            return row
        ids.add(int(row["id"]))
        return None

    _rewrite(folder / "examples.jsonl", kept)
    return ids


def _shown(folder: Path) -> set[int]:
    file = folder / "samples.jsonl"
    return {each.example for each in lesson_files.read(file)} if file.is_file() else set()


def _forget_names(plan: Path, names: Collection[str]) -> None:
    if not plan.is_file():
        return
    content = json.loads(plan.read_text("utf-8"))
    content["corpus"] = [name for name in content.get("corpus", ()) if name not in names]
    known = content.get("documents", {})
    content["documents"] = {hidden(name) if name in names else name: known[name] for name in known}
    _write(plan, json.dumps(content))


def _rewrite(file: Path, changed: Callable[[Line], Line | None]) -> None:
    """Change the lines of a file of JSON objects; None takes one out. Whole or not at all."""
    lines = [changed(json.loads(line)) for line in _lines(file)]
    if file.is_file():
        _write(file, "".join(json.dumps(line) + "\n" for line in lines if line is not None))


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines() if file.is_file() else []


def _write(file: Path, text: str) -> None:
    aside = file.with_suffix(".part")
    with aside.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(file)
