"""The child process that holds a transformers model and steps it; the other child of `batching`, beside `stepping`.

    python -P torch_stepping.py FOLDER STEP_TOKENS END_TOKENS

The same lines in and out as `stepping`, and the same reasons for a process of its own. A request may name an
"adapter", a folder with a PEFT adapter; it is loaded at its first use and on for that request alone. Every step gives
each request its turn: a piece of its prompt, or one token. Answers that are asked for at once are not computed
in one batch, so three of them take about three times as long as one; nobody waits for another's end, though.

CUDA when there is any, else the CPU (in bfloat16 where it has instructions for that). Knows nothing of text.
"""

import importlib.util
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Request:
    """One answer under way: `read` tokens of its prompt are in `cache`, `written` came after it."""

    prompt: list[int]
    cache: Any
    max_tokens: int
    temperature: float
    repetition_penalty: float
    adapter: str
    read: int = 0
    written: list[int] = field(default_factory=list)


class Stepper:
    """The model and the requests it is working on, by number."""

    def __init__(self, folder: str, step_tokens: int, ends: set[int]) -> None:
        import torch
        from transformers import AutoModelForCausalLM

        self._torch = torch
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        native = self._device == "cuda" or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        self._model = AutoModelForCausalLM.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.bfloat16 if native else torch.float32,
        )
        self._model.to(self._device).eval()
        self._adapters: dict[str, str] = {}
        self._step_tokens = step_tokens
        self._ends = ends
        self._requests: dict[int, Request] = {}
        self._refused: dict[int, str] = {}
        self._echoed: dict[int, list[float]] = {}

    @property
    def busy(self) -> bool:
        """Whether there is anything to step or to report."""
        return bool(self._requests or self._refused or self._echoed)

    def obey(self, command: dict[str, Any]) -> None:
        """Start or stop one request; one with an adapter that cannot be loaded fails alone."""
        if "stop" in command:
            self._requests.pop(command["stop"], None)
            return
        from transformers import DynamicCache

        adapter = command.get("adapter", "")
        try:
            self._load(adapter)
        except Exception as reason:  # noqa: BLE001  PEFT has no error of its own
            print(reason, file=sys.stderr)
            self._refused[command["add"]] = "adapter"
            return
        if command.get("echo"):
            self._echoed[command["add"]] = self._likelihood(command["prompt"], command["echo"], adapter)
            return
        cache = DynamicCache(config=self._model.config)
        settings = (command["max_tokens"], command["temperature"], command["repetition_penalty"])
        self._requests[command["add"]] = Request(command["prompt"], cache, *settings, adapter)

    def step(self) -> dict[str, Any]:
        """One turn for each of them; what was written."""
        tokens: dict[int, list[int]] = {}
        logprobs: dict[int, list[float]] = {}
        ends, self._refused = self._refused, {}
        echoed, self._echoed = self._echoed, {}
        ends |= dict.fromkeys(echoed, "stop")
        for number, request in list(self._requests.items()):
            turn = self._turn(request)
            if turn is None:
                continue
            token, logprob = turn
            logprobs[number] = [logprob]
            if token in self._ends:
                ends[number] = "stop"
            else:
                tokens[number] = [token]
                request.written.append(token)
                if len(request.written) >= request.max_tokens:
                    ends[number] = "length"
            if number in ends:
                del self._requests[number]
        return {"tokens": tokens, "logprobs": logprobs, "ends": ends, "cache": 0.0, "cache_bytes": 0, "echoed": echoed}

    def _likelihood(self, prompt: list[int], last: int, adapter: str) -> list[float]:
        """Log-probabilities of the last tokens of a prompt, each after all before it."""
        with self._torch.inference_mode():
            self._switch(adapter)
            ids = self._torch.tensor([prompt], device=self._device)  # [1, tokens]
            seen = self._model(input_ids=ids, use_cache=False, logits_to_keep=last + 1).logits[0, :-1]
            chances = self._torch.log_softmax(seen.float(), dim=-1)  # [last, vocabulary]
            found = chances.gather(1, ids[0, -last:, None])[:, 0]
        return [float(each) for each in found]

    def _turn(self, request: Request) -> tuple[int, float] | None:
        """Read on in the prompt (None until it is read), or write the next token; with its log-probability."""
        piece = request.prompt[request.read : request.read + self._step_tokens] or request.written[-1:]
        with self._torch.inference_mode():
            self._switch(request.adapter)
            ids = self._torch.tensor([piece], device=self._device)  # [1, tokens]
            seen = self._model(input_ids=ids, past_key_values=request.cache, use_cache=True, logits_to_keep=1)
            request.read += len(piece)
            if request.read < len(request.prompt):
                return None
            logits = seen.logits[0, -1].float()  # [vocabulary]
            shares = self._torch.log_softmax(logits, dim=-1)
            token = self._choose(logits, request)
            return token, float(shares[token])

    def _choose(self, logits: Any, request: Request) -> int:
        if request.repetition_penalty != 1.0:
            used = self._torch.tensor(sorted({*request.prompt, *request.written}), device=self._device)
            scores, penalty = logits[used], request.repetition_penalty
            logits[used] = self._torch.where(scores < 0, scores * penalty, scores / penalty)
        if request.temperature <= 0:
            return int(logits.argmax())
        chances = self._torch.softmax(logits / request.temperature, dim=-1)
        return int(self._torch.multinomial(chances, 1))

    def _load(self, adapter: str) -> None:
        """Read an adapter's weights (safetensors only) beside the model's, once."""
        if not adapter or adapter in self._adapters:
            return
        if not (Path(adapter) / "adapter_model.safetensors").is_file():
            raise OSError(f"{adapter} holds no adapter_model.safetensors")
        name = f"adapter{len(self._adapters)}"
        self._model.load_adapter(adapter, adapter_name=name, use_safetensors=True)
        self._adapters[adapter] = name

    def _switch(self, adapter: str) -> None:
        if not self._adapters:
            return
        if adapter:
            self._model.enable_adapters()
            self._model.set_adapter(self._adapters[adapter])
        else:
            self._model.disable_adapters()


def serve(folder: str, step_tokens: int, ends: set[int]) -> None:
    """Load, say so, and step while there is work, until standard input ends."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not get between the lines

    def say(what: dict[str, Any]) -> None:
        print(json.dumps(what), file=out, flush=True)

    try:
        stepper = Stepper(folder, step_tokens, ends)
    except Exception as reason:  # noqa: BLE001  transformers raises whatever its parts raise
        return say({"error": f"{type(reason).__name__}: {reason}"})
    say({"ready": True})
    requests = _reader()
    while requests.open:
        for command in requests.take(wait=not stepper.busy):
            stepper.obey(command)
        if stepper.busy:
            say(stepper.step())
    return None


def _reader() -> Any:
    """`stepping.Requests`, by its file: the folder must not be on the path, its `secrets` is not Python's."""
    spec = importlib.util.spec_from_file_location("stepping", Path(__file__).with_name("stepping.py"))
    assert spec is not None
    assert spec.loader is not None
    stepping = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stepping)
    return stepping.Requests(0)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), {int(token) for token in sys.argv[3].split(",") if token})
    os._exit(0)
