"""What the trainer reads: lessons as token numbers, and the batches they are put into. Pure.

A lesson is a prompt and the answer to learn; only the answer's tokens count in the loss. Batches are made of
lessons of like length, in an order that depends on seed and epoch alone, so that a run that was interrupted
goes on with the very batches it would have had.
"""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

IGNORED = -100
"""The label of a token that does not count, as torch's cross entropy has it."""

Tokens = np.ndarray[tuple[int, int], np.dtype[np.int64]]
WINDOW = 16
"""Batches within whose lessons are sorted by length: enough to save padding, too few to order the whole epoch."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """`prompt` and `answer` are token numbers; the answer ends with the model's end token. `example` names its row."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    example: int = 0

    @property
    def length(self) -> int:
        """Tokens in all."""
        return len(self.prompt) + len(self.answer)


@dataclass(frozen=True, slots=True)
class Padded:
    """A batch as arrays. `inputs` int64 [lessons, tokens]; `labels` the same shape, IGNORED where nothing is learned.

    Padded on the right: with causal attention no earlier token sees the padding, so no mask is needed.
    """

    inputs: Tokens
    labels: Tokens


def padded(lessons: Sequence[Lesson]) -> Padded:
    """Lessons as one batch; the label of a place is the token that should come next."""
    longest = max(lesson.length for lesson in lessons) - 1
    inputs = np.zeros((len(lessons), longest), np.int64)
    labels = np.full((len(lessons), longest), IGNORED, np.int64)
    for row, lesson in enumerate(lessons):
        tokens = [*lesson.prompt, *lesson.answer]
        inputs[row, : len(tokens) - 1] = tokens[:-1]
        labels[row, len(lesson.prompt) - 1 : len(tokens) - 1] = lesson.answer
    return Padded(inputs, labels)


def steps_in(lessons: int, batch: int, epochs: float) -> int:
    """Steps of a whole run; the last batch of an epoch may be smaller."""
    return max(1, math.ceil(math.ceil(lessons / batch) * epochs)) if lessons else 0


def batch_at(lessons: Sequence[Lesson], batch: int, seed: int, step: int) -> list[Lesson]:
    """The batch of one step, 0-based, over as many epochs as the step is far."""
    epoch, place = divmod(step, math.ceil(len(lessons) / batch))
    return _epoch(lessons, batch, seed, epoch)[place]


def _epoch(lessons: Sequence[Lesson], batch: int, seed: int, epoch: int) -> list[list[Lesson]]:
    """Shuffle, sort by length within windows, cut into batches, shuffle the batches."""
    random = np.random.default_rng([seed, epoch])
    shuffled = [lessons[i] for i in random.permutation(len(lessons))]
    span = batch * WINDOW
    ordered = [
        lesson
        for start in range(0, len(shuffled), span)
        for lesson in sorted(shuffled[start : start + span], key=lambda one: one.length)
    ]
    batches = [ordered[start : start + batch] for start in range(0, len(ordered), batch)]
    return [batches[i] for i in random.permutation(len(batches))]


def write(path: Path, lessons: Iterable[Lesson]) -> None:
    """One lesson a line."""
    with path.open("w", encoding="ascii") as file:
        for lesson in lessons:
            file.write(json.dumps([lesson.example, lesson.prompt, lesson.answer]) + "\n")


def read(path: Path) -> Iterator[Lesson]:
    """What `write` wrote."""
    with path.open(encoding="ascii") as file:
        for line in file:
            example, prompt, answer = json.loads(line)
            yield Lesson(tuple(prompt), tuple(answer), example)
