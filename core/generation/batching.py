"""Many answers at once from one model: hands requests to the child that steps it, and tokens to who waits.

The child (`stepping`) batches continuously: each step reads up to `STEP_TOKENS` of prompts and writes one
token for every running answer. Knows requests as token numbers only; text, templates and the model file
are elsewhere.
"""

import itertools
import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import priority
from core.errors import EngineFailed
from core.generation.engine import Sampling, is_set

log = logging.getLogger(__name__)

STEP_TOKENS = 256
"""Prompt tokens read in one step. A stop and everyone else's next token wait for one step at most."""

SCRIPT = Path(__file__).with_name("stepping.py")


@dataclass(frozen=True, slots=True)
class Child:
    """The program that holds the model: `stepping` or `torch_stepping`.

    Attributes:
        name: of the library it loads the model with, for messages.
        remedy: what to do when that fails.
    """

    name: str
    script: Path
    arguments: tuple[str, ...]
    remedy: str


def openvino(model: Path, blocks: int, *, remembers: bool = True) -> Child:
    """OpenVINO GenAI with a key-value cache of so many blocks of 32 tokens.

    `remembers`: known beginnings of prompts are not read again; of what is not read there are no log-probabilities.
    """
    remedy = "Delete that file; it is made again at the next start."
    arguments = (str(model), str(blocks), str(STEP_TOKENS), "remembers" if remembers else "forgets")
    return Child("OpenVINO", SCRIPT, arguments, remedy)


ENDS = {
    "adapter": EngineFailed("The adapter could not be loaded.", "Train it again, or roll back to another one."),
    "refused": EngineFailed("The engine refused these settings.", "Check temperature and repetition penalty."),
    "full": EngineFailed("The engine's memory is too small for this question.", "Shorten it."),
}


class TokenStream:
    """The tokens of one answer as they are written; iterate it in any thread, once.

    Attributes:
        prompt_tokens: length of the prompt.
        tokens: how many were handed out so far.
        steps_to_first: steps until the first token; 1 when all but the end of the prompt was known.
        logprobs: of the tokens written so far, the end token's too; natural logarithms.
        finish: "stop" (end token), "length", "stopped", "failed"; "" while it runs.
        echoed: log-probabilities of the end of the prompt, where they were asked for.
        submitted, first_at, finished_at: `time.monotonic()` seconds; None until then.
    """

    def __init__(self, number: int, prompt_tokens: int, batcher: "Batcher", stopping: threading.Event | None) -> None:
        self.number = number
        self.prompt_tokens = prompt_tokens
        self.tokens = 0
        self.steps_to_first = 0
        self.logprobs: list[float] = []
        self.finish = ""
        self.echoed: list[float] = []
        self.submitted = time.monotonic()
        self.first_at: float | None = None
        self.finished_at: float | None = None
        self._batcher = batcher
        self._stopping = stopping
        self._arrived: queue.SimpleQueue[list[int] | EngineFailed | None] = queue.SimpleQueue()

    def stop(self) -> None:
        """Write no more. Nobody else's answer is touched; harmless when it has ended."""
        self._batcher.stop(self)

    @property
    def stop_asked(self) -> bool:
        """Whether the event that came with the request was set."""
        return is_set(self._stopping)

    def __iter__(self) -> Iterator[list[int]]:
        """Raises EngineFailed when the engine stopped working."""
        while (item := self._arrived.get()) is not None:
            if isinstance(item, EngineFailed):
                raise item
            yield item

    def deliver(self, tokens: list[int], logprobs: Sequence[float] = ()) -> None:
        """One step passed and wrote these; called by the batcher."""
        self.logprobs += logprobs
        self.steps_to_first += self.first_at is None
        if tokens and not self.finish:
            self.first_at = self.first_at or time.monotonic()
            self.tokens += len(tokens)
            self._arrived.put(tokens)

    def end(self, finish: str, error: EngineFailed | None = None) -> None:
        """Nothing more will come; called by the batcher. Only the first call counts."""
        if not self.finish:
            self.finish = finish
            self.finished_at = time.monotonic()
            self._arrived.put(error)


