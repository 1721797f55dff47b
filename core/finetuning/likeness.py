"""Whether what was exported answers as the adapter does: the same questions put to both, greedily, and compared.

The adapter answers through torch (base model and PEFT), an export through what will load it: torch anew, or our own
CPU engine for a GGUF; each in a child process that is closed afterwards. The base model alone answers too: where it
says the same, the comparison shows nothing, and that is told. Knows nothing of how exports are written.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from core.assistants.writing import prompt_of
from core.errors import TriptychError
from core.finetuning.general import GENERAL
from core.generation.batching import TokenStream
from core.generation.embedded import EmbeddedChat
from core.generation.engine import Sampling
from core.generation.gguf import Progress
from core.generation.loading import Loaded, load
from core.generation.torch_chat import TorchChat

if TYPE_CHECKING:
    from core.assistants.reading import Reading
    from core.domains import Domain

QUESTIONS = 8
TOKENS = 24
CACHE_TOKENS = 2048
ENOUGH = {"peft": 0.97, "merged": 0.9, "f16": 0.9, "q8_0": 0.8}
"""The share of an export's tokens that have to be the adapter's own choice at that place.

Greedy texts part for good where two tokens are nearly as likely and rounding decides, and how early that happens says
little. So each answer of the export is read by the adapter: a token counts if the adapter, after the same beginning,
would have written it too. Rounding flips single tokens. Measured on random weights, whose choices are the closest
there are (two adapters, 8 prompts): Q8_0 0.93 and 0.94, F16 and merged 0.99 to 1, a PEFT folder 1. With the
adapter left out 0 to 0.51, turned round 0 to 0.06. The bounds lie between, nearer to what is right: a trained model is
surer of its words.
An adapter that changes little cannot be told from its base model by any text: the base's own share is told beside.
"""
END = -1
"""Stands for the end of an answer."""
Answers = list[list[int]]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How an export answered.

    Attributes:
        questions, same: how many were asked, and how many of the answers are the adapter's to the last token.
        share: of the export's tokens, those that the adapter would have written after the same beginning, 0..1.
        base_share: the same of the base model without the adapter.
    """

    questions: int
    same: int
    share: float
    base_share: float

    @property
    def words(self) -> str:
        """In one line, for the card and the job."""
        said = f"answers like the adapter: {self.same} of {self.questions} prompts word for word"
        said += f", {100 * self.share:.0f} % of tokens its own choice"
        return f"{said} (of the base model's without it: {100 * self.base_share:.0f} %)"


class AsWritten(EmbeddedChat):
    """The CPU engine over a GGUF just as it is, in Q8_0 or F16."""

    def _load(self, progress: Progress | None = None) -> Loaded:
        return load(self.source, self.cache_tokens)


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked, and how.

    Attributes:
        reading: how the adapter's mode puts a question; it is shown no evidence here.
        check: called before each question; may raise to end the work.
    """

    questions: Sequence[str]
    domain: "Domain"
    reading: "Reading"
    check: Callable[[], None]

    def answers(self, engine: EmbeddedChat, adapter: Path | None = None) -> Answers:
        """The first tokens of each answer, the most likely one at every place, one question after another."""
        return [self._answer(engine, question, adapter) for question in self.questions]

    def shares(self, engine: EmbeddedChat, adapter: Path, answers: Answers) -> list[float]:
        """Of each answer that something else wrote, the share of tokens that the adapter would have written there."""
        return [
            self._share(engine, question, adapter, answer)
            for question, answer in zip(self.questions, answers, strict=True)
        ]

    def _share(self, engine: EmbeddedChat, question: str, adapter: Path, answer: Sequence[int]) -> float:
        """Where it would have gone on otherwise, it is asked again with the answer's own token."""
        at = apart = 0
        while at < len(answer) and apart <= len(answer) / 2:  # beyond that it is no matter of rounding
            at += self._agreeing(engine, question, adapter, answer, at)
            apart += at < len(answer)
            at += 1
        return 1 - apart / len(answer) if at >= len(answer) else 0.0

    def _agreeing(self, engine: EmbeddedChat, question: str, adapter: Path, answer: Sequence[int], at: int) -> int:
        """How many tokens of an answer, from a place on, the adapter writes too; it stops at the first other one."""
        stream, same = self._begun(engine, question, adapter, answer[:at]), 0
        for token in chain.from_iterable(stream):
            if token != answer[at + same]:
                stream.stop()
                return same
            same += 1
        return same + (stream.finish == "stop" and answer[at + same :] == [END])

    def _answer(
        self, engine: EmbeddedChat, question: str, adapter: Path | None, begun: Sequence[int] = ()
    ) -> list[int]:
        stream = self._begun(engine, question, adapter, begun)
        written = list(chain.from_iterable(stream))
        return [*written, END] if stream.finish == "stop" else written

    def _begun(self, engine: EmbeddedChat, question: str, adapter: Path | None, begun: Sequence[int]) -> TokenStream:
        self.check()
        room = engine.window - TOKENS
        asked = prompt_of(self.domain, self.reading, question, [], [], room, engine.count_tokens)
        sampling = Sampling(max_tokens=TOKENS - len(begun), adapter=str(adapter or ""))
        return engine.open_stream(asked.messages, sampling, begun=begun)


