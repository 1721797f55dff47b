"""A folder for transformers written as a GGUF in 32 bits, for the families whose tensors and tokens are known here.

What comes out is the base model that adapters are then merged into and that is rewritten as Q8_0 or F16 (`merging`). A
family, a setting or a tokenizer that llama.cpp would be told wrongly is refused: how a tokenizer cuts words is tried on
texts, against the folder's own. Knows nothing of adapters.
"""

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from core.errors import BadInput
from core.finetuning import merging, safetensors_file
from core.generation.folder_tokens import FolderTokens, read_json, template_of
from core.generation.tokens import SPLITS, Tokens

ELSEWHERE = "Export the merged folder, and convert that with llama.cpp's convert_hf_to_gguf.py."
TEXTS = (
    "The rent of Unit 7 is 286,200.50 pounds a year; it's payable  quarterly.\n\n\tWho's liable?",
    "Überprüfung der Mietzahlung: 12345 € — naïve café, 第三条 契約, Срок 30 дней, 👍🏽!",
    "def f(x):\n    return x**2  # 0x1F\r\n'LL 've DON'T I'M\u00a0x\u2009y 1234567890 ٣٤٥",
)
NORMAL, CONTROL, USER, UNUSED = 1, 3, 4, 5
"""Kinds of tokens, as GGUF counts them."""


def write(folder: Path, target: Path, name: str) -> None:
    """Write a folder as a GGUF file in 32 bits.

    Raises:
        BadInput: it cannot be written so that llama.cpp reads it right; the message says what stands in the way.
    """
    import gguf

    config = read_json(folder / "config.json")
    family = _family(config, folder)
    writer = gguf.GGUFWriter(target, family)
    try:
        _metadata(writer, config, name)
        for key, value in _tokens(folder, int(config["vocab_size"])).items():
            _add(writer, key, value)
        tensors = dict(_tensors(folder, config, family))
        for tensor, (_, shape) in tensors.items():
            writer.add_tensor_info(tensor, shape, _float32(), 4 * math.prod(shape))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for made, _ in tensors.values():
            writer.write_tensor_data(made())
    finally:
        writer.close()


def check(folder: Path) -> None:
    """Raises BadInput: `write` would refuse it."""
    config = read_json(folder / "config.json")
    dict(_tensors(folder, config, _family(config, folder)))
    _tokens(folder, int(config["vocab_size"]))


def _family(config: dict[str, Any], folder: Path) -> str:
    family = str(config.get("model_type"))
    if family not in merging.FAMILIES:
        able = ", ".join(merging.FAMILIES)
        raise BadInput(f"{folder.name} is a {family} model; as GGUF {able} are written.", ELSEWHERE)
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    stands = {
        "scaled positions": rope.get("rope_type", rope.get("type", "default")) != "default",
        "a sliding window": bool(config.get("use_sliding_window")),
        "biases": bool(config.get("mlp_bias")) or (family != "qwen2" and bool(config.get("attention_bias"))),
        "another activation": config.get("hidden_act", "silu") != "silu",
    }
    if why := [what for what, is_so in stands.items() if is_so]:
        raise BadInput(f"{folder.name} has {' and '.join(why)}, which is not written as GGUF here.", ELSEWHERE)
    return family


