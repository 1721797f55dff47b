"""An adapter added into its base model's GGUF: one file that llama.cpp, Ollama and our own engine read.

What LoRA adds to a weight is computed from the peft folder and written into the tensor that llama.cpp keeps it
in. Rows of the query and key matrices are interleaved there (rotary pairs lie side by side), so what is added to them
is interleaved as well.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import BadInput
from core.finetuning import lora
from core.finetuning.lora import Delta
from core.generation import gguf

FAMILIES = ("llama", "qwen2", "qwen3")
"""What llama.cpp calls the families whose tensors are known here; rows are interleaved in the first alone."""


def merge(source: Path, adapter: Path, target: Path, kind: str = "Q8_0") -> None:
    """Write `source` with the adapter of a peft folder added, as Q8_0 or F16; whole or not at all (20 s).

    Raises:
        BadInput: the GGUF is of another family, or the adapter is not of this base model.
    """
    gguf.rewrite(source, target, placed(source, adapter), kind)


def placed(source: Path, adapter: Path) -> dict[str, Callable[[], Any]]:
    """What an adapter adds to each tensor of a GGUF, by the tensor's name; float32 in the tensor's own order of rows.

    Raises:
        BadInput: as `merge`.
    """
    value = gguf.metadata(source)
    family = str(value("general.architecture"))
    if family not in FAMILIES:
        raise BadInput(
            f"An adapter cannot be merged into a GGUF of the kind {family}.",
            "Use a base model of the Llama family, or a folder for transformers.",
        )
    named = names(family, int(value(f"{family}.block_count")))
    heads = int(value(f"{family}.attention.head_count"))
    kv_heads = int(value(f"{family}.attention.head_count_kv") or heads)
    added: dict[str, Callable[[], Any]] = {}
    for weight, delta in lora.deltas(adapter).items():
        name = named(weight)
        if name is None:
            raise BadInput(
                f"The adapter changes {weight}, which this GGUF does not have.", "Choose its own base model."
            )
        added[name] = _later(delta, interleaving(family, name, heads, kv_heads))
    return added


def _later(delta: Delta, heads: int) -> Callable[[], Any]:
    return lambda: (interleaved(delta.dense(), heads) if heads else delta.dense()).numpy()


def interleaving(family: str, name: str, heads: int, kv_heads: int) -> int:
    """In how many heads the rows of a tensor are interleaved; 0 where they stand as they are."""
    if family != "llama":
        return 0
    return heads if ".attn_q." in name else kv_heads if ".attn_k." in name else 0


def interleaved(weight: Any, heads: int) -> Any:
    """Rows as llama.cpp keeps those of queries and keys; `weight` is [rows, columns]."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def names(family: str, blocks: int) -> Callable[[str], str | None]:
    """What llama.cpp calls a weight or a bias of a family; None for one that it does not have."""
    import gguf as package

    known = package.get_tensor_name_map(package.MODEL_ARCH[family.upper()], blocks)
    return lambda weight: known.get_name(weight, try_suffixes=(".weight", ".bias"))
