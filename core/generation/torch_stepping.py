"""The child process that holds a transformers model and steps it; the other child of `batching`, beside `stepping`.

    python -P torch_stepping.py FOLDER STEP_TOKENS END_TOKENS

The same lines in and out as `stepping`, and the same reasons for a process of its own. A request may name an
"adapter", a folder with a PEFT adapter; it is loaded at its first use and on for that request alone; {"forget": folder}
lets it go. Every step reads a piece of each prompt that is not read yet, and writes one token for every other
answer, all of them in one pass of the model, with whatever adapters (`torch_batch`); a line says how many "rows" that
was. A model whose answers come out otherwise in a batch (that is tried once, when it is loaded) writes them one by one.

CUDA when there is any, else the CPU (in bfloat16 where it has instructions for that). Knows nothing of text.
"""

import importlib.util
import inspect
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def _beside(name: str) -> Any:
    """A module by its file: the folder must not be on the path, its `secrets` is not Python's."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


batching = _beside("torch_batch")
Turn = tuple["Request", int, float]
"""A request with its next token, and that token's log-probability."""


ADAPTERS = 32
"""In memory at once; of those that nobody is using, the one unused longest makes room."""
BASE = "__base__"
"""What peft calls a row without an adapter."""
SHORTEST_PIECE = 32
NO_MEMORY = "Close what takes memory there, choose a smaller base model, or serve it elsewhere and add that endpoint."
CLOSE = 0.05
"""How far logits in a batch may be from those alone, as a share of the largest: several steps of bfloat16."""


@dataclass(eq=False)
class Request:
    """One answer under way: `read` tokens of its prompt are in `cache`, `written` came after it."""

    prompt: list[int]
    cache: Any
    max_tokens: int
    temperature: float
    repetition_penalty: float
    adapter: str
    number: int = -1
    read: int = 0
    written: list[int] = field(default_factory=list)


class NoMemory(Exception):
    """A model does not fit; the words are for people, behind the model's name."""


def _fits(wanted: int, free: int, where: str) -> None:
    """Raises NoMemory when so many bytes are not free; what answers need comes on top."""
    if wanted > free:
        raise NoMemory(f"needs at least {wanted / 1e9:.1f} GB of {where}; {free / 1e9:.1f} GB are free.")


def put_on(model: Any, device: str, torch: Any) -> Any:
    """The model on its device; raises NoMemory, before anything is moved where that can be known."""
    if device == "cuda":
        wanted = sum(each.numel() * each.element_size() for each in (*model.parameters(), *model.buffers()))
        _fits(wanted, torch.cuda.mem_get_info()[0], "the GPU's memory")
    try:
        return model.to(device)
    except torch.OutOfMemoryError as error:
        raise NoMemory("does not fit into the GPU's memory beside what is there.") from error


