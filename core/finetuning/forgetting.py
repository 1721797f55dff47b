"""Takes words out of the folders of adapters: what only the training needed, and what was deleted since.

A folder freezes the examples that its adapter learned from, as text and as token numbers, with passages of other
documents around them. The weights keep what they learned; the words need not stay beside them. Everything here may
be done again, and is done before the rows go: killed in between, the deletion is pressed once more. Exports go whole:
their cards name the documents, and they are copies of what learned from them.
"""

import json
import os
import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.finetuning import lessons as lesson_files
from core.finetuning.lessons import Lesson
from storage.rows import AdapterRow
from storage.traces import GONE, hidden

if TYPE_CHECKING:
    from core.workspace import Workspace

ONLY_FOR_TRAINING = ("lessons.jsonl", "held_out.jsonl", "general.jsonl")
Line = dict[str, Any]


def settle(ws: "Workspace", row: AdapterRow) -> None:
    """After a training: let go of what only it needed, and of examples and documents that were deleted meanwhile."""
    folder = ws.serving.folder(row)
    for name in ONLY_FOR_TRAINING:
        (folder / name).unlink(missing_ok=True)
    samples = folder / "samples.jsonl"
    if samples.is_file():  # shown with their question and what the model writes; the prompts hold passages
        bare = [Lesson((), each.answer, each.example) for each in lesson_files.read(samples)]
        aside = samples.with_suffix(".part")
        lesson_files.write(aside, bare)
        aside.replace(samples)
    there = ws.examples.ids(row.corpus_id)
    gone = _forget_examples(folder, lambda each: each["id"] not in there)
    names = _named(folder / "plan.json") - ws.corpora.names(row.corpus_id)
    if gone & _shown(folder) or (row.kind == "grounded" and names):
        _forget_shown(folder)
    _forget_names(folder / "plan.json", names)
    ws.adapters.forget_names(row.id, names)


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
            _forget_shown(folder)
        _forget_names(folder / "plan.json", names)
        if gone or set(names) & set(row.documents):
            shutil.rmtree(folder / "exports", ignore_errors=True)


def follow(ws: "Workspace", corpus_id: int, names: Mapping[str, str]) -> None:
    """Name documents in the folders of a corpus's adapters as they are called now: old names, each with its new one.

    In folders that are in training too: the trainer reads no names.
    """
    for row in ws.adapters.list(corpus_id):
        folder = ws.serving.folder(row)
        _rename(folder / "plan.json", names)
        if any(row["document"] in names for row in learned(folder)):
            _rewrite(folder / "examples.jsonl", lambda line: line | {"document": _now(names, line["document"])})


def learned(folder: Path) -> list[Line]:
    """The examples of both parts that are frozen in a folder; none where they are gone."""
    return [json.loads(line) for line in _lines(folder / "examples.jsonl")]


def frozen(folder: Path) -> set[int]:
    """The ids of the examples that are frozen in a folder."""
    return {int(row["id"]) for row in learned(folder)}


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


def _forget_shown(folder: Path) -> None:
    """What the model wrote for the questions that were looked at while it learned."""
    (folder / "samples.jsonl").unlink(missing_ok=True)
    _rewrite(folder / "progress.jsonl", lambda line: {k: v for k, v in line.items() if k != "samples"})


def _named(plan: Path) -> set[str]:
    """The names of documents that stand in a plan."""
    content = json.loads(plan.read_text("utf-8")) if plan.is_file() else {}
    named = {*content.get("corpus", ()), *content.get("documents", {})}
    return {name for name in named if not name.startswith(GONE)}


def _forget_names(plan: Path, names: Collection[str]) -> None:
    if not plan.is_file():
        return
    content = json.loads(plan.read_text("utf-8"))
    content["corpus"] = [name for name in content.get("corpus", ()) if name not in names]
    known = content.get("documents", {})
    content["documents"] = {hidden(name) if name in names else name: known[name] for name in known}
    _write(plan, json.dumps(content))


def _rename(plan: Path, names: Mapping[str, str]) -> None:
    if not plan.is_file():
        return
    content = json.loads(plan.read_text("utf-8"))
    corpus, known = content.get("corpus", []), content.get("documents", {})
    if not names.keys() & {*corpus, *known}:
        return
    content["corpus"] = sorted(_now(names, name) for name in corpus)
    content["documents"] = {_now(names, name): sha256 for name, sha256 in known.items()}
    _write(plan, json.dumps(content))


def _now(names: Mapping[str, str], name: str) -> str:
    return names.get(name, name)


def _rewrite(file: Path, changed: Callable[[Line], Line | None]) -> None:
    """Change the lines of a file of JSON objects, whole or not at all; None takes one out, a line that was cut goes."""
    lines = [changed(line) for line in map(_read, _lines(file)) if line is not None]
    if file.is_file():
        _write(file, "".join(json.dumps(line) + "\n" for line in lines if line is not None))


def _read(line: str) -> Line | None:
    try:
        found: Line = json.loads(line)
    except ValueError:
        return None
    return found


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines() if file.is_file() else []


def _write(file: Path, text: str) -> None:
    aside = file.with_suffix(".part")
    with aside.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(file)
