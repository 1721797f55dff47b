"""How fast is our trainer? Tokens a second against TRL's SFTTrainer: same base model, same lessons, same loss, one run.

    pip install trl datasets     (the peer; not a dependency of the product)
    python -m benchmarks.training --workspace FOLDER [--lessons 16] [--length 512] [--epochs 3]

Lessons are random tokens of one length with 32 answer tokens: what they say changes nothing about the time. Both
compute in float32 where the processor has no bfloat16; TRL runs without gradient checkpointing (its default, which
is slower here) and without padding, its loss on the completion alone. Two layouts of LoRA: every layer, and the
presets' upper layers. Where the processor has bfloat16 both hold the base model in it, and TRL is tried with and
without autocast: its better one counts. All are measured --times times in turns, and the fastest of each counts: what
else the machine does can only slow down.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import table, write

ANSWER = 32
VOCABULARY = 40_000
SYSTEMS = ("ours", "trl", "trl, autocast")


def lessons(number: int, length: int) -> list[tuple[list[int], list[int]]]:
    """(prompt, answer) token numbers."""
    random = np.random.default_rng(1)
    rows = random.integers(100, VOCABULARY, (number, length)).tolist()
    return [(row[:-ANSWER], row[-ANSWER:]) for row in rows]


def base_of(workspace: Path) -> Any:
    """The embedded base model as torch sees it."""
    from core.finetuning.base import prepared
    from core.models import packaged_gguf

    return prepared(packaged_gguf(), workspace / "models")


def ours(options: argparse.Namespace) -> tuple[float, float]:
    """(seconds, last loss) of our trainer's steps, every epoch."""
    from dataclasses import replace

    from core.finetuning import lora
    from core.finetuning.base import load
    from core.finetuning.lessons import Lesson, batch_at, steps_in
    from core.finetuning.recipe import Recipe
    from core.finetuning.training import Trainer

    recipe = replace(Recipe(), frozen=options.frozen, batch=options.batch, micro_batch=1, epochs=options.epochs)
    model = lora.attach(load(base_of(options.workspace)), recipe)
    made = [Lesson(tuple(prompt), tuple(answer)) for prompt, answer in lessons(options.lessons, options.length)]
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(model, recipe, made, [], [], Path(folder) / "checkpoints", lambda _: None)
        model.train()
        began, loss = time.monotonic(), 0.0
        for step in range(steps_in(len(made), recipe.batch, recipe.epochs)):
            loss = trainer.compute(batch_at(made, recipe.batch, recipe.seed, step))
        return time.monotonic() - began, loss


def trl(options: argparse.Namespace) -> tuple[float, float]:
    """The same of TRL."""
    from datasets import Dataset
    from datasets.table import InMemoryTable
    from peft import LoraConfig
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    from core.finetuning.base import load
    from core.finetuning.frozen import layers_of, linear_names

    base = base_of(options.workspace)
    model = load(base)
    first = int(options.frozen * layers_of(model))
    rows = [
        {"input_ids": prompt + answer, "labels": [-100] * len(prompt) + answer}
        for prompt, answer in lessons(options.lessons, options.length)
    ]
    with tempfile.TemporaryDirectory() as folder:
        settings = SFTConfig(
            output_dir=folder, use_cpu=True, bf16=options.system == "trl, autocast", fp16=False,
            gradient_checkpointing=False, packing=False,
            per_device_train_batch_size=1, gradient_accumulation_steps=options.batch, num_train_epochs=options.epochs,
            learning_rate=5e-4, max_length=options.length, report_to="none",
            save_strategy="no", logging_strategy="no", disable_tqdm=True, dataloader_pin_memory=False,
            dataset_kwargs={"skip_prepare_dataset": True}, remove_unused_columns=False,
        )  # fmt: skip
        trainer = SFTTrainer(
            model,
            args=settings,
            train_dataset=Dataset(InMemoryTable.from_pylist(rows), fingerprint="lessons"),
            processing_class=AutoTokenizer.from_pretrained(base.folder, local_files_only=True),
            peft_config=LoraConfig(
                r=16, lora_alpha=32, target_modules=linear_names(model), task_type="CAUSAL_LM",
                layers_to_transform=list(range(first, layers_of(model))),
            ),
        )  # fmt: skip
        began = time.monotonic()
        loss = trainer.train().training_loss
        return time.monotonic() - began, loss


def one(options: argparse.Namespace) -> None:
    """Measure one system in this process and print tokens a second, peak memory in GB, loss."""
    seconds, loss = (ours if options.system == "ours" else trl)(options)
    tokens = options.lessons * options.length * options.epochs
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"RESULT {tokens / seconds} {peak} {loss}")


def apart(options: argparse.Namespace, system: str, frozen: float) -> list[float]:
    """The same in a process of its own: memory is counted alone."""
    command = [sys.executable, "-m", "benchmarks.training", *sys.argv[1:], "--system", system, "--frozen", str(frozen)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
    if found is None:
        raise SystemExit(f"{system} failed: {done.stderr[-800:]}")
    return [float(value) for value in found.split()[1:]]


def main() -> None:
    """Measure both systems in both layouts and write `results/training.md`."""
    from core.finetuning.base import precision
    from core.finetuning.recipe import FROZEN

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--lessons", type=int, default=16)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--times", type=int, default=2)
    parser.add_argument("--system", choices=SYSTEMS)
    parser.add_argument("--frozen", type=float, default=0.0)
    options = parser.parse_args()
    if options.system:
        one(options)
        return
    rows: list[list[object]] = []
    for layout, frozen in (("every layer", 0.0), ("upper two thirds", FROZEN)):
        systems = SYSTEMS if precision() == "bfloat16" else SYSTEMS[:2]
        runs = [{system: apart(options, system, frozen) for system in systems} for _ in range(options.times)]
        found = {system: max(run[system] for run in runs) for system in systems}
        best = max(speed for system, (speed, *_) in found.items() if system != "ours")
        for system, (speed, peak, _) in found.items():
            rows.append([layout, system, f"{speed:.0f}", f"{speed / best:.2f}", f"{peak:.1f}"])
    write(
        "training",
        "Tokens a second of training, against TRL",
        table(["LoRA on", "trainer", "tokens/s", "ratio to TRL's best", "peak GB"], rows),
    )


if __name__ == "__main__":
    main()