class Stepper:
    """The model and the requests it is working on, by number."""

    def __init__(self, folder: str, step_tokens: int, ends: set[int]) -> None:
        import psutil  # type: ignore[import-untyped]

        files = sum(file.stat().st_size for file in Path(folder).glob("*.safetensors"))
        _fits(files, psutil.virtual_memory().available, "memory")

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
        put_on(self._model, self._device, torch).eval()
        self._takes_places = "position_ids" in inspect.signature(self._model.forward).parameters
        self._peft: Any = None
        self._adapters: dict[str, str] = {}  # by folder, the name it has here; least recently used first
        self._named = 0
        self._step_tokens = step_tokens
        self._ends = ends
        self._requests: dict[int, Request] = {}
        self._batches: list[Any] = []
        self._refused: dict[int, str] = {}
        self._echoed: dict[int, list[float]] = {}
        self._most = self._rows_that_fit()

    @property
    def busy(self) -> bool:
        """Whether there is anything to step or to report."""
        return bool(self._requests or self._refused or self._echoed)

    def obey(self, command: dict[str, Any]) -> None:
        """Start or stop one request, or let an adapter go; one whose adapter cannot be loaded fails alone."""
        if "stop" in command:
            self._end([command["stop"]])
        elif "forget" in command:
            self._forget(command["forget"])
        else:
            self._add(command["add"], command)

    def step(self) -> dict[str, Any]:
        """One turn for each of them; what was written."""
        ends, self._refused = self._refused, {}
        echoed, self._echoed = self._echoed, {}
        ends |= dict.fromkeys(echoed, "stop")
        reading = [request for request in self._requests.values() if request.read < len(request.prompt)]
        turns = self._write()
        rows = len(turns)
        turns += self._read(reading)
        tokens: dict[int, list[int]] = {}
        logprobs: dict[int, list[float]] = {}
        for request, token, logprob in turns:
            logprobs[request.number] = [logprob]
            if token in self._ends:
                ends[request.number] = "stop"
            else:
                tokens[request.number] = [token]
                request.written.append(token)
                if len(request.written) >= request.max_tokens:
                    ends[request.number] = "length"
        self._end(ends)
        for request in reading:
            if request.written and request.number in self._requests:
                batching.join(self._batches, request, lambda: batching.Batch(self._torch, self._forward, self._most))
        found = {"tokens": tokens, "logprobs": logprobs, "ends": ends, "echoed": echoed}
        return found | {"cache": 0.0, "cache_bytes": 0, "rows": rows}

    def _add(self, number: int, command: dict[str, Any]) -> None:
        adapter = command.get("adapter", "")
        try:
            self._load(adapter)
        except Exception as reason:  # noqa: BLE001  PEFT has no error of its own
            print(reason, file=sys.stderr)
            self._refused[number] = "adapter"
            return
        if command.get("echo"):
            self._echoed[number] = self._likelihood(command["prompt"], command["echo"], adapter)
            return
        settings = (command["max_tokens"], command["temperature"], command["repetition_penalty"])
        self._requests[number] = Request(command["prompt"], self._new_cache(), *settings, adapter, number)

    def _end(self, numbers: Iterable[int]) -> None:
        """Work no more on these; the others are not touched."""
        gone = [self._requests.pop(number) for number in numbers if number in self._requests]
        batching.leave(self._batches, gone)

    def _read(self, reading: Sequence[Request]) -> list[Turn]:
        """A piece of each prompt that is not read yet; the first token of those whose last piece it was."""
        turns = []
        for request in reading:
            most = max(SHORTEST_PIECE, self._step_tokens // len(reading))
            piece = request.prompt[request.read : request.read + most]
            logits = self._forward(self._torch.tensor([piece]), request.cache, [request.adapter])
            request.read += len(piece)
            if request.read == len(request.prompt):
                turns.append((request, *self._chosen(logits[0, -1], request)))
        return turns

    def _write(self) -> list[Turn]:
        """One token for every answer whose prompt is read: one pass for each batch of them."""
        turns = []
        for batch in self._batches:
            logits = batch.step()  # [rows, vocabulary]
            turns += [(each, *self._chosen(row, each)) for each, row in zip(batch.requests, logits, strict=True)]
        return turns

    def _forward(
        self, ids: Any, cache: Any, adapters: Sequence[str], mask: Any = None, places: Any = None, last: int = 1
    ) -> Any:
        """Logits [rows, last, vocabulary] of a pass; `mask` and `places` where rows are padded."""
        given: dict[str, Any] = {"input_ids": ids.to(self._device), "logits_to_keep": last}
        given |= {"use_cache": cache is not None, "past_key_values": cache}
        if mask is not None:
            given["attention_mask"] = mask.to(self._device)
            given |= {"position_ids": places.to(self._device)} if self._takes_places else {}
        with self._torch.inference_mode():
            if self._peft is None:
                return self._model(**given).logits
            names = [self._adapters[adapter] if adapter else BASE for adapter in adapters]
            return self._peft(adapter_names=names, **given).logits

    def _rows_that_fit(self) -> int:
        """How many answers go into one pass: one where padded rows do not say what they say alone."""
        torch, vocabulary = self._torch, self._model.config.get_text_config().vocab_size
        prompts = [[(7 * place + 3) % vocabulary for place in range(length)] for length in (5, 9)]
        self._most = batching.ROWS
        try:
            alone, batch = [], batching.Batch(torch, self._forward)
            for prompt in prompts:
                whole = self._forward(torch.tensor([prompt]), self._new_cache(), [""])
                alone.append(whole[0, -1])
                request = Request(prompt[:-1], self._new_cache(), 1, 0.0, 1.0, "", written=prompt[-1:])
                self._forward(torch.tensor([request.prompt]), request.cache, [""])
                batch.join(request)
            wanted, found = torch.stack(alone).float(), batch.step().float()
        except Exception as reason:  # noqa: BLE001  each family has its own way of not being able to
            print(f"answers are written one by one: {reason}", file=sys.stderr)
            return 1
        return batching.ROWS if bool((wanted - found).abs().max() <= CLOSE * wanted.abs().max()) else 1

    def _new_cache(self) -> Any:
        """Where rows are joined every layer keeps all of them; else it is as the model's family wants it."""
        from transformers import DynamicCache

        return DynamicCache() if self._most > 1 else DynamicCache(config=self._model.config)

    def _likelihood(self, prompt: list[int], last: int, adapter: str) -> list[float]:
        """Log-probabilities of the last tokens of a prompt, each after all before it."""
        ids = self._torch.tensor([prompt])  # [1, tokens]
        seen = self._forward(ids, None, [adapter], last=last + 1)[0, :-1]
        chances = self._torch.log_softmax(seen.float(), dim=-1)  # [last, vocabulary]
        found = chances.gather(1, ids[0, -last:, None].to(self._device))[:, 0]
        return [float(each) for each in found]

    def _chosen(self, logits: Any, request: Request) -> tuple[int, float]:
        """The next token, with its log-probability."""
        logits = logits.float()  # [vocabulary]
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
        if not adapter:
            return
        if adapter in self._adapters:
            self._adapters[adapter] = self._adapters.pop(adapter)
            return
        if not (Path(adapter) / "adapter_model.safetensors").is_file():
            raise OSError(f"{adapter} holds no adapter_model.safetensors")
        from peft import PeftModel

        name, self._named = f"adapter{self._named}", self._named + 1
        kind = {"autocast_adapter_dtype": False}  # as the base has it: casts would cost more than they gain
        if self._peft is None:
            self._peft = PeftModel.from_pretrained(self._model, adapter, adapter_name=name, **kind).eval()
        else:
            self._peft.load_adapter(adapter, adapter_name=name, **kind)
        self._adapters[adapter] = name
        used = {request.adapter for request in self._requests.values()}
        for folder in [each for each in self._adapters if each not in used][: max(0, len(self._adapters) - ADAPTERS)]:
            self._forget(folder)

    def _forget(self, adapter: str) -> None:
        """Take an adapter's weights out of memory; answers that it is writing are refused."""
        name = self._adapters.pop(adapter, "")
        if not name:
            return
        using = [number for number, request in self._requests.items() if request.adapter == adapter]
        self._refused |= dict.fromkeys(using, "adapter")
        self._end(using)
        if self._adapters:
            self._peft.delete_adapter(name)
        else:
            self._model, self._peft = self._peft.unload(), None


def serve(folder: str, step_tokens: int, ends: set[int]) -> None:
    """Load, say so, and step while there is work, until standard input ends."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not get between the lines

    def say(what: dict[str, Any]) -> None:
        print(json.dumps(what), file=out, flush=True)

    try:
        stepper = Stepper(folder, step_tokens, ends)
    except NoMemory as reason:
        return say({"error": str(reason), "remedy": NO_MEMORY})
    except Exception as reason:  # noqa: BLE001  transformers raises whatever its parts raise
        return say({"error": f"{type(reason).__name__}: {reason}"})
    say({"ready": True})
    requests = _beside("stepping").Requests(0)
    while requests.open:
        for command in requests.take(wait=not stepper.busy):
            stepper.obey(command)
        if stepper.busy:
            say(stepper.step())
    return None


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), {int(token) for token in sys.argv[3].split(",") if token})
    os._exit(0)
