"""The engine that needs nothing: SmolLM2-135M on this machine's CPU, through OpenVINO GenAI.

One `EmbeddedChat` holds one loaded model for all its callers; it is loaded at first use. Answers that are
asked for at once are written together, and a prompt's known beginning is not read again. Knows LangChain
messages and text; the model runs in a child process (`batching`, `stepping`), its file is dealt with in
`gguf` and `loading`.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from core.errors import BadInput
from core.generation.batching import Batcher, TokenStream, openvino
from core.generation.engine import Engine, Sampling
from core.generation.gguf import Progress, as_q8_0
from core.generation.loading import BLOCK, Loaded, load
from core.generation.text import StopStrings, TokenText

NAME = "SmolLM2-135M-Instruct, Q8_0"

SYSTEM = "You are a helpful assistant."
"""Sent when a caller gives no system message: the chat template would put the vendor's own there."""

ROLES = {"system": "system", "human": "user", "ai": "assistant", "chat": "user", "tool": "user"}


class EmbeddedChat(Engine):
    """SmolLM2 (or any Llama-like GGUF) on the CPU.

    Attributes:
        source: the GGUF as it was delivered, of any quantisation.
        folder: where its Q8_0 copy is kept.
        window_at_most: reads no more than this; 0 is as much as the model can.
        cache_tokens: size of the key-value cache; chosen by free memory when None.
        max_tokens, temperature, repetition_penalty, stop: as in `Sampling`; each may be given with a call too.
    """

    name: str | None = NAME
    source: Path
    folder: Path
    window_at_most: int = 0
    cache_tokens: int | None = None
    max_tokens: int = 256
    temperature: float = 0.0
    repetition_penalty: float = 1.0
    stop: list[str] | None = None

    _loaded: Loaded | None = PrivateAttr(default=None)
    _scorer: Batcher | None = PrivateAttr(default=None)
    _loading: Any = PrivateAttr(default_factory=threading.Lock)

    @property
    def ready(self) -> bool:
        """Loaded and working."""
        return self._loaded is not None and self._loaded.batcher.alive

    @property
    def busy(self) -> bool:
        """Whether an answer is under way."""
        return self._loaded is not None and self._loaded.batcher.busy

    @property
    def weight_bytes(self) -> int:
        """Size of the file; its Q8_0 copy takes twice a 4-bit one's."""
        return self.source.stat().st_size * 2 if self.source.is_file() else 0

    def warm(self, progress: Progress | None = None) -> None:
        """Rewrite the model as Q8_0 (10 to 20 s, the first time ever) and load it (about 5 s).

        Raises:
            ModelMissing: the file is absent or broken.
            EngineFailed: OpenVINO cannot load it.
        """
        self._model(progress)

    def close(self) -> None:
        """Unload; answers under way end with EngineFailed. The next call loads again."""
        with self._loading:
            if self._loaded is not None:
                self._loaded.batcher.close()
            if self._scorer is not None:
                self._scorer.close()
            self._loaded = self._scorer = None

    @property
    def window(self) -> int:
        """Tokens it reads and writes together: what the model was trained for, and the cache can hold."""
        loaded = self._model()
        return min(loaded.facts.window, loaded.capacity)

    def count_tokens(self, text: str | Sequence[BaseMessage]) -> int:
        """Tokens of a text, or of messages with the chat template around them."""
        return len(self._model().tokens.encode(text) if isinstance(text, str) else self.token_ids(text))

    def token_ids(self, messages: Sequence[BaseMessage]) -> list[int]:
        """The prompt as the model reads it."""
        tokens = self._model().tokens
        return tokens.encode(tokens.prompt(turns(messages)))

    @property
    def process(self) -> int:
        """Process number of the child that holds the model."""
        return self._model().batcher.pid

    @property
    def cache_bytes(self) -> int:
        """Size of the key-value cache; 0 before the first answer."""
        return self._model().batcher.cache_bytes

    def log_likelihood(self, messages: Sequence[BaseMessage], answer: str) -> list[float] | None:
        """Of each token of the answer; computed apart from the answers under way, by a child that remembers nothing.

        Raises:
            BadInput: prompt and answer do not fit the window.
            EngineFailed: the engine cannot start.
        """
        loaded = self._model()
        prompt, whole = self._with_answer(messages, answer)
        if len(whole) >= min(loaded.facts.window, loaded.capacity):
            raise BadInput(f"{self.name} cannot read {len(whole)} tokens at once.", "Leave the likelihood out.")
        last = len(whole) - prompt
        asked = replace(self._sampling(None, {"max_tokens": 1}), echo=last)
        stream = self._echoing(loaded).submit(whole, asked) if last else None
        for _ in stream or ():
            continue
        return stream.echoed if stream and len(stream.echoed) == last else None

    def _with_answer(self, messages: Sequence[BaseMessage], answer: str) -> tuple[int, list[int]]:
        """How many tokens of the prompt are the same with the answer behind it, and all of both."""
        tokens = self._model().tokens
        text = tokens.prompt(turns(messages))
        prompt, whole = tokens.encode(text), tokens.encode(text + answer.strip())
        same = next((at for at, (a, b) in enumerate(zip(prompt, whole, strict=False)) if a != b), len(prompt))
        return min(same, len(whole)), whole

    def _echoing(self, loaded: Loaded) -> Batcher:
        """Who gives log-probabilities: a second child beside OpenVINO's first, until this engine is closed."""
        with self._loading:
            if self._scorer is None or not self._scorer.alive:
                model = as_q8_0(self.source, self.folder)
                blocks = -(-min(loaded.facts.window, loaded.capacity) // BLOCK)
                self._scorer = Batcher(model, openvino(model, blocks, remembers=False))
            return self._scorer

    def open_stream(
        self,
        messages: Sequence[BaseMessage],
        sampling: Sampling,
        stopping: threading.Event | None = None,
        begun: Sequence[int] = (),
    ) -> TokenStream:
        """Start an answer and give its tokens; `_stream` is this with text.

        Args:
            begun: tokens that the answer begins with already; it goes on behind them.

        Raises:
            BadInput: the prompt leaves no room in the window.
            EngineFailed: the engine cannot start.
        """
        loaded = self._model()
        prompt = [*self.token_ids(messages), *begun]
        length, window = len(prompt), min(loaded.facts.window, loaded.capacity)
        if length >= window:
            raise BadInput(
                f"The question and its context are {length} tokens; {self.name} reads at most {window - 1}.",
                "Shorten the question or start a new conversation.",
            )
        room = replace(sampling, max_tokens=min(sampling.max_tokens, window - length))
        return loaded.batcher.submit(prompt, room, stopping)

    def _model(self, progress: Progress | None = None) -> Loaded:
        """The loaded model; loads it, or loads it again after a failure. One thread loads, others wait."""
        with self._loading:
            if self._loaded is None or not self._loaded.batcher.alive:
                self._loaded = None  # frees the failed one before the next takes its memory
                self._loaded = self._load(progress)
            return self._loaded

    def _load(self, progress: Progress | None = None) -> Loaded:
        return load(as_q8_0(self.source, self.folder, progress), self.cache_tokens, self.window_at_most)

    def _sampling(self, stop: list[str] | None, given: dict[str, Any]) -> Sampling:
        return Sampling(
            max_tokens=int(given.get("max_tokens") or self.max_tokens),
            temperature=float(given.get("temperature", self.temperature)),
            repetition_penalty=float(given.get("repetition_penalty", self.repetition_penalty)),
            stop=tuple(stop if stop is not None else self.stop or ()),
            adapter=str(given.get("adapter") or ""),
        )

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        stopping: threading.Event | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """Text as it is certain, then one empty chunk with usage and timings."""
        sampling = self._sampling(stop, kwargs)
        stream = self.open_stream(messages, sampling, stopping)
        text, stops = TokenText(self._model().tokens.decode), StopStrings(sampling.stop)
        try:
            for tokens in stream:
                if piece := stops.push(text.push(tokens)):
                    yield _chunk(piece, run_manager)
                if stops.found:
                    break
            if piece := stops.push(text.finish()) + stops.finish():
                yield _chunk(piece, run_manager)
        finally:
            stream.stop()
        yield self._last_chunk(stream, "stop" if stops.found else stream.finish)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _last_chunk(self, stream: TokenStream, finish: str) -> ChatGenerationChunk:
        total = stream.prompt_tokens + stream.tokens
        ended = stream.finished_at or time.monotonic()
        facts = {
            "model_name": self.name,
            "finish_reason": finish,
            "first_token_s": stream.first_at - stream.submitted if stream.first_at else None,
            "total_s": ended - stream.submitted,
            "mean_logprob": sum(stream.logprobs) / len(stream.logprobs) if stream.logprobs else None,
        }
        usage = UsageMetadata(input_tokens=stream.prompt_tokens, output_tokens=stream.tokens, total_tokens=total)
        message = AIMessageChunk(content="", usage_metadata=usage, response_metadata=facts, chunk_position="last")
        return ChatGenerationChunk(message=message)

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return LangSmithParams(
            ls_provider="triptych",
            ls_model_name=str(kwargs.get("model") or self.name),
            ls_model_type="chat",
            ls_temperature=float(kwargs.get("temperature", self.temperature)),
            ls_max_tokens=int(kwargs.get("max_tokens") or self.max_tokens),
            ls_stop=stop or self.stop or [],
        )

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.name, "max_tokens": self.max_tokens, "temperature": self.temperature}

    @property
    def _llm_type(self) -> str:
        return "triptych-embedded"


def turns(messages: Sequence[BaseMessage]) -> list[tuple[str, str]]:
    """(role, text) of each message, a system message first.

    Raises:
        BadInput: a message holds an image or anything else that is not text.
    """
    found = [(ROLES.get(message.type, "user"), text_of(message)) for message in messages]
    return found if found and found[0][0] == "system" else [("system", SYSTEM), *found]


def text_of(message: BaseMessage) -> str:
    """The words of a message; raises BadInput when it holds anything else."""
    blocks = [] if isinstance(message.content, str) else message.content
    if any(isinstance(block, dict) and block.get("type") != "text" for block in blocks):
        raise BadInput("The base model reads text only.", "Leave images and files out of the question.")
    return str(message.text)


def _chunk(text: str, run_manager: CallbackManagerForLLMRun | None) -> ChatGenerationChunk:
    """`stream()` reports to callbacks by itself; a manager comes only from `_generate`."""
    chunk = ChatGenerationChunk(message=AIMessageChunk(content=text))
    if run_manager:
        run_manager.on_llm_new_token(text, chunk=chunk)
    return chunk
