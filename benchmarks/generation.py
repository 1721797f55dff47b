"""How fast the embedded engine writes, beside torch on the same weights in the same run.

    python -m benchmarks.generation          (results in benchmarks/results/generation.md and .json)

Measures one prompt of about 700 tokens: reading and writing speed, the first word with and without a known
beginning, and four questions at once against one after the other. torch runs in float32 and in bf16, because bf16
is the slower one by far on a CPU without bf16 instructions. Says nothing of how good the answers are.
"""

import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from benchmarks.report import machine, notes
from core.generation.batching import TokenStream
from core.generation.embedded import EmbeddedChat
from core.generation.engine import Sampling
from core.models import packaged_gguf

RESULTS = Path(__file__).with_name("results")
WRITE = 24
REPEATS = 2
QUESTIONS = ("What does clause 3 say?", "And clause 12?", "Which part is due first?", "How many clauses are there?")


def messages(contract: int, question: str) -> list[BaseMessage]:
    """About 700 tokens; another contract number is another beginning."""
    clauses = (
        f"Contract {contract}, clause {n}: the supplier delivers part {n * 7 + contract} by day {n}." for n in range(22)
    )
    return [SystemMessage(f"You answer from contract {contract}."), HumanMessage(f"{' '.join(clauses)}\n\n{question}")]


def run(engine: EmbeddedChat, prompt: list[BaseMessage], tokens: int = WRITE) -> TokenStream:
    stream = engine.open_stream(prompt, Sampling(max_tokens=tokens))
    for _ in stream:
        pass
    return stream


def first_word(stream: TokenStream) -> float:
    return (stream.first_at or 0) - stream.submitted


def decode_speed(stream: TokenStream) -> float:
    return (stream.tokens - 1) / ((stream.finished_at or 0) - (stream.first_at or 0))


def embedded(engine: EmbeddedChat) -> dict[str, float]:
    """Medians over REPEATS contracts, each read cold and then asked again."""
    cold = [run(engine, messages(number, QUESTIONS[0])) for number in range(REPEATS)]
    warm = [run(engine, messages(number, QUESTIONS[1])) for number in range(REPEATS)]
    together = [messages(100, question) for question in QUESTIONS]
    apart = [messages(100, f"Please: {question}") for question in QUESTIONS]
    run(engine, messages(100, "?"), 1)
    started = time.perf_counter()
    for prompt in apart:
        run(engine, prompt)
    one_by_one = time.perf_counter() - started
    started = time.perf_counter()
    with ThreadPoolExecutor(len(together)) as threads:
        list(threads.map(lambda prompt: run(engine, prompt), together))
    at_once = time.perf_counter() - started
    return {
        "prompt_tokens": cold[0].prompt_tokens,
        "prefill_tokens_per_s": median(stream.prompt_tokens / first_word(stream) for stream in cold),
        "decode_tokens_per_s": median(decode_speed(stream) for stream in cold if stream.tokens > 8),
        "first_word_cold_s": median(map(first_word, cold)),
        "first_word_warm_s": median(map(first_word, warm)),
        "four_one_by_one_s": one_by_one,
        "four_at_once_s": at_once,
    }


def transformers(gguf: Path, prompt: list[int], kind: str) -> dict[str, float]:
    """transformers' generate on the dequantized weights, the first token and the rest timed apart.

    Args:
        kind: "float32" or "bfloat16".
    """
    import torch
    from transformers import AutoModelForCausalLM, GgufConfig

    dense = GgufConfig(dequantize=True)
    model: Any = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=getattr(torch, kind), quantization_config=dense
    ).eval()
    ids = torch.tensor([prompt])  # [1, tokens]

    def seconds(tokens: int) -> float:
        started = time.perf_counter()
        options = {"max_new_tokens": tokens, "min_new_tokens": tokens, "do_sample": False, "pad_token_id": 2}
        model.generate(ids, attention_mask=torch.ones_like(ids), **options)
        return time.perf_counter() - started

    seconds(1)
    first = median(seconds(1) for _ in range(REPEATS))
    whole = median(seconds(WRITE) for _ in range(REPEATS))
    return {
        "prefill_tokens_per_s": len(prompt) / first,
        "decode_tokens_per_s": (WRITE - 1) / (whole - first),
        "first_word_cold_s": first,
    }


def report(ours: dict[str, float], peers: dict[str, dict[str, float]]) -> str:
    """Ratios are to the better of the peers."""
    rows = []
    for name in next(iter(peers.values())):
        best = (min if name.endswith("_s") and "per_s" not in name else max)(peer[name] for peer in peers.values())
        cells = [f"{measured[name]:.2f}" for measured in (ours, *peers.values())]
        rows.append(f"| {name} | {' | '.join(cells)} | {ours[name] / best:.2f} |")
    sooner = ours["first_word_cold_s"] / ours["first_word_warm_s"]
    gain = ours["four_one_by_one_s"] / ours["four_at_once_s"]
    return f"""# Generation, SmolLM2-135M-Instruct, greedy

{date.today()}, {machine()}; `python -m benchmarks.generation`.
Medians of {REPEATS}; a prompt of {ours["prompt_tokens"]:.0f} tokens, {WRITE} written. A load above the number of cores
means that others were computing too: then only large differences mean anything.

| | embedded (OpenVINO, Q8_0) | {" | ".join(f"transformers, torch {kind}" for kind in peers)} | ratio to the better |
|---|---|{"---|" * len(peers)}---|
{chr(10).join(rows)}

- First word, beginning known: **{ours["first_word_warm_s"]:.2f} s**, {sooner:.1f} times sooner than cold.
- Four questions on one contract: {ours["four_at_once_s"]:.1f} s at once, {ours["four_one_by_one_s"]:.1f} s one by one
  ({gain:.2f}x).
"""


def main() -> None:
    source = packaged_gguf()
    with tempfile.TemporaryDirectory() as folder:
        engine = EmbeddedChat(source=source, folder=Path(folder))
        try:
            run(engine, messages(999, "?"), 4)
            ours = embedded(engine)
            prompt = engine.token_ids(messages(0, QUESTIONS[0]))
        finally:
            engine.close()
    peers = {kind: transformers(source, prompt, kind) for kind in ("float32", "bfloat16")}
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / "generation.md"
    kept = notes(file.read_text("utf-8")) if file.is_file() else ""
    file.write_text(report(ours, peers) + kept, "utf-8")
    (RESULTS / "generation.json").write_text(json.dumps({"embedded": ours, "torch": peers}, indent=1), "utf-8")
    print(report(ours, peers))


if __name__ == "__main__":
    main()
