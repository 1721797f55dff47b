"""On the torch engine: how soon does a promoted adapter answer, and what do several in one batch cost?

    python -m benchmarks.adapters --workspace W [--folder BASE] [--rounds 3]

The base is the packaged model as a folder (made in W once), or a folder of one's own; the adapters have random matrices
of the presets' rank on every linear layer, which cost what trained ones cost. Cold: the engine is not loaded, as after
a start of the program. Warm: the base model answers already, and an adapter is promoted.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from langchain_core.messages import HumanMessage

from benchmarks.report import table, write
from core.finetuning.base import prepared
from core.generation.batching import TokenStream
from core.generation.engine import Sampling
from core.generation.torch_chat import AdaptedChat, TorchChat
from core.models import packaged_gguf

RANK, TOKENS = 16, 48
ASKED = [HumanMessage("The rent of Unit 7 is 2,400 pounds a month, payable in advance. " * 12 + "What is the rent?")]


def adapter(base: Path, folder: Path, seed: int) -> Path:
    """A peft folder with random matrices, on every linear layer."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    config = LoraConfig(r=RANK, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).save_pretrained(folder)
    return folder


def first_word(engine: TorchChat) -> float:
    """Seconds from the question to the first token."""
    began = time.perf_counter()
    stream = engine.open_stream(ASKED, Sampling(max_tokens=1))
    for _ in stream:
        pass
    return time.perf_counter() - began


def written(streams: list[TokenStream]) -> int:
    """Tokens of all of them, once they have ended."""
    return sum(len(tokens) for stream in streams for tokens in stream)


def speeds(engines: list[TorchChat]) -> tuple[float, float]:
    """Tokens a second one after another, and all at once."""
    sampling = Sampling(max_tokens=TOKENS)
    began = time.perf_counter()
    apart = sum(written([engine.open_stream(ASKED, sampling)]) for engine in engines)
    middle = time.perf_counter()
    together = written([engine.open_stream(ASKED, sampling) for engine in engines])
    return apart / (middle - began), together / (time.perf_counter() - middle)


def main() -> None:
    """Measure and write `results/adapters.md`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-w", "--workspace", type=Path, required=True)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    base = options.folder or prepared(packaged_gguf(), options.workspace / "models").folder
    chat = TorchChat(name="base", source=base, folder=base)
    with tempfile.TemporaryDirectory(dir=options.workspace) as scratch:
        made = [adapter(base, Path(scratch) / str(seed), seed) for seed in range(2)]
        engines = [AdaptedChat(name="a", source=base, folder=base, base=lambda: chat, adapter=str(f)) for f in made]
        cold = first_word(engines[0])
        warm = first_word(engines[1])
        again = median(first_word(engines[1]) for _ in range(options.rounds))
        found = [speeds([chat, *engines]) for _ in range(options.rounds)]
        rows = chat._model().batcher.rows
        chat.close()
    apart, together = (median(each) for each in zip(*found, strict=True))
    body = table(
        ["", "figure"],
        [
            ["from promotion to the first word, the engine not loaded, s", cold],
            ["from promotion to the first word, the base model answering, s", warm],
            ["the same question once more, s", again],
            ["base and two adapters one after another, tokens/s", apart],
            ["the same at once, tokens/s", together],
        ],
    )
    body += f"\n\nAt once {together / apart:.2f} times as many tokens as one after another; {rows} rows in a pass.\n"
    write("adapters", "Adapters on the torch engine", body)


if __name__ == "__main__":
    main()
