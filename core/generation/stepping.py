"""The child process that holds the model and steps it; started by `batching`, never imported by it.

    python -P stepping.py MODEL BLOCKS STEP_TOKENS [remembers|forgets]

A process of its own because OpenVINO's `step()` keeps Python's interpreter lock: in the server's process
every page would stand still while a prompt is read (3.5 s were measured). It also means that a crash in
native code, or the system taking its memory, costs the answers under way and nothing else.

JSON lines. In: {"add": n, "prompt": [..], "max_tokens", "temperature", "repetition_penalty", "echo": k} and
{"stop": n}. With `echo` the log-probabilities of the last k prompt tokens come back, in a child that forgets: OpenVINO
gives none for tokens that it finds in its cache.
Out: {"ready": true} or {"error": text} once; then a line a step, {"tokens": {n: [..]}, "logprobs": {n: [..]},
"ends": {n: reason}, "cache": per cent in use, "cache_bytes": its size, "echoed": {n: [..]}}; an empty one tells
the parent that a step passed. A log-probability is that of a token written, the end token's too, so there may be one
more than tokens.
It ends when its input does. Knows nothing of text, and imports nothing of the product.
"""

import json
import os
import select
import sys
from typing import Any

END_OF_LINE = b"\n"


class Requests:
    """Commands from standard input, read without a second thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._left = b""
        self.open = True

    def take(self, *, wait: bool) -> list[dict[str, Any]]:
        """Commands that have arrived; waits for the first one when `wait`. Sets `open` at the end of input."""
        if not select.select([self._descriptor], [], [], None if wait else 0)[0]:
            return []
        piece = os.read(self._descriptor, 1 << 20)
        self.open = bool(piece)
        *lines, self._left = (self._left + piece).split(END_OF_LINE)
        return [json.loads(line) for line in lines]


def silence() -> None:
    """OpenVINO tells its makers of each import; without this module it has nothing to tell it with."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # as Python marks what may not be imported


class Stepper:
    """The pipeline and the requests it is working on, by number."""

    def __init__(self, model: str, blocks: int, step_tokens: int, remembers: bool = True) -> None:
        silence()
        import openvino_genai

        self._genai = openvino_genai
        scheduler = openvino_genai.SchedulerConfig()
        scheduler.num_kv_blocks = blocks
        scheduler.max_num_batched_tokens = step_tokens
        scheduler.enable_prefix_caching = remembers
        self._pipeline = openvino_genai.ContinuousBatchingPipeline(model, scheduler, "CPU", {})
        self._end_token = self._pipeline.get_tokenizer().get_eos_token_id()
        self._handles: dict[int, Any] = {}
        self._refused: dict[int, str] = {}
        self._echo: dict[int, int] = {}

    @property
    def busy(self) -> bool:
        """Whether there is anything to step or to report."""
        return bool(self._handles or self._refused)

    def obey(self, command: dict[str, Any]) -> None:
        """Start or stop one request."""
        if "add" in command:
            self._add(command["add"], command)
        elif handle := self._handles.pop(command["stop"], None):
            handle.cancel()

    def step(self) -> dict[str, Any]:
        """One step of the pipeline for all of them; what it wrote."""
        if self._pipeline.has_non_finished_requests():
            self._pipeline.step()
        tokens: dict[int, list[int]] = {}
        logprobs: dict[int, list[float]] = {}
        echoed: dict[int, list[float]] = {}
        ends, self._refused = self._refused, {}
        for number, handle in list(self._handles.items()):
            outputs = list(handle.read().values()) if handle.can_read() else []
            if outputs and number in self._echo:
                echoed[number] = self._echoed(number, outputs[0])
            elif outputs:
                logprobs[number] = [float(each) for output in outputs for each in output.generated_log_probs]
            written = [token for output in outputs for token in output.generated_ids if token != self._end_token]
            if written:
                tokens[number] = written
            if reason := self._ended(handle, outputs):
                ends[number] = reason
                del self._handles[number]
                self._echo.pop(number, None)
        metrics = self._pipeline.get_metrics()
        cache = {"cache": metrics.cache_usage, "cache_bytes": metrics.kv_cache_size_in_bytes}
        return {"tokens": tokens, "logprobs": logprobs, "ends": ends, "echoed": echoed, **cache}

    def _echoed(self, number: int, output: Any) -> list[float]:
        """Of the prompt's last tokens; behind them comes the one that was written."""
        scores = [float(score) for score in output.generated_log_probs]
        return scores[-self._echo[number] - 1 : -1]

    def _add(self, number: int, command: dict[str, Any]) -> None:
        """A request with impossible settings fails alone."""
        import numpy as np
        import openvino

        prompt = openvino.Tensor(np.asarray([command["prompt"]], dtype=np.int64))  # [1, tokens]
        if command.get("echo"):
            self._echo[number] = command["echo"]
        try:
            self._handles[number] = self._pipeline.add_request(number, prompt, self._configuration(command))
        except RuntimeError as reason:
            print(reason, file=sys.stderr)
            self._refused[number] = "refused"

    def _configuration(self, command: dict[str, Any]) -> Any:
        settings = self._genai.GenerationConfig(
            max_new_tokens=command["max_tokens"], repetition_penalty=command["repetition_penalty"], logprobs=1
        )
        settings.eos_token_id = self._end_token
        settings.stop_token_ids = {self._end_token}
        if command.get("echo"):
            settings.echo, settings.max_new_tokens = True, 1
        settings.apply_chat_template = False  # the prompt comes as tokens
        if command["temperature"] > 0:
            settings.do_sample = True
            settings.temperature = command["temperature"]
        return settings

    def _ended(self, handle: Any, outputs: list[Any]) -> str:
        """ "" while it runs; "stop" at the end token, "length" at its limit, "full" when the cache cannot hold it."""
        statuses = self._genai.GenerationStatus
        status = handle.get_status()
        if status == statuses.RUNNING:
            return ""
        if status == statuses.IGNORED:
            return "full"
        return (
            "length" if any(o.finish_reason == self._genai.GenerationFinishReason.LENGTH for o in outputs) else "stop"
        )


def serve(model: str, blocks: int, step_tokens: int, remembers: bool) -> None:
    """Load, say so, and step while there is work, until standard input ends."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not get between the lines

    def say(what: dict[str, Any]) -> None:
        print(json.dumps(what), file=out, flush=True)

    try:
        stepper = Stepper(model, blocks, step_tokens, remembers)
    except RuntimeError as reason:
        return say({"error": str(reason)})
    say({"ready": True})
    requests = Requests(0)
    while requests.open:
        for command in requests.take(wait=not stepper.busy):
            stepper.obey(command)
        if stepper.busy:
            say(stepper.step())
    return None


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), "forgets" not in sys.argv[4:])
    os._exit(0)  # OpenVINO's destructors complain of requests that were stopped a moment ago
