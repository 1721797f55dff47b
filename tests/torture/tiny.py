"""A base model that is trained and merged in seconds: the packaged tokenizer over one small layer of random weights."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np

from core.models import packaged_gguf

WIDTH, HIDDEN, HEADS, LAYERS = 64, 128, 2, 1
SIZES: dict[str, int] = {
    "llama.block_count": LAYERS,
    "llama.embedding_length": WIDTH,
    "llama.feed_forward_length": HIDDEN,
    "llama.attention.head_count": HEADS,
    "llama.attention.head_count_kv": HEADS,
    "llama.rope.dimension_count": WIDTH // HEADS,
    "general.file_type": int(gguf.LlamaFileType.ALL_F32),
}

BEFORE_MERGES = 252
"""Tokens that no merge makes: control tokens, and bytes."""


def tiny_gguf(file: Path, seed: int = 1, merges: int | None = None) -> Path:
    """Write the GGUF file; with so many of the tokenizer's merges, if not all, it is read in no time."""
    reader = gguf.GGUFReader(packaged_gguf())
    writer = gguf.GGUFWriter(file, "llama")
    vocabulary = 0
    for field in reader.fields.values():
        if field.name == "general.architecture" or field.name.startswith("GGUF."):
            continue
        value: Any = SIZES.get(field.name, field.contents())
        if merges is not None and field.name.removeprefix("tokenizer.ggml.") in ("tokens", "token_type", "merges"):
            value = value[: merges + (0 if field.name.endswith("merges") else BEFORE_MERGES)]
        if merges is not None and field.name == "llama.vocab_size":
            value = merges + BEFORE_MERGES
        if field.name == "tokenizer.ggml.tokens":
            vocabulary = len(value)
        kind = field.types[0]
        writer.add_key_value(
            field.name, value, kind, sub_type=field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        )
    for name, shape in shapes(vocabulary).items():
        chance = np.random.default_rng([seed, len(name), *name.encode()])
        weights = np.ones(shape) if len(shape) == 1 else chance.normal(0, 0.2, shape)
        writer.add_tensor(name, weights.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def shapes(vocabulary: int) -> dict[str, tuple[int, ...]]:
    """Every tensor of a Llama of that size, [rows, columns]."""
    found: dict[str, tuple[int, ...]] = {"token_embd.weight": (vocabulary, WIDTH), "output_norm.weight": (WIDTH,)}
    for layer in range(LAYERS):
        square = dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_output"), (WIDTH, WIDTH))
        wide = {"ffn_gate": (HIDDEN, WIDTH), "ffn_up": (HIDDEN, WIDTH), "ffn_down": (WIDTH, HIDDEN)}
        norms = {"attn_norm": (WIDTH,), "ffn_norm": (WIDTH,)}
        for name, shape in (square | wide | norms).items():
            found[f"blk.{layer}.{name}.weight"] = shape
    return found
