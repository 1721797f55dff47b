"""An engine that says what it was told to say. It is no language model, and its name says so.

It ships with the product so that tests, demonstrations of the flow and people who build on it exercise the
same streaming and stopping as a real engine, without weights. Never chosen by the product itself.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from core.generation.engine import Engine, is_set
from core.generation.text import StopStrings

NAME = "scripted (not a language model)"

_WORD = re.compile(r"\s*\S+\s*?(?=\s|$)|\s+$")


class ScriptedChat(Engine):
    """Attributes:
    answers: what to say, in turn and from the start again; or a function of the messages.
    pause_s: waits before each word, so that streaming and stopping can be seen.
    max_tokens: words at most.
    tokens_in_window: what `window` reports.
    mean_logprob: how sure it says it was.
    """

    name: str | None = NAME
    answers: list[str] | Callable[[list[BaseMessage]], str]
    pause_s: float = 0.0
    max_tokens: int = 10_000
    tokens_in_window: int = 8192
    mean_logprob: float | None = None
    stop: list[str] | None = None

    _next: int = PrivateAttr(default=0)
    _turn: Any = PrivateAttr(default_factory=threading.Lock)

    @property
    def window(self) -> int:
        """As it was given."""
        return self.tokens_in_window

    @property
    def ready(self) -> bool:
        """Always."""
        return True

    def warm(self) -> None:
        """Nothing to load."""

    def close(self) -> None:
        """Nothing to give back."""

    def count_tokens(self, text: str | Sequence[BaseMessage]) -> int:
        """Words."""
        return len((text if isinstance(text, str) else " ".join(message.text for message in text)).split())

    def _answer(self, messages: list[BaseMessage]) -> str:
        if callable(self.answers):
            return self.answers(messages)
        with self._turn:
            self._next += 1
            return self.answers[(self._next - 1) % len(self.answers)]

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        stopping: threading.Event | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        started, first_at, said, finish = time.monotonic(), None, 0, "stop"
        stops = StopStrings(stop if stop is not None else self.stop or [])
        limit = int(kwargs.get("max_tokens") or self.max_tokens)
        for word in _WORD.findall(self._answer(messages)):
            if said >= limit:
                finish = "length"
                break
            self._pause(stopping)
            if is_set(stopping):
                finish = "stopped"
                break
            said += 1
            first_at = first_at or time.monotonic()
            if piece := stops.push(word):
                yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
            if stops.found:
                break
        if piece := stops.finish():
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
        first = first_at - started if first_at else None
        yield self._last(self.count_tokens(messages), said, finish, first, time.monotonic() - started)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _pause(self, stopping: threading.Event | None) -> None:
        if self.pause_s > 0:
            (stopping or threading.Event()).wait(self.pause_s)

    def _last(self, read: int, said: int, finish: str, first: float | None, total: float) -> ChatGenerationChunk:
        facts = {
            "model_name": self.name,
            "finish_reason": finish,
            "first_token_s": first,
            "total_s": total,
            "mean_logprob": self.mean_logprob,
        }
        usage = UsageMetadata(input_tokens=read, output_tokens=said, total_tokens=read + said)
        message = AIMessageChunk(content="", usage_metadata=usage, response_metadata=facts, chunk_position="last")
        return ChatGenerationChunk(message=message)

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return LangSmithParams(
            ls_provider="triptych", ls_model_name=str(kwargs.get("model") or self.name), ls_model_type="chat"
        )

    @property
    def _llm_type(self) -> str:
        return "triptych-scripted"