def _metadata(writer: Any, config: dict[str, Any], name: str) -> None:
    import gguf

    heads = int(config["num_attention_heads"])
    head = int(config.get("head_dim") or int(config["hidden_size"]) // heads)
    rope = config.get("rope_parameters") or {}
    writer.add_name(name)
    writer.add_context_length(int(config["max_position_embeddings"]))
    writer.add_embedding_length(int(config["hidden_size"]))
    writer.add_block_count(int(config["num_hidden_layers"]))
    writer.add_feed_forward_length(int(config["intermediate_size"]))
    writer.add_head_count(heads)
    writer.add_head_count_kv(int(config.get("num_key_value_heads") or heads))
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(float(rope.get("rope_theta") or config.get("rope_theta") or 10_000.0))
    writer.add_layer_norm_rms_eps(float(config.get("rms_norm_eps") or 1e-6))
    writer.add_vocab_size(int(config["vocab_size"]))
    writer.add_file_type(int(gguf.LlamaFileType.ALL_F32))


def _tokens(folder: Path, size: int) -> dict[str, Any]:
    """Metadata of the tokenizer, of the kind that cuts the texts as the folder's own does.

    Args:
        size: rows of the embedding; what the tokenizer does not name of them is marked as unused.
    """
    own, template = FolderTokens(folder), template_of(folder)
    said = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    model = said["model"]
    if model.get("type") != "BPE" or not template:
        what = "no chat template" if not template else f"a tokenizer of the kind {model.get('type')}"
        raise BadInput(f"{folder.name} has {what}, which is not written as GGUF here.", ELSEWHERE)
    ids = [*model["vocab"].values(), *(added["id"] for added in said.get("added_tokens", ()))]
    if max(ids) >= size:
        raise BadInput(f"{folder.name} names more tokens than its model has.", "Get the model again.")
    names, types = [f"[UNUSED{number}]" for number in range(size)], [UNUSED] * size
    for text, number in model["vocab"].items():
        names[number], types[number] = text, NORMAL
    for added in said.get("added_tokens", ()):
        names[added["id"]], types[added["id"]] = added["content"], CONTROL if added["special"] else USER
    merges = [each if isinstance(each, str) else " ".join(each) for each in model["merges"]]
    begin = own.begin
    found = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": names,
        "tokenizer.ggml.token_type": types,
        "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.eos_token_id": own.end,
        **({"tokenizer.ggml.bos_token_id": begin} if begin is not None else {}),
        "tokenizer.chat_template": template,
    }
    for split in SPLITS:
        found["tokenizer.ggml.pre"] = split
        tried = Tokens(found.get)
        if all(tried.encode(text) == own.encode(text) for text in TEXTS):
            return found
    raise BadInput(f"{folder.name} cuts words in a way that is not written as GGUF here.", ELSEWHERE)


def _add(writer: Any, key: str, value: Any) -> None:
    match key.rpartition(".")[2]:
        case "model":
            writer.add_tokenizer_model(value)
            writer.add_add_bos_token(False)  # the chat template has it where it belongs
        case "pre":
            writer.add_tokenizer_pre(value)
        case "tokens":
            writer.add_token_list(value)
        case "token_type":
            writer.add_token_types(value)
        case "merges":
            writer.add_token_merges(value)
        case "eos_token_id":
            writer.add_eos_token_id(value)
        case "bos_token_id":
            writer.add_bos_token_id(value)
        case "chat_template":
            writer.add_chat_template(value)


def _tensors(
    folder: Path, config: dict[str, Any], family: str
) -> Iterator[tuple[str, tuple[Callable[[], Any], tuple[int, ...]]]]:
    """By the name llama.cpp gives it: what reads a tensor as float32 with its rows in order, and its shape."""
    named = merging.names(family, int(config["num_hidden_layers"]))
    heads = int(config["num_attention_heads"])
    kv_heads = int(config.get("num_key_value_heads") or heads)
    for file in sorted(folder.glob("*.safetensors")):
        for weight, tensor in safetensors_file.header(file).tensors.items():
            if weight == "lm_head.weight" and config.get("tie_word_embeddings"):
                continue
            name = named(weight)
            if name is None:
                raise BadInput(f"{folder.name} has {weight}, which is not written as GGUF here.", ELSEWHERE)
            count = merging.interleaving(family, name, heads, kv_heads)
            yield name, (_reader(file, weight, count), tensor.shape)


def _reader(file: Path, weight: str, heads: int) -> Callable[[], Any]:
    def read() -> Any:
        from safetensors import safe_open

        with safe_open(file, "pt") as tensors:
            found = tensors.get_tensor(weight).float()
        return (merging.interleaved(found, heads) if heads else found).contiguous().numpy()

    return read


def _float32() -> Any:
    import numpy as np

    return np.dtype(np.float32)
