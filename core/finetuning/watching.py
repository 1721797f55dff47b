"""What a run has said so far, in words: its curves and its sample answers as text. Reads the run's folder only."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.finetuning.curves import Curves, curves
from core.finetuning.running import told
from core.generation.folder_tokens import FolderTokens
from core.generation.tokens import Text
from storage.rows import AdapterRow

if TYPE_CHECKING:
    from core.workspace import Workspace

STEPS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Watched:
    """`samples`: each fixed held-out question with (step, answer) of the first, the best so far and the last look."""

    curves: Curves
    samples: tuple[tuple[str, tuple[tuple[int, str], ...]], ...]


def watched(ws: "Workspace", adapter: AdapterRow) -> Watched:
    """Read how an adapter's run is going, or went."""
    folder = ws.serving.folder(adapter)
    lines = told(folder)
    looks = [line for line in lines if line.get("samples")]
    shown = looks[:1] + looks[-STEPS_SHOWN + 1 :] if len(looks) > STEPS_SHOWN else looks
    questions = _questions(folder)
    speaks = _speaks(folder)
    samples = []
    for number, question in enumerate(questions):
        answers = tuple(
            (int(line["look"]), speaks.decode(line["samples"][number]).strip())
            for line in shown
            if speaks is not None and number < len(line["samples"])
        )
        samples.append((question, answers))
    return Watched(curves(lines), tuple(samples))


def _questions(folder: Path) -> list[str]:
    """The questions of the sample lessons, from the frozen examples."""
    from core.finetuning import lessons

    file, examples = folder / "samples.jsonl", folder / "examples.jsonl"
    if not file.is_file() or not examples.is_file():
        return []
    rows = (json.loads(line) for line in examples.read_text("utf-8").splitlines())
    texts = {row["id"]: str(row["question"]) for row in rows}
    return [texts.get(lesson.example, "") for lesson in lessons.read(file)]


def _speaks(folder: Path) -> Text | None:
    """The tokens of the base model that a run was made with; None when it is gone."""
    plan = folder / "plan.json"
    base = Path(json.loads(plan.read_text("utf-8"))["base"]) if plan.is_file() else folder
    return _tokens(base) if (base / "tokenizer.json").is_file() else None


@lru_cache(maxsize=2)
def _tokens(folder: Path) -> Text:
    return FolderTokens(folder)
