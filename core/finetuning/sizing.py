"""What a training takes at the least, by the size of the base model alone: known before anything of it is loaded."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from core.finetuning import base as bases

if TYPE_CHECKING:
    from core.finetuning.trainable import Source

WRITTEN = 5
"""Bytes on the disk for each of a GGUF: it in 16 bits for torch, and merged for serving."""
CHECKPOINT_BYTES = 3 * 3 * 4
"""Bytes on the disk for each number of the adapter: itself and two moments, in three checkpoints."""
LEARNING_BYTES = 4 * 4
"""Bytes of memory for each number of the adapter: itself, its gradient and two moments, in 32 bits."""
PROGRAM_BYTES = 600 << 20
"""Torch and transformers, with the activations of the shortest lessons."""
HEADROOM = 0.9


def adapter_numbers(parameters: int, rank: int) -> int:
    """About how many numbers a LoRA adapter on all linear layers has: 4.9 million of 135 at rank 16."""
    return round(parameters * 0.0363 * rank / 16)


def disk_bytes(source: "Source", rank: int) -> int:
    """What a training may write: checkpoints, and for a GGUF the base model twice. A folder is used where it is."""
    written = 0 if source.folder else WRITTEN * source.weight_bytes
    return written + adapter_numbers(source.parameters, rank) * CHECKPOINT_BYTES


def memory_bytes(parameters: int, rank: int) -> int:
    """The least memory a training takes, where the model computes: a GPU, or this machine."""
    each = 2 if bases.precision() == "bfloat16" else 4
    return parameters * each + adapter_numbers(parameters, rank) * LEARNING_BYTES + PROGRAM_BYTES


def too_large(source: "Source", rank: int) -> str:
    """Why a base model is too large to be trained on this machine whatever else runs; "" when it is not."""
    need, there = memory_bytes(source.parameters, rank), total_memory()
    if need <= HEADROOM * there:
        return ""
    where = "its GPU" if bases.device() == "cuda" else "this machine"
    return (
        f"{source.name} ({source.parameters / 1e9:.1f} billion parameters) needs at least {need / 2**30:.1f} GB of "
        f"memory to be trained, and {where} has {there / 2**30:.1f}. Choose a smaller base model, or train on a "
        "larger machine and import the adapter."
    )


def total_memory() -> int:
    """Bytes of memory where models compute."""
    import psutil  # type: ignore[import-untyped]
    import torch

    if bases.device() == "cuda":
        return int(torch.cuda.get_device_properties(0).total_memory)
    return int(psutil.virtual_memory().total)


def free_memory() -> int:
    """The same that is free now."""
    import psutil
    import torch

    return int(torch.cuda.mem_get_info()[0]) if bases.device() == "cuda" else int(psutil.virtual_memory().available)


def free_disk(home: Path) -> int:
    """Bytes that are free where a workspace is."""
    found = os.statvfs(home)
    return found.f_bavail * found.f_frsize
