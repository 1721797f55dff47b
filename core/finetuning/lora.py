"""LoRA matrices on a base model: put on, saved, put on again, and what they add to each weight.

Low-rank adaptation: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022. The format
is peft's: adapter_config.json and adapter_model.safetensors. Matrices are float32 whatever the base computes in.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.finetuning import frozen
from core.finetuning.recipe import Recipe

WEIGHTS = "adapter_model.safetensors"


def attach(model: Any, recipe: Recipe) -> Any:
    """A peft model over `model` with new matrices; B is zero, so it answers as the base does until it learns."""
    import torch
    from peft import LoraConfig, get_peft_model

    from core.finetuning.fused import fuse

    torch.manual_seed(recipe.seed)
    first = first_layer(model, recipe)
    stack = frozen.stack_name(model)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules=frozen.linear_names(model) if first else "all-linear",
        fan_in_fan_out=transposed(model),
        bias="none",
        task_type="CAUSAL_LM",
        layers_to_transform=list(range(first, frozen.layers_of(model))) if first else None,
        layers_pattern=stack if first else None,
    )
    return fuse(get_peft_model(model, config))


def first_layer(model: Any, recipe: Recipe) -> int:
    """The lowest layer that gets matrices, 0-based; 0 where a model's layers do not stand in one list."""
    if not frozen.stack_name(model):
        return 0
    return min(frozen.layers_of(model) - 1, int(recipe.frozen * frozen.layers_of(model)))


def transposed(model: Any) -> bool:
    """Whether a model keeps its weights as [in, out]: GPT-2 and its kin do, in layers called Conv1D."""
    from transformers.pytorch_utils import Conv1D

    return any(isinstance(module, Conv1D) for module in model.modules())


def matrices(model: Any) -> dict[str, Any]:
    """The trainable tensors by name, in the model's order."""
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def restore(model: Any, saved: dict[str, Any]) -> None:
    """Copy saved tensors into the model's matrices.

    Raises:
        ValueError: they are of another model or recipe.
    """
    import torch

    own = matrices(model)
    if own.keys() != saved.keys() or any(own[name].shape != saved[name].shape for name in own):
        raise ValueError("the saved matrices do not fit this model")
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(saved[name])


def save(model: Any, tensors: dict[str, Any], folder: Path) -> None:
    """Write a peft folder that holds `tensors` (named as in `matrices`)."""
    restore(model, tensors)
    model.save_pretrained(folder, safe_serialization=True)


@dataclass(frozen=True, slots=True)
class Delta:
    """What an adapter adds to one weight, as its two matrices: `first` [rank, in], `second` [out, rank].

    `turned`: the weight is [in, out].
    """

    first: Any
    second: Any
    scale: float
    turned: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Of the weight."""
        out, into = int(self.second.shape[0]), int(self.first.shape[1])
        return (into, out) if self.turned else (out, into)

    def dense(self) -> Any:
        """The product, float32, of the weight's shape."""
        product = (self.second.float() @ self.first.float()) * self.scale
        return product.T.contiguous() if self.turned else product


def deltas(folder: Path) -> dict[str, Delta]:
    """What a peft folder adds, by the name of the base model's weight.

    Raises:
        ValueError: a matrix has no partner, or the folder asks for more than plain LoRA.
    """
    import json

    from safetensors.torch import load_file

    config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    if config.get("use_dora") or config.get("bias", "none") != "none" or config.get("modules_to_save"):
        raise ValueError("only plain LoRA adapters can be merged")
    root = float(config["r"]) ** (0.5 if config.get("use_rslora") else 1.0)
    scale = float(config["lora_alpha"]) / root
    tensors = load_file(folder / WEIGHTS)
    found = {}
    for name, first in tensors.items():
        if ".lora_A." not in name:
            continue
        second = tensors.get(name.replace(".lora_A.", ".lora_B."))
        if second is None:
            raise ValueError(f"{name} has no partner")
        weight = name.removeprefix("base_model.model.").replace(".lora_A.weight", ".weight")
        found[weight] = Delta(first, second, scale, bool(config.get("fan_in_fan_out")))
    return found
