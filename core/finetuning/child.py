"""The trainer's own process: reads a run's folder, trains, writes what happens into it. Started by `process`.

    python -m core.finetuning.child FOLDER [--probe]

    plan.json       base, recipe          lessons.jsonl  held_out.jsonl  general.jsonl  samples.json
    checkpoints/    see `checkpoints`     progress.jsonl a line a step or look
    adapter/        the peft folder of the best step, at the end

It ends when its standard input does (its parent is gone), saves and leaves on SIGTERM, and holds a lock on
the folder so that no two work on one run. Exit codes: 0 done, 75 left to go on later, 1 failed (the last line of
progress says why).
"""

import fcntl
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core import priority, room
from core.errors import TriptychError
from core.finetuning import base as bases
from core.finetuning import checkpoints, lora
from core.finetuning.lessons import Lesson, batch_at, read
from core.finetuning.recipe import Recipe
from core.finetuning.training import Trainer
from core.tracing import briefly, where

LEFT = 75
SAMPLE_TOKENS = 32
PROBE_STEPS = 3
FULL = "No space left on device; what was learned is kept up to the last checkpoint."
"""As `tuning` knows a full disk (`room.SAID_FULL`): the job waits for room then."""
NO_MEMORY = "DefaultCPUAllocator"
"""What torch names when this machine has no more; it has no error of its own for that."""


class Run:
    """One run's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan: dict[str, Any] = json.loads((folder / "plan.json").read_text("utf-8"))
        self.recipe = Recipe.of(self.plan["recipe"])
        self.leaving = threading.Event()
        self._progress = folder / "progress.jsonl"

    def lessons(self, name: str) -> list[Lesson]:
        """The lessons of a file of the run; none when there is no such file."""
        file = self.folder / name
        return list(read(file)) if file.is_file() else []

    def tell(self, what: dict[str, Any]) -> None:
        """Add a line to the progress."""
        with self._progress.open("a", encoding="utf-8") as file:
            file.write(json.dumps(what) + "\n")

    def forget_after(self, step: int) -> None:
        """Take away lines of steps that will be done again, and a last line that was cut."""
        if not self._progress.is_file():
            return
        kept = []
        for line in self._progress.read_text("utf-8").splitlines():
            try:
                if json.loads(line).get("step", 0) <= step:
                    kept.append(line)
            except ValueError:
                continue
        aside = self._progress.with_suffix(".part")
        aside.write_text("".join(f"{line}\n" for line in kept), "utf-8")
        aside.replace(self._progress)

    def base(self) -> bases.Base:
        """The base model as torch sees it."""
        return bases.Base(Path(self.plan["base"]), self.plan["base_sha256"], int(self.plan["parameters"]))

    def trainer(self, **more: Any) -> Trainer:
        """The trainer over a freshly loaded model; `more` are attributes of it."""
        base = self.base()
        model = lora.attach(bases.load(base, four_bit=bool(self.plan.get("four_bit"))), self.recipe)
        return Trainer(
            model,
            self.recipe,
            self.lessons("lessons.jsonl"),
            self.lessons("held_out.jsonl"),
            self.lessons("general.jsonl"),
            self.folder / "checkpoints",
            self.tell,
            self.leaving.is_set,
            self.samples,
            **more,
        )

    def samples(self, model: Any) -> dict[str, Any]:
        """What the model writes now for the run's fixed questions, as token numbers."""
        import torch

        written = []
        for lesson in self.lessons("samples.jsonl"):
            prompt = torch.tensor([lesson.prompt], device=next(model.parameters()).device)
            with torch.inference_mode():
                tokens = model.generate(
                    input_ids=prompt,
                    attention_mask=torch.ones_like(prompt),
                    max_new_tokens=SAMPLE_TOKENS,
                    do_sample=False,
                    use_cache=True,
                    eos_token_id=lesson.answer[-1],
                    pad_token_id=lesson.answer[-1],
                )
            written.append([int(token) for token in tokens[0, prompt.shape[1] :] if int(token) != lesson.answer[-1]])
        return {"samples": written} if written else {}


