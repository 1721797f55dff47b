"""A LoRA adapter in the packaged GGUF: every weight is the base's plus what the adapter adds, within Q8_0's error.

What is expected is computed here the way peft defines it, and put in llama.cpp's order of rows as its
converter does; neither goes through the code under test.
"""

import json
from pathlib import Path

import gguf
import numpy as np
import pytest

from core.errors import BadInput
from core.finetuning.merging import merge
from core.models import packaged_gguf

RANK, ALPHA = 4, 16
PROJECTIONS = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.down_proj": "ffn_down",
}  # fmt: skip
BLOCKS = (0, 7)


def values(tensor: gguf.ReaderTensor) -> np.ndarray:
    return gguf.dequantize(tensor.data, tensor.tensor_type)


def adapter(folder: Path, shapes: dict[str, tuple[int, int]], **config: object) -> dict[str, np.ndarray]:
    """Write a peft folder with random matrices; returns what it adds to each weight of the base model."""
    from safetensors.numpy import save_file

    random = np.random.default_rng(5)
    tensors, added = {}, {}
    for weight, (rows, columns) in shapes.items():
        first = random.normal(size=(RANK, columns)).astype(np.float32)
        second = (0.02 * random.normal(size=(rows, RANK))).astype(np.float32)
        tensors[f"base_model.model.{weight}.lora_A.weight"] = first
        tensors[f"base_model.model.{weight}.lora_B.weight"] = second
        added[weight] = ALPHA / RANK * (second @ first)
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"r": RANK, "lora_alpha": ALPHA, "peft_type": "LORA"} | config
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return added


def as_llama_cpp_permutes(weight: np.ndarray, heads: int) -> np.ndarray:
    """Row by row: within a head of size d, row i of its first half goes to 2i and row i of its second to 2i+1."""
    size = weight.shape[0] // heads
    placed = np.empty_like(weight)
    for row in range(weight.shape[0]):
        head, inside = divmod(row, size)
        half, pair = divmod(inside, size // 2)
        placed[head * size + 2 * pair + half] = weight[row]
    return placed


def test_the_merged_file_is_the_base_plus_the_adapter_within_the_error_of_q8_0(tmp_path: Path) -> None:
    source = packaged_gguf()
    before = {tensor.name: tensor for tensor in gguf.GGUFReader(source).tensors}
    names = {
        f"model.layers.{block}.{theirs}": f"blk.{block}.{ours}.weight"
        for block in BLOCKS
        for theirs, ours in PROJECTIONS.items()
    }
    shapes = {weight: tuple(int(n) for n in reversed(before[name].shape)) for weight, name in names.items()}
    added = adapter(tmp_path / "adapter", shapes)
    merge(source, tmp_path / "adapter", tmp_path / "merged.gguf")

    reader = gguf.GGUFReader(tmp_path / "merged.gguf")
    field = {key: int(reader.get_field(f"llama.attention.{key}").contents()) for key in ("head_count", "head_count_kv")}
    after = {tensor.name: tensor for tensor in reader.tensors}
    assert after.keys() == before.keys()
    for weight, name in names.items():
        delta = added[weight]
        if "attn_q" in name or "attn_k" in name:
            heads = field["head_count" if "attn_q" in name else "head_count_kv"]
            plain, delta = delta, as_llama_cpp_permutes(delta, heads)
            assert np.abs(plain - delta).max() > 0.1  # unpermuted rows would be caught
        wanted = values(before[name]) + delta
        blocks = wanted.reshape(-1, 32)
        step = np.abs(blocks).max(axis=1, keepdims=True) / 127  # of each block of 32
        error = np.abs(values(after[name]).reshape(-1, 32) - blocks)
        assert np.all(error <= 0.57 * step), (
            name
        )  # half a step; and of 127 steps the 2**-11 that a 16-bit scale may be off
    untouched = "blk.3.attn_q.weight"
    was, now = values(before[untouched]), values(after[untouched])
    assert np.abs(was - now).max() <= np.abs(was).max() / 127


def test_an_adapter_of_another_model_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    adapter(tmp_path / "adapter", {"model.layers.999.self_attn.q_proj": (8, 8)})
    with pytest.raises(BadInput, match="which this GGUF does not have"):
        merge(packaged_gguf(), tmp_path / "adapter", tmp_path / "merged.gguf")
    assert not (tmp_path / "merged.gguf").exists()
