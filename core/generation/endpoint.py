"""Any OpenAI-compatible endpoint as an engine: vLLM, Ollama, LM Studio, a cloud.

Tokens are estimated (the endpoint's tokenizer is not here, and none is downloaded); its own count arrives with
the answer. Knows messages and LangChain; HTTP is `wire`'s.
"""

import math
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import SecretStr

from core.errors import BadInput, EngineFailed
from core.generation import habits
from core.generation.deltas import Said
from core.generation.embedded import ROLES, text_of
from core.generation.engine import Engine, is_set
from core.generation.reach import Reach, cut_to, reach
from core.generation.wire import Address, Wire

WINDOW = 4096
"""Tokens taken for granted when neither the endpoint nor a person says how much it reads."""

BYTES_PER_TOKEN = 3
"""Of UTF-8: English has about 4, other scripts 2 to 3, so prompts come out shorter than they might be."""

PER_MESSAGE = 8

THINKING_ROOM = 4096
"""Tokens more than the answer's, for a model that thinks first; fewer where the window has not so many."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A model at an endpoint; `window` in tokens, 0 when the endpoint does not say.

    `parent`: the model it is an adapter of, as vLLM says of its LoRA modules; "" for one that is none, or does not say.
    """

    model: str
    window: int = 0
    parent: str = ""


