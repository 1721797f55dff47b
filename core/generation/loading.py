"""Loads a Q8_0 GGUF: its limits and its tokenizer here, its weights in the child. No requests here."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import EngineFailed
from core.generation import gguf
from core.generation.batching import Batcher, openvino
from core.generation.tokens import Text, Tokens

BLOCK = 32
"""Tokens in a block of OpenVINO's key-value cache on a CPU."""

CACHE_TOKENS_AT_MOST = 65_536
"""0.9 GB for SmolLM2-135M: eight full windows, or the prefixes of some hundred short conversations."""

WINDOW_AT_LEAST = 8192
"""A model that was trained for 128k tokens gets as many as memory allows, but this many in any case."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the GGUF says of itself.

    Attributes:
        window: context length in tokens.
        cache_bytes: of key-value cache for one token, at one byte a number plus its scales.
    """

    window: int
    cache_bytes: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory: its facts, its tokenizer, its batcher, and how many tokens its cache holds."""

    facts: Facts
    tokens: Text
    batcher: Batcher
    capacity: int


def facts(value: Callable[[str], Any]) -> Facts:
    """Read the facts through a function that gives a metadata value by key."""
    kind = value("general.architecture")
    heads, width = value(f"{kind}.attention.head_count"), value(f"{kind}.embedding_length")
    kv_heads = value(f"{kind}.attention.head_count_kv") or heads
    head = value(f"{kind}.attention.key_length") or width // heads
    head_bytes = int(head * 1.25)  # measured: 76 bytes a head of 64 numbers
    return Facts(
        window=int(value(f"{kind}.context_length")),
        cache_bytes=2 * int(value(f"{kind}.block_count")) * int(kv_heads) * head_bytes,
    )


def cache_tokens(found: Facts, available: int) -> int:
    """Tokens the key-value cache may hold: a sixteenth of the free memory, at least one full (short) window.

    Args:
        available: bytes of memory that are free.
    """
    wanted = available // 16 // found.cache_bytes
    return max(min(wanted, CACHE_TOKENS_AT_MOST), min(found.window, WINDOW_AT_LEAST) + 4 * BLOCK)


def load(model: Path, capacity: int | None = None, window_at_most: int = 0) -> Loaded:
    """Load (about 5 s, 0.5 GB for the embedded model).

    Args:
        model: Q8_0 or F16 GGUF; OpenVINO misreads Q4_1 (see `gguf.as_q8_0`).
        capacity: tokens of the key-value cache; by free memory when None.
        window_at_most: reads no more than this; 0 is as much as it can.

    Raises:
        ModelMissing: not a complete GGUF file.
        EngineFailed: OpenVINO cannot read it, its tokenizer is of an unknown kind, or it does not fit into memory.
    """
    import psutil  # type: ignore[import-untyped]

    memory, wanted = psutil.virtual_memory().available, model.stat().st_size if model.is_file() else 0
    if wanted > memory:
        message = f"{model.stem} needs at least {wanted / 1e9:.1f} GB of memory; {memory / 1e9:.1f} GB are free."
        raise EngineFailed(message, "Close what takes memory, or choose a smaller base model.")
    value = gguf.metadata(model)
    found = facts(value)
    found = replace(found, window=min(found.window, window_at_most or found.window))
    tokens = Tokens(value)
    capacity = capacity or cache_tokens(found, memory)
    return Loaded(found, tokens, Batcher(model, openvino(model, -(-capacity // BLOCK))), capacity)
