"""What every engine that writes answers offers beside LangChain's chat model. No engine of its own.

An engine is a LangChain `BaseChatModel`, so any chain can hold one; the answering path additionally asks
how much it may read (`window`), how long a prompt is (`count_tokens`), and whether it is loaded (`ready`).
"""

import abc
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage


class Engine(BaseChatModel, abc.ABC):
    """A chat model of this product.

    `stream(messages, stopping=event)` ends within a few tokens after `event` is set, and so does closing
    the iterator; the text so far stands. The last chunk carries `usage_metadata` and, in
    `response_metadata`: model_name, finish_reason ("stop", "length" or "stopped"), first_token_s, total_s, and where
    the engine knows it, mean_logprob: of the tokens it wrote, as a natural logarithm; prompt_cut_to: the tokens of
    the prompt that were read, where it was probably cut; thinking_s: of a model that thinks first, the seconds until
    its first word; only_thought: that there was none.
    """

    name: str | None = None

    @property
    @abc.abstractmethod
    def window(self) -> int:
        """The most tokens it may read and write together."""

    @abc.abstractmethod
    def count_tokens(self, text: str | Sequence[BaseMessage]) -> int:
        """Tokens of a text, or of messages as they will be sent (with the chat template)."""

    @property
    @abc.abstractmethod
    def ready(self) -> bool:
        """Whether the first question will not have to wait for loading."""

    @property
    def busy(self) -> bool:
        """Whether an answer is under way, so that closing it would cost somebody theirs."""
        return False

    @property
    def weight_bytes(self) -> int:
        """Memory its weights take on this machine once it is loaded; 0 when they are elsewhere."""
        return 0

    def log_likelihood(self, messages: Sequence[BaseMessage], answer: str) -> list[float] | None:
        """The natural log-probability of each token of `answer` as the reply to `messages`.

        None when this engine does not give it. Raises EngineFailed, BadInput.
        """
        return None

    @abc.abstractmethod
    def warm(self) -> None:
        """Load now. Returns when `ready`; harmless when it already is."""

    @abc.abstractmethod
    def close(self) -> None:
        """Give memory and threads back; answers under way end with `EngineFailed`."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How one answer is written.

    Attributes:
        max_tokens: the most it may write.
        temperature: 0 is greedy (the most probable token, always the same answer).
        repetition_penalty: 1 is none; above it, tokens that were used become less probable.
        stop: the text ends before the first of these strings.
        adapter: folder of a PEFT adapter that is on for this answer, for engines that can; "" is none.
        echo: nothing is written to speak of; the log-probabilities of the last so many prompt tokens are given back.
    """

    max_tokens: int = 256
    temperature: float = 0.0
    repetition_penalty: float = 1.0
    stop: tuple[str, ...] = ()
    adapter: str = ""
    echo: int = 0


def is_set(stopping: threading.Event | None) -> bool:
    """Whether somebody asked to stop."""
    return stopping is not None and stopping.is_set()