class EndpointChat(Engine):
    """Attributes:
    base_url, model: where it is and what is asked for there.
    key: the API key, if it wants one.
    tokens_in_window: the most it may read and write together; 0 is unknown.
    max_tokens, temperature, stop: as in `Sampling`; each may be given with a call too.
    """

    name: str | None = None
    base_url: str
    model: str
    key: SecretStr = SecretStr("")
    tokens_in_window: int = 0
    max_tokens: int = 512
    temperature: float = 0.0
    stop: list[str] | None = None

    @property
    def window(self) -> int:
        """As it was given, or a cautious guess."""
        return self.tokens_in_window or WINDOW

    @property
    def ready(self) -> bool:
        """Always: loading is the endpoint's business."""
        return True

    def warm(self) -> None:
        """Nothing to load here."""

    def close(self) -> None:
        """Nothing to give back: a connection lasts as long as its answer."""

    def count_tokens(self, text: str | Sequence[BaseMessage]) -> int:
        """An estimate, rather too high than too low."""
        if isinstance(text, str):
            return math.ceil(len(text.encode()) / BYTES_PER_TOKEN)
        return sum(PER_MESSAGE + self.count_tokens(message.text) for message in text)

    def offered(self) -> list[Offered]:
        """What the endpoint offers, with context lengths where it tells them.

        Raises:
            EngineFailed: it cannot be reached, or refuses.
        """
        listed = self._wire().get("/models")
        rows = listed.get("data") if isinstance(listed, dict) else None
        if not isinstance(rows, list):
            raise EngineFailed(f"{self._address().host} does not answer like an endpoint.", "Check its address.")
        named = [row for row in rows if isinstance(row, dict) and "id" in row]
        return [Offered(str(row["id"]), _window(row), str(row.get("parent") or "")) for row in named]

    def reach(self) -> Reach:
        """How much its own routes say that it reads; ask when the model has answered, so that it is loaded."""
        return reach(self._wire(), self.model)

    def log_likelihood(self, messages: Sequence[BaseMessage], answer: str) -> list[float] | None:
        """As vLLM gives it (`prompt_logprobs` of a chat whose last message is the answer); None from all others."""
        body = self._body([*messages, AIMessage(answer)], None, {"max_tokens": 1}) | {
            "stream": False,
            "prompt_logprobs": 0,
            "add_generation_prompt": False,
            "continue_final_message": True,
        }
        body.pop("stream_options")
        try:
            said = self._wire().get("/chat/completions", body=habits.without(body, self._habits().refused))
        except BadInput:
            return None  # it does not know these settings
        return _end_of(said.get("prompt_logprobs") if isinstance(said, dict) else None, answer)

    def _address(self) -> Address:
        return Address(self.base_url, self.name or self.model)

    def _wire(self) -> Wire:
        return Wire(self._address(), self.key.get_secret_value(), self._habits())

    def _habits(self) -> habits.Habits:
        return habits.of(self.base_url, self.model)

    def _body(self, messages: Sequence[BaseMessage], stop: list[str] | None, given: dict[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": ROLES.get(each.type, "user"), "content": text_of(each)} for each in messages],
            "max_tokens": int(given.get("max_tokens") or self.max_tokens),
            "temperature": float(given.get("temperature", self.temperature)),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        stops = stop if stop is not None else self.stop
        return body | ({"stop": stops} if stops else {})

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        stopping: threading.Event | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """Text as it arrives, then one empty chunk with usage and timings.

        A model that has used up its tokens by thinking is asked again with room for that, and has it from then on.
        """
        started, first_at, thinking_at = time.monotonic(), None, None
        known, estimated = self._habits(), self.count_tokens(messages)
        most = int(kwargs.get("max_tokens") or self.max_tokens)
        room = max(0, min(THINKING_ROOM, self.window - estimated - most))
        said = Said()
        for more in (room,) if known.thinks or not room else (0, room):
            said = Said()
            body = self._body(messages, stop, kwargs | {"max_tokens": most + more})
            for text in self._texts(body, said, stopping):
                thinking_at = thinking_at or (time.monotonic() if said.thought else None)
                if not text:
                    continue
                first_at = first_at or time.monotonic()
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=text))
                if run_manager:
                    run_manager.on_llm_new_token(text, chunk=chunk)
                yield chunk
                if more and said.pieces >= most:
                    said.finish = "length"  # the room was for thinking, and the answer has had its own
                    break
            if said.pieces or not said.thought or said.finish != "length" or is_set(stopping):
                break
            known.thinks = True
        counted = int(said.usage.get("prompt_tokens") or 0)
        wrote = int(said.usage.get("completion_tokens") or said.pieces)
        facts = {
            "model_name": self.name or self.model,
            "finish_reason": "stopped" if is_set(stopping) else said.finish or "stop",
            "first_token_s": first_at - started if first_at else None,
            "thinking_s": (first_at or time.monotonic()) - thinking_at if thinking_at else 0.0,
            "total_s": time.monotonic() - started,
            "prompt_cut_to": cut_to(counted, estimated, BYTES_PER_TOKEN),
            "only_thought": said.thought and not said.pieces and not is_set(stopping),
        }
        tokens = UsageMetadata(
            input_tokens=counted or estimated, output_tokens=wrote, total_tokens=(counted or estimated) + wrote
        )
        message = AIMessageChunk(content="", usage_metadata=tokens, response_metadata=facts, chunk_position="last")
        yield ChatGenerationChunk(message=message)

    def _texts(self, body: dict[str, Any], said: Said, stopping: threading.Event | None) -> Iterator[str]:
        """What each event adds to the answer, often nothing; then what was held back."""
        for event in self._wire().events(body, stopping):
            yield said.push(event)
        yield said.end()

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return LangSmithParams(
            ls_provider="triptych",
            ls_model_name=str(kwargs.get("model") or self.model),
            ls_model_type="chat",
            ls_temperature=float(kwargs.get("temperature", self.temperature)),
            ls_max_tokens=int(kwargs.get("max_tokens") or self.max_tokens),
            ls_stop=stop or self.stop or [],
        )

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model, "base_url": self.base_url, "temperature": self.temperature}

    @property
    def _llm_type(self) -> str:
        return "triptych-endpoint"


def _end_of(prompt: Any, answer: str) -> list[float] | None:
    """The log-probabilities of the last tokens, back to where they spell the whole answer; None if they do not."""
    if not isinstance(prompt, list):
        return None
    found: list[float] = []
    text = ""
    for position in reversed(prompt):
        entries = list(position.values()) if isinstance(position, dict) else []
        if len(entries) != 1 or not isinstance(entries[0].get("decoded_token"), str):
            return None
        text = entries[0]["decoded_token"] + text
        found.insert(0, float(entries[0]["logprob"]))
        if len(text.strip()) >= len(answer.strip()):
            break
    return found if text.strip() == answer.strip() else None


def _window(row: dict[str, Any]) -> int:
    """vLLM says `max_model_len`, LM Studio and others `context_length` or `max_context_length`."""
    for key in ("max_model_len", "context_length", "max_context_length", "context_window"):
        if isinstance(row.get(key), int):
            return int(row[key])
    return 0