def train(run: Run) -> int:
    """Train to the end, or until asked to leave; then write the best adapter."""
    newest = checkpoints.newest(run.folder / "checkpoints")
    run.forget_after(newest.step if newest else -1)
    trainer = run.trainer()
    ended = trainer.run()
    if ended == "left":
        return LEFT
    written(run, trainer, ended)
    return 0


def written(run: Run, trainer: Trainer, ended: str) -> None:
    """Write the adapter of the best step, and tell that it is done."""
    best = checkpoints.opened(run.folder / "checkpoints" / f"step-{trainer.progress.best_step:06d}")
    if best is None:
        raise TriptychError("The best checkpoint is not whole.", "Train again.")
    aside = run.folder / ".adapter"
    lora.save(trainer.model, best.tensors("adapter"), aside)
    aside.replace(run.folder / "adapter") if not (run.folder / "adapter").exists() else None
    run.tell({"ended": ended, "best_step": trainer.progress.best_step, **peak()})


def probe(run: Run) -> int:
    """A few real steps, each done twice: what frozen layers make is there the second time; and one look."""
    trainer = run.trainer()
    trainer.model.train()
    steps = [step % max(1, trainer.steps) for step in range(PROBE_STEPS + 1)]
    _timed(trainer, run.recipe, steps[:1])  # warms up
    first = _timed(trainer, run.recipe, steps[1:])
    again = _timed(trainer, run.recipe, steps[1:])
    trainer.model.eval()
    looked = trainer.held_out[:8]
    look_tokens = sum(lesson.length for lesson in looked)
    trainer.measured(looked)
    began = time.monotonic()
    trainer.measured(looked)
    measured_s = time.monotonic() - began
    run.samples(trainer.model)
    found = {
        "tokens_per_s": again,
        "first_tokens_per_s": first,
        "look_tokens_per_s": look_tokens / measured_s if look_tokens else 0.0,
        "samples_s": time.monotonic() - began - measured_s,
        **peak(),
    }
    (run.folder / "probe.json").write_text(json.dumps(found), "utf-8")
    return 0


def _timed(trainer: Trainer, recipe: Recipe, steps: Sequence[int]) -> float:
    """Tokens a second of some steps."""
    began, tokens = time.monotonic(), 0
    for step in steps:
        batch = batch_at(trainer.lessons, recipe.batch, recipe.seed, step)
        trainer.compute(batch)
        tokens += sum(lesson.length for lesson in batch)
    return tokens / max(1e-9, time.monotonic() - began)


def peak() -> dict[str, int]:
    """The most memory this process has had, in bytes; of the GPU as well where there is one."""
    import resource

    import torch

    found = {"peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
    if torch.cuda.is_available():
        found["peak_gpu_bytes"] = int(torch.cuda.max_memory_allocated())
    return found


def main() -> None:
    """Run as a process."""
    folder = Path(sys.argv[1])
    priority.give_way()
    lock = (folder / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    run = Run(folder)
    signal.signal(signal.SIGTERM, lambda *_: run.leaving.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=watch_parent, args=(run.leaving,), daemon=True).start()
    try:
        code = probe(run) if "--probe" in sys.argv else train(run)
    except Exception as error:  # noqa: BLE001  told in one line, and in the log by its places: it may quote an example
        run.tell({"failed": in_one_line(error)})
        print(where(error), file=sys.stderr, flush=True)
        code = 1
    sys.stdout.flush()
    os._exit(code)


def watch_parent(leaving: threading.Event) -> None:
    """When standard input ends the parent is gone: save at the next step and leave."""
    while os.read(0, 1024):
        pass
    leaving.set()


def in_one_line(error: Exception) -> str:
    """Why a training failed, for people: what we, the disk or the memory say.

    Of any other error its kind and place alone: its message may quote an example.
    """
    if (disk := room.told(error)) is not None:
        return FULL if "full" in disk.message else str(disk)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or NO_MEMORY in str(error):
        return "There was not enough memory. Choose smaller batches, or close other programs."
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.strerror}: {error.filename}"
    return str(error) if isinstance(error, TriptychError) else briefly(error)


if __name__ == "__main__":
    main()