def questions_of(folder: Path) -> list[str]:
    """The questions that exports of an adapter are asked: held-out ones of its run, then general ones."""
    file = folder / "examples.jsonl"
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.is_file() else []
    held_out = [str(row["question"]) for row in rows if row["part"] == "held-out"]
    return (held_out + [question for question, _ in GENERAL])[:QUESTIONS]


def compare(form: str, base: Path, adapter: Path, content: Path, asking: Asking) -> Likeness:
    """Ask what was written to `content`, and the adapter (base model's folder and peft folder).

    Raises:
        TriptychError: the export answers otherwise; the message names what differed.
        EngineFailed: one of them cannot be loaded.
    """
    found = [] if form == "peft" else _exported(form, content, asking)
    with _torch(base) as engine:
        found = found or asking.answers(engine, content)
        wanted, alone = asking.answers(engine, adapter), asking.answers(engine)
        shares, base_shares = (asking.shares(engine, adapter, each) for each in (found, alone))
    same = [a == b for a, b in zip(wanted, found, strict=True)]
    likeness = Likeness(len(same), sum(same), _mean(shares), _mean(base_shares))
    if likeness.share < ENOUGH[form]:
        worst = min(range(len(shares)), key=lambda number: shares[number])
        raise TriptychError(
            f"The export failed its check: it does not answer like the adapter. {len(same) - sum(same)} of {len(same)} "
            f"prompts differ, prompt {worst + 1} most ({100 * shares[worst]:.0f} % of its tokens are the adapter's "
            f"choice); of all tokens {100 * likeness.share:.0f} % are, {100 * ENOUGH[form]:.0f} % are needed.",
            "Report it.",
        )
    return likeness


def _exported(form: str, content: Path, asking: Asking) -> Answers:
    """What a merged export answers, loaded by what it is for."""
    if form == "merged":
        with _torch(content) as engine:
            return asking.answers(engine)
    file = next(content.glob("*.gguf"))
    with _opened(AsWritten(name=file.name, source=file, folder=content, cache_tokens=CACHE_TOKENS)) as engine:
        return asking.answers(engine)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


@contextmanager
def _torch(folder: Path) -> "Iterator[EmbeddedChat]":
    with _opened(TorchChat(name=folder.name, source=folder, folder=folder, cache_tokens=CACHE_TOKENS)) as engine:
        yield engine


@contextmanager
def _opened(engine: EmbeddedChat) -> "Iterator[EmbeddedChat]":
    try:
        yield engine
    finally:
        engine.close()
