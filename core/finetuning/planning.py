"""What a run will be: which base model, which examples teach and which are held out, and the folder it runs in.

    adapters/<id>/   plan.json  examples.jsonl  lessons.jsonl  held_out.jsonl  general.jsonl  samples.jsonl
                     then what the trainer writes (see `child`)

Examples are split by document: no held-out question is about a document that was learned from. Gold questions
are never among them.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import BadInput
from core.finetuning import base as bases
from core.finetuning import lessons as lesson_files
from core.finetuning.base import Base
from core.finetuning.checks import asking
from core.finetuning.extraction import fit
from core.finetuning.general import GENERAL
from core.finetuning.lessons import Lesson
from core.finetuning.recipe import Kind, Recipe
from core.finetuning.serving import READINGS
from core.finetuning.teaching import Speaks, Teacher
from core.finetuning.trainable import source_of
from core.generation import gguf
from core.generation.embedded import SYSTEM
from core.generation.folder_tokens import FolderTokens
from core.generation.tokens import Tokens
from core.generation.torch_chat import facts
from storage.examples import Filter, digest
from storage.rows import AdapterRow, ExampleRow

if TYPE_CHECKING:
    from core.workspace import Workspace

HELD_OUT = 0.15
"""The share of examples that is held out, at least `FEW` where there are documents enough."""
FEW = 8
MOST_HELD_OUT = 64
LOOKED_AT = 24
"""Held-out lessons that each look measures; the gate asks more of them, but once."""
SAMPLES = 2

Heard = Callable[[int, int], None]
"""Told how many examples of how many are lessons; may raise to end it."""


def _unheard(done: int, total: int) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Split:
    """Which examples are learned from and which are looked at only."""

    train: tuple[ExampleRow, ...]
    held_out: tuple[ExampleRow, ...]


def chosen_examples(ws: "Workspace", corpus_id: int) -> list[ExampleRow]:
    """The accepted examples of a corpus, less those that ask what a gold question asks (as the page's check finds)."""
    rows = ws.examples.list(corpus_id, Filter(status="accepted"))
    leaks = asking([row.question for row in rows], [row.question for row in ws.gold.list(corpus_id)])
    return [row for place, row in enumerate(rows) if place not in leaks]


def split(examples: Sequence[ExampleRow], seed: int) -> Split:
    """By document: whole documents are held out, in an order that their names and the seed alone decide.

    Examples of no document are split one by one. With fewer than three groups nothing can be held out.
    """
    groups: dict[str, list[ExampleRow]] = {}
    for example in examples:
        groups.setdefault(example.document or f"\n{example.id}", []).append(example)
    wanted = min(MOST_HELD_OUT, max(FEW, round(HELD_OUT * len(examples))))
    held: list[ExampleRow] = []
    order = sorted(groups, key=lambda name: hashlib.sha256(f"{seed}\n{name}".encode()).digest())
    for name in order if len(groups) >= 3 else []:
        left = len(examples) - len(held) - len(groups[name])
        if len(held) + len(groups[name]) > 2 * wanted or left < len(examples) / 2:
            continue
        held += groups[name]
        if len(held) >= wanted:
            break
    ids = {example.id for example in held}
    return Split(tuple(e for e in examples if e.id not in ids), tuple(held[:MOST_HELD_OUT]))


def prepare(ws: "Workspace", adapter: AdapterRow, recipe: Recipe, heard: Heard = _unheard) -> dict[str, Any]:
    """Write the folder of a run, whole or not at all; returns its plan. One that is there is taken as it is.

    Raises:
        BadInput: there is too little to learn from.
    """
    folder = ws.serving.folder(adapter)
    if (folder / "plan.json").is_file():
        plan: dict[str, Any] = json.loads((folder / "plan.json").read_text("utf-8"))
        return plan
    source = source_of(ws, adapter.corpus_id)
    base = bases.prepared(source.path, ws.home / "models")
    chosen = chosen_examples(ws, adapter.corpus_id)
    parts = split(chosen, recipe.seed)
    teacher, taught = teach(ws, adapter.corpus_id, adapter.kind, parts, recipe, base, heard)  # type: ignore[arg-type]
    extractor = fit([teacher.looked_up[e.id] for e in parts.train if e.id in teacher.looked_up])
    plan = _plan(ws, adapter, recipe, base, parts, taught) | {
        "gold_left_out": ws.examples.counts(adapter.corpus_id).get("accepted", 0) - len(chosen),
        "left_out": {str(key): why for key, why in teacher.left_out.items()},
        "extractor": extractor.json() if extractor else None,
    }
    _written(folder, plan, parts, taught, general(speaks(base)))
    return plan


def _plan(
    ws: "Workspace", adapter: AdapterRow, recipe: Recipe, base: Base, parts: Split, taught: "Taught"
) -> dict[str, Any]:
    """All that the trainer, the registry and the gate need to know about a run."""
    return {
        "adapter": adapter.id,
        "kind": adapter.kind,
        "base": str(base.folder),
        "base_sha256": base.sha256,
        "parameters": base.parameters,
        "recipe": recipe.json(),
        "examples": len(parts.train),
        "held_out": len(parts.held_out),
        "answer_tokens": _usual_answer(taught.train),
        "reading": asdict(READINGS[adapter.kind]),
        "prompt_sha256": _prompts(taught.train),
        "examples_sha256": hashlib.sha256(
            "".join(digest(e.question, e.answer) for e in parts.train).encode()
        ).hexdigest(),
        "corpus": sorted(ws.corpora.contents(adapter.corpus_id)),
        "documents": documents(ws, adapter.corpus_id, parts.train),
    }


def _written(folder: Path, plan: dict[str, Any], parts: Split, taught: "Taught", plain: list[Lesson]) -> None:
    """Write a run's folder aside and move it into its place."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".preparing-", dir=folder.parent))
    try:
        lesson_files.write(aside / "lessons.jsonl", taught.train)
        lesson_files.write(aside / "held_out.jsonl", taught.held_out[:LOOKED_AT])
        lesson_files.write(aside / "samples.jsonl", taught.held_out[:SAMPLES])
        lesson_files.write(aside / "general.jsonl", plain)
        _examples(aside / "examples.jsonl", parts)
        (aside / "plan.json").write_text(json.dumps(plan), "utf-8")
        os.sync()
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Taught:
    """Lessons to learn from, and lessons to look at."""

    train: list[Lesson]
    held_out: list[Lesson]


def teach(
    ws: "Workspace", corpus_id: int, kind: Kind, parts: Split, recipe: Recipe, base: Base, heard: Heard = _unheard
) -> tuple[Teacher, Taught]:
    """The lessons of a kind; raises BadInput when hardly any can be made.

    Examples are looked up document by document: the sentences of one are compared with its questions while they are
    remembered. The lessons come back in the order of the examples.
    """
    longest = min(recipe.longest, facts(base.folder).window)
    teacher = Teacher(ws.assistant(corpus_id), READINGS[kind], speaks(base), longest, recipe.seed)
    make = teacher.grounded if kind == "grounded" else teacher.closed_book
    every = [*parts.train, *parts.held_out]
    made: dict[int, Lesson] = {}
    for number, example in enumerate(sorted(every, key=lambda one: (one.document, one.id))):
        heard(number, len(every))
        made |= {lesson.example: lesson for lesson in make([example])}
    taught = Taught(*([made[e.id] for e in part if e.id in made] for part in (parts.train, parts.held_out)))
    if len(taught.train) < FEW:
        why = next(iter(teacher.left_out.values()), "")
        raise BadInput(
            f"Only {len(taught.train)} of {len(parts.train)} examples can be learned from{f' ({why})' if why else ''}.",
            "Add examples about this corpus's documents: upload some, or have them generated.",
        )
    return teacher, taught


def speaks(base: Base) -> Speaks:
    """The tokens of a base model, as the engine that will serve its adapters has them."""
    if base.gguf is None:
        return FolderTokens(base.folder)
    return Tokens(gguf.metadata(base.gguf))


def general(tokens: Speaks) -> list[Lesson]:
    """Plain questions that every model answers, as lessons that are only looked at."""
    return [
        Lesson(
            tuple(tokens.encode(tokens.prompt([("system", SYSTEM), ("user", question)]))),
            (*tokens.encode(answer), tokens.end),
        )
        for question, answer in GENERAL
    ]


def documents(ws: "Workspace", corpus_id: int, examples: Iterable[ExampleRow]) -> dict[str, str]:
    """The documents that examples are about, with the hash of their content now."""
    wanted = {example.document for example in examples if example.document}
    return {name: sha256 for name, sha256 in ws.corpora.contents(corpus_id).items() if name in wanted}


def _usual_answer(lessons: Sequence[Lesson]) -> int:
    """Tokens that all but a twentieth of the answers do with."""
    lengths = sorted(len(lesson.answer) for lesson in lessons)
    return lengths[int(0.95 * (len(lengths) - 1))]


def _prompts(lessons: Sequence[Lesson]) -> str:
    found = hashlib.sha256()
    for lesson in lessons:
        found.update(json.dumps(lesson.prompt).encode())
    return found.hexdigest()


def _examples(path: Path, parts: Split) -> None:
    """The frozen snapshot: every example with the part it is in."""
    with path.open("w", encoding="utf-8") as file:
        for part, rows in (("train", parts.train), ("held-out", parts.held_out)):
            for row in rows:
                file.write(json.dumps({"part": part, **asdict(row), "created_at": row.created_at.isoformat()}) + "\n")