class Batcher:
    """Starts the child, waits until the model is loaded, and serves any number of streams.

    Args:
        model: what is loaded, for messages.
        child: who loads it.

    Attributes:
        cache_bytes: size of that cache; 0 before the first step.
        cache_use: per cent of it that the last step's requests used.
        rows: the most answers that one pass of the model has written so far, where the child says.

    Raises:
        EngineFailed: the model cannot be read.
    """

    def __init__(self, model: Path, child: Child) -> None:
        command = [sys.executable, "-P", str(child.script), *child.arguments]
        offline = os.environ | {"HF_HUB_OFFLINE": "1"}
        self._child = subprocess.Popen(  # not of the terminal: what Ctrl+C ends is the server, which ends this in order
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=offline, start_new_session=True
        )
        self._numbers = itertools.count()
        self._streams: dict[int, TokenStream] = {}
        self._lock = threading.RLock()
        self._over: EngineFailed | None = None
        self.cache_use = 0.0
        self.cache_bytes = 0
        self.rows = 0
        with priority.giving_way(self._child.pid):  # pages come first while nothing can be answered yet
            self._greet(model, child)
        self._thread = threading.Thread(target=self._listen, name="triptych-engine", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it still takes requests."""
        return self._over is None and self._child.poll() is None

    @property
    def busy(self) -> bool:
        """Whether an answer is under way."""
        return bool(self._streams)

    @property
    def pid(self) -> int:
        """The child's process number."""
        return self._child.pid

    def submit(self, prompt: Sequence[int], sampling: Sampling, stopping: threading.Event | None = None) -> TokenStream:
        """Queue a request. Prompt and answer together must fit the cache: the pipeline would step for ever.

        Raises:
            EngineFailed: it was closed, or the child is gone.
        """
        with self._lock:
            if self._over is not None:
                raise self._over
            stream = TokenStream(next(self._numbers), len(prompt), self, stopping)
            self._streams[stream.number] = stream
            self._send(
                {
                    "add": stream.number,
                    "prompt": list(prompt),
                    "max_tokens": sampling.max_tokens,
                    "temperature": sampling.temperature,
                    "repetition_penalty": sampling.repetition_penalty,
                    "adapter": sampling.adapter,
                    "echo": sampling.echo,
                }
            )
        return stream

    def stop(self, stream: TokenStream) -> None:
        """End one stream now; the child drops it before its next step."""
        with self._lock:
            if self._streams.pop(stream.number, None):
                stream.end("stopped")
                self._send({"stop": stream.number})

    def forget(self, adapter: str) -> None:
        """Have the child let go of an adapter that is not to be used any more."""
        with self._lock:
            if self._over is None:
                self._send({"forget": adapter})

    def close(self) -> None:
        """End every answer with EngineFailed and the child with them."""
        self._fail(EngineFailed("The engine was closed while it wrote.", "Ask again."))
        self._child.kill()  # it has nothing to save, and a step in progress may take a second
        self._thread.join()

    def _greet(self, model: Path, child: Child) -> None:
        """Wait for the child's first line: loaded, or why not."""
        assert self._child.stdout is not None  # it was opened as a pipe
        first = json.loads(self._child.stdout.readline() or b'{"error": "the process ended while it loaded"}')
        if "ready" not in first:
            self._end_child()
            log.error("%s could not load %s: %s", child.name, model.name, first["error"])
            if remedy := first.get("remedy"):  # the child knows the reason, in words for people
                raise EngineFailed(f"{model.name} {first['error']}", remedy)
            raise EngineFailed(f"{child.name} could not load {model.name}.", child.remedy)

    def _send(self, command: dict[str, Any]) -> None:
        """Under the lock. A child that is gone is noticed by the listener, which fails the streams."""
        assert self._child.stdin is not None  # it was opened as a pipe
        try:
            self._child.stdin.write(json.dumps(command).encode() + b"\n")
            self._child.stdin.flush()
        except OSError:
            log.warning("the engine's process does not listen any more")

    def _listen(self) -> None:
        """Until the child ends, whatever ends it."""
        assert self._child.stdout is not None  # it was opened as a pipe
        for line in self._child.stdout:
            with self._lock:
                self._hand_out(json.loads(line))
        self._fail(EngineFailed("The engine stopped working.", "Ask again: it starts anew."))
        self._end_child()

    def _hand_out(self, step: dict[str, Any]) -> None:
        self.cache_use, self.cache_bytes = step["cache"], step["cache_bytes"]
        self.rows = max(self.rows, step.get("rows", 0))
        for stream in list(self._streams.values()):
            number = str(stream.number)
            stream.echoed += step.get("echoed", {}).get(number, [])
            stream.deliver(step["tokens"].get(number, []), step["logprobs"].get(number, []))
            if reason := step["ends"].get(number):
                del self._streams[stream.number]
                error = ENDS.get(reason)
                stream.end("failed" if error else reason, error)
            elif stream.stop_asked:
                self.stop(stream)

    def _fail(self, error: EngineFailed) -> None:
        with self._lock:
            self._over = self._over or error
            left, self._streams = list(self._streams.values()), {}
        for stream in left:
            stream.end("failed", error)

    def _end_child(self) -> None:
        """Reap it and close its pipes."""
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    log.debug("the pipe to the engine was broken already")
