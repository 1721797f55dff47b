"""Examples become lessons: the very prompts that the modes will send, with the answer to learn.

Closed-book: the question alone. Grounded: what our own retriever finds for the question, as the hybrid mode shows it:
the right sentences among hard distractors, in shuffled places for a part of the lessons; in a part of them what
answers is taken out, and the answer is that the documents do not say (RAFT: Zhang et al., 2024, keeps the
right document out of a part as well, but answers all the same). Knows nothing of training.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from core.assistants.ask import Assistant, Found
from core.assistants.reading import Reading
from core.assistants.words import stems
from core.assistants.writing import evidence, prompt_of
from core.errors import BadInput
from core.evaluation.metrics import normalise
from core.finetuning.extraction import Case
from core.finetuning.lessons import Lesson
from core.generation.embedded import turns
from core.generation.prompt import Evidence
from core.retrieval.passages import Passage
from storage.rows import ExampleRow

MISSING = 0.1
"""The share of grounded lessons whose answer is taken out of the context."""

SHUFFLED = 0.25
"""The share of grounded lessons whose sentences stand in no order; the others teach that the order says something."""

HELD = 0.6
"""A passage holds an example's evidence if it has this share of its words."""


class Speaks(Protocol):
    """The base model's tokens: see `core.generation.tokens.Tokens`."""

    @property
    def end(self) -> int:
        """The token that ends an answer."""
        ...

    def prompt(self, turns: Sequence[tuple[str, str]]) -> str:
        """Fill the chat template."""
        ...

    def encode(self, text: str) -> list[int]:
        """Tokens of a text."""
        ...


@dataclass
class Teacher:
    """Makes lessons of one corpus's examples.

    Attributes:
        assistant: who answers on the corpus; its retriever and prompts are used.
        reading: how the mode shows evidence.
        speaks: the base model's tokens.
        longest: tokens of a lesson at most.
        left_out: why examples gave no lesson, by example id.
        looked_up: what the retriever found for examples, by example id, before anything was added or taken out.
    """

    assistant: Assistant
    reading: Reading
    speaks: Speaks
    longest: int
    seed: int
    left_out: dict[int, str] = field(default_factory=dict)
    looked_up: dict[int, Case] = field(default_factory=dict)

    def closed_book(self, examples: Sequence[ExampleRow]) -> Iterator[Lesson]:
        """One lesson an example: the question without any passage."""
        for example in examples:
            if (lesson := self._lesson(example, [], example.answer)) is not None:
                yield lesson

    def grounded(self, examples: Sequence[ExampleRow]) -> Iterator[Lesson]:
        """One lesson an example whose evidence can be found in the corpus."""
        for example in examples:
            random = np.random.default_rng([self.seed, example.id])
            found = self._found(example)
            right = [passage for passage in found.passages if self._holds(passage, example)]
            if not right:
                self.left_out[example.id] = "no passage of the corpus holds its answer"
                continue
            missing = bool(random.random() < MISSING)
            if missing:
                rest = tuple(passage for passage in found.passages if passage not in right)
                found = self.assistant.judged(example.question, rest)
            pieces = self._pieces(found, example, missing)
            if random.random() < SHUFFLED:
                pieces = [pieces[i] for i in random.permutation(len(pieces))]
            answer = self.assistant.domain.refusal.sentence if missing else example.answer
            if (lesson := self._lesson(example, pieces, answer)) is not None:
                yield lesson

    def _found(self, example: ExampleRow) -> Found:
        """What retrieval finds for the question, with the right passage put in last place where it was missed."""
        found = self.assistant.find(example.question, self.reading.passages)
        if found.scored is not None:
            self.looked_up[example.id] = Case(example.question, found.scored, example.answer, example.document)
        if any(self._holds(passage, example) for passage in found.passages):
            return found
        aim = " ".join((example.question, example.evidence or example.answer))
        more = self.assistant.find(aim[:1500], self.reading.passages).passages
        right = next((passage for passage in more if self._holds(passage, example)), None)
        if right is None:
            return found
        kept = found.passages[: self.reading.passages - 1]
        return self.assistant.judged(example.question, (*kept, right))

    def _holds(self, passage: Passage, example: ExampleRow) -> bool:
        """Whether a passage is one that answers: its document is right, and it has the words of the evidence."""
        if example.document and passage.document != example.document:
            return False
        wanted = stems(example.evidence or (example.answer if not example.document else ""))
        if not wanted:
            return bool(example.document)
        if f" {normalise(example.answer)} " in f" {normalise(passage.text)} ":
            return True
        return len(wanted & stems(f"{passage.header}\n{passage.text}")) >= HELD * len(wanted)

    def _pieces(self, found: Found, example: ExampleRow, missing: bool) -> list[Evidence]:
        """What the prompt shows; the sentence nearest to the evidence is there unless it is to be missing."""
        pieces = evidence(found.passages, found.scored, self.reading)
        if missing or found.scored is None or self.reading.shown != "sentences":
            return pieces
        wanted = stems(example.evidence or example.answer)

        def nearness(text: str) -> float:
            return len(wanted & stems(text)) / max(1, len(wanted))

        own = [c for c in found.scored.candidates if self._holds(c.passage, example)]
        best = max(own, key=lambda c: nearness(c.sentence.readable), default=None)
        if best is None or any(nearness(p.text) >= nearness(best.sentence.readable) for p in pieces):
            return pieces
        page = best.passage.page_label or str(best.passage.page)
        return [*pieces[: self.reading.sentences - 1], Evidence(best.sentence.readable, best.passage.document, page)]

    def _lesson(self, example: ExampleRow, pieces: Sequence[Evidence], answer: str) -> Lesson | None:
        words = self.speaks.encode(answer.strip())
        budget = self.longest - len(words) - 1
        if budget < self.longest // 4:
            self.left_out[example.id] = f"its answer is {len(words)} tokens long"
            return None
        try:
            made = prompt_of(
                self.assistant.domain, self.reading, example.question, pieces, [], budget,
                lambda messages: len(self.speaks.encode(self.speaks.prompt(turns(messages)))),
            )  # fmt: skip
        except BadInput:
            self.left_out[example.id] = "its question is too long"
            return None
        prompt = self.speaks.encode(self.speaks.prompt(turns(made.messages)))
        return Lesson(tuple(prompt), (*words, self.speaks.end), example.id)
