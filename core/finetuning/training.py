"""The training loop: one step after another over fixed batches, resumable at any of them.

What a step does depends on the recipe, the lessons and the step's number alone, so a run that goes on from a
checkpoint ends where an undisturbed one would. Knows nothing of processes, rows or pages: what happens is told
to `tell`, and `leave` says when to stop early.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.finetuning import checkpoints, lora
from core.finetuning.frozen import Frozen
from core.finetuning.lessons import Lesson, batch_at, steps_in
from core.finetuning.loss import answer_loss
from core.finetuning.peers import Alone, Peers
from core.finetuning.recipe import Recipe

Tell = Callable[[dict[str, Any]], None]
CHECKPOINT_S = 60.0
"""Seconds of work that a kill may cost."""

AT_ONCE_TOKENS = 640
"""Tokens computed at once, padding included: more is no faster on a CPU, and costs a gigabyte for each 500."""

CLIP = 1.0
A_RANK = 1_000_003
"""Between the seeds of processes that train together: what one drops out says nothing of what another does."""
HELD_OUT_AT_ONCE = 4


@dataclass(slots=True)
class Progress:
    """Where a run is; what a checkpoint holds beside tensors."""

    step: int = 0
    micro_batch: int = 4
    best_loss: float = math.inf
    best_step: int = -1
    without_better: int = 0
    seconds: float = 0.0
    tokens: int = 0
    ended: str = ""

    def json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass
class Trainer:
    """One run. Make it, then `run`.

    Attributes:
        model: a peft model with fresh matrices.
        lessons, held_out: learned from; looked at only.
        general: plain questions that have nothing to do with the corpus, to see what is forgotten.
        folder: where checkpoints go.
        tell: called with a dict after each step ({"step", "loss", ...}) and each look ({"look", ...}).
        leave: asked after each step; True saves a checkpoint and ends.
        look_at: called at each look with the model; what it returns is told with it (sample answers).
        peers: who trains the same adapter; one of them, the first, tells, saves and looks at samples for all.
        kept: called with each checkpoint once it is whole.
    """

    model: Any
    recipe: Recipe
    lessons: Sequence[Lesson]
    held_out: Sequence[Lesson]
    general: Sequence[Lesson]
    folder: Path
    tell: Tell
    leave: Callable[[], bool] = lambda: False
    look_at: Callable[[Any], dict[str, Any]] = lambda model: {}
    progress: Progress = field(default_factory=Progress)
    peers: Peers = field(default_factory=Alone)
    kept: Callable[[Path], None] = lambda folder: None

    def __post_init__(self) -> None:
        """Make the optimizer."""
        import torch

        self.progress.micro_batch = self.recipe.micro_batch
        self.steps = steps_in(len(self.lessons), self.recipe.batch, self.recipe.epochs)
        self.every = max(1, self.steps // self.recipe.looks)
        self.parameters = lora.matrices(self.model)
        self.frozen = Frozen(self.model, lora.first_layer(self.model, self.recipe), self.folder.parent)
        self.optimizer = torch.optim.AdamW(
            self.parameters.values(), lr=self.recipe.learning_rate, weight_decay=self.recipe.weight_decay
        )

    def run(self) -> str:
        """Train from the newest checkpoint on; returns "done", "stopped early" or "left".

        The best matrices are in the checkpoint of step `progress.best_step`.
        """
        self._resume()
        self.model.train()
        if self.progress.step == 0 and self.progress.best_step < 0:
            self._look()
        saved = time.monotonic()
        while not self.progress.ended and self.progress.step < self.steps:
            self._step()
            if self.progress.step % self.every == 0 or self.progress.step == self.steps:
                self._look()
                saved = time.monotonic()
            elif time.monotonic() - saved > CHECKPOINT_S:
                self._save()
                saved = time.monotonic()
            if self.peers.any(self.leave()) and self.progress.step < self.steps and not self.progress.ended:
                self._save()
                return "left"
        self.progress.ended = self.progress.ended or "done"
        return self.progress.ended

    def _step(self) -> None:
        began = time.monotonic()
        rate = self._rate(self.progress.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        batch = batch_at(self.lessons, self.recipe.batch, self.recipe.seed, self.progress.step)
        loss = self.compute(batch)
        self.progress.step += 1
        spent = time.monotonic() - began
        tokens = sum(lesson.length for lesson in batch)
        self.progress.seconds += spent
        self.progress.tokens += tokens
        self.tell(
            {
                "step": self.progress.step,
                "steps": self.steps,
                "loss": loss,
                "rate": rate,
                "tokens_per_s": tokens / spent if spent else 0.0,
                "seconds": self.progress.seconds,
                "left_s": self._left(),
            }
        )

    def compute(self, batch: Sequence[Lesson]) -> float:
        """One change of the matrices by a batch, at the rate that is set; returns its mean token loss."""
        counted = sum(len(lesson.answer) for lesson in batch)
        (loss,) = self.peers.total(self._accumulated(self.peers.share(batch), counted))
        self.peers.add_gradients(self.parameters.values())
        self._update()
        return loss

    def _accumulated(self, batch: Sequence[Lesson], counted: int) -> float:
        """Gradients of this process's part of a mean token loss; too little memory halves what is computed at once.

        Args:
            counted: tokens of the whole batch that count.
        """
        import torch

        while True:
            try:
                self.optimizer.zero_grad(set_to_none=True)
                if self.recipe.dropout:
                    torch.manual_seed(self.recipe.seed + self.progress.step + A_RANK * self.peers.rank)
                return self._gradients(batch, counted)
            except (MemoryError, RuntimeError) as error:
                if not _out_of_memory(error) or self.progress.micro_batch == 1:
                    raise
                self.progress.micro_batch //= 2
                self.tell({"note": f"out of memory; now {self.progress.micro_batch} lessons at once", **self._at()})

    def _gradients(self, batch: Sequence[Lesson], counted: int) -> float:
        total = 0.0
        for part in parts(batch, self.progress.micro_batch) if batch else ():
            loss, _ = answer_loss(self.model, part, self.frozen)
            (loss / counted).backward()
            total += float(loss.detach())
        return total / counted

    def _update(self) -> None:
        import torch

        torch.nn.utils.clip_grad_norm_(self.parameters.values(), CLIP)
        self.optimizer.step()

    def _rate(self, step: int) -> float:
        """Linear warm-up, then a cosine down to a tenth."""
        warm = max(1, round(self.steps * self.recipe.warmup))
        if step < warm:
            return self.recipe.learning_rate * (step + 1) / warm
        done = (step - warm) / max(1, self.steps - warm)
        return self.recipe.learning_rate * (0.1 + 0.45 * (1 + math.cos(math.pi * done)))

    def _left(self) -> float:
        """Seconds that the steps still take, at the mean speed so far; looks are in it by their share."""
        return self.progress.seconds / self.progress.step * (self.steps - self.progress.step)

    def _look(self) -> None:
        """Measure what was not learned from, keep the best, and end when it no longer gets better."""
        began = time.monotonic()
        self.model.eval()
        held_out = self.measured(self.held_out)
        found = {"look": self.progress.step, "held_out": held_out, "general": self.measured(self.general)}
        found |= self.look_at(self.model) if self.peers.rank == 0 else {}
        self.model.train()
        better = held_out is None or held_out < self.progress.best_loss
        if better:
            self.progress.best_loss = math.inf if held_out is None else held_out
            self.progress.best_step, self.progress.without_better = self.progress.step, 0
        else:
            self.progress.without_better += 1
        if self.progress.without_better >= self.recipe.patience:
            self.progress.ended = "stopped early"
        self.progress.seconds += time.monotonic() - began
        self._save()
        self.tell({**found, "best": better, **self._at()})

    def measured(self, lessons: Sequence[Lesson]) -> float | None:
        """The mean token loss of lessons; None when there are none."""
        import torch

        if not lessons:
            return None
        total, tokens = 0.0, 0.0
        ordered = self.peers.share(sorted(lessons, key=lambda lesson: lesson.length))
        with torch.inference_mode():
            for start in range(0, len(ordered), HELD_OUT_AT_ONCE):
                loss, counted = answer_loss(self.model, ordered[start : start + HELD_OUT_AT_ONCE], self.frozen)
                total, tokens = total + float(loss), tokens + counted
        total, tokens = self.peers.total(total, tokens)
        return total / tokens

    def _at(self) -> dict[str, Any]:
        return {"step": self.progress.step, "steps": self.steps, "seconds": self.progress.seconds}

    def _save(self) -> None:
        if self.peers.rank:
            return
        state = self.optimizer.state_dict()["state"]
        moments = {
            f"{number}.{name}": value for number, values in state.items() for name, value in values.items()
        }  # exp_avg, exp_avg_sq and step of each parameter
        tensors: dict[str, dict[str, Any]] = {"adapter": {n: p.detach().cpu() for n, p in self.parameters.items()}}
        if moments:
            tensors["optimizer"] = {name: value.cpu() for name, value in moments.items()}
        made = checkpoints.save(self.folder, self.progress.step, tensors, self.progress.json())
        checkpoints.prune(self.folder, self.progress.best_step)
        self.kept(made)

    def _resume(self) -> None:
        """Take up the newest checkpoint; with none, begin."""
        found = checkpoints.newest(self.folder)
        if found is None:
            return
        lora.restore(self.model, found.tensors("adapter"))
        self.progress = Progress(**{name: found.state[name] for name in Progress.__slots__})
        if not (found.folder / "optimizer.safetensors").is_file():
            return
        states: dict[int, dict[str, Any]] = {}
        for name, value in found.tensors("optimizer").items():
            number, _, what = name.partition(".")
            states.setdefault(int(number), {})[what] = value
        current = self.optimizer.state_dict()
        self.optimizer.load_state_dict({"state": states, "param_groups": current["param_groups"]})


def parts(batch: Sequence[Lesson], most: int) -> Iterator[Sequence[Lesson]]:
    """A batch in parts that are computed at once: at most so many lessons, and tokens that memory stays small with."""
    part: list[Lesson] = []
    for lesson in sorted(batch, key=lambda one: one.length):
        if part and (len(part) == most or (len(part) + 1) * lesson.length > AT_ONCE_TOKENS):
            yield part
            part = []
        part.append(lesson)
    yield part


def _out_of_memory(error: BaseException) -> bool:
    words = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in words or "allocate memory" in words
