"""An adapter added into its base model's folder: one that transformers and vLLM load without peft.

The base's files of safetensors are copied tensor by tensor; what LoRA adds to a weight is added in 32 bits and
rounded once, to the kind of number the base has. Beside them go config, tokenizer, chat template and generation
config as they are; nothing else of the folder does.
"""

import shutil
from collections.abc import Callable, Container, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from core.errors import BadInput, TriptychError
from core.finetuning import lora, safetensors_file
from core.finetuning.base import WHOLE, Base
from core.finetuning.lora import Delta

BESIDE = ("*.json", "*.jinja", "*.txt", "tokenizer.model", "LICENSE*", "NOTICE*")
"""Names of the files that go along with the weights."""
KINDS = ("F32", "F16", "BF16")
"""Weights of other kinds are quantized: nothing can be added to them."""


def merge(base: Base, adapter: Path, target: Path) -> None:
    """Write the base's folder with the adapter of a peft folder added into its weights.

    Args:
        target: an empty folder.

    Raises:
        BadInput: the adapter is not of this base model, or the base's weights are quantized.
    """
    places = _places(base.folder)
    added: dict[Path, dict[str, Callable[[], bytes]]] = {}
    for weight, delta in _deltas(adapter, places).items():
        file = _place(places, weight, delta)
        added.setdefault(file, {})[weight] = partial(_raw, file, weight, delta)
    for file in sorted(set(places.values())):
        safetensors_file.rewrite(file, target / file.name, added.get(file, {}))
    for pattern in BESIDE:
        for each in base.folder.glob(pattern):
            if each.is_file() and each.name not in (WHOLE, "README.md"):
                shutil.copy(each, target / each.name)


def check(base: Base, adapter: Path, made: Path) -> None:
    """Read a merged folder back and hold it against the base.

    Raises:
        TriptychError: a changed weight is not the base's plus what the adapter adds, or another one changed.
    """
    from safetensors import safe_open

    deltas = _deltas(adapter, _places(base.folder))
    for file in sorted(base.folder.glob("*.safetensors")):
        with safe_open(file, "pt") as before, safe_open(made / file.name, "pt") as after:
            if set(before.keys()) != set(after.keys()):
                raise _wrong(file.name)
            for name in before.keys():  # noqa: SIM118 - it is no dict
                if not _as_wanted(before.get_tensor(name), after.get_tensor(name), deltas.get(name)):
                    raise _wrong(name)


def _wrong(name: str) -> TriptychError:
    return TriptychError(f"The export failed its check: {name} is not what the adapter makes of it.", "Report it.")


def _as_wanted(was: Any, now: Any, delta: Delta | None) -> bool:
    """Byte for byte where nothing is added; else the sum, to one step of the kind of number it is kept in."""
    import torch

    if was.dtype != now.dtype or was.shape != now.shape:
        return False
    if delta is None:
        return bool(torch.equal(_bytes(was), _bytes(now)))
    wanted, kind = was.float() + delta.dense(), torch.finfo(was.dtype)
    return bool(((now.float() - wanted).abs() <= kind.eps * wanted.abs() + kind.smallest_normal).all())


def _places(folder: Path) -> dict[str, Path]:
    """The file of each weight."""
    files = sorted(folder.glob("*.safetensors"))
    return {name: file for file in files for name in safetensors_file.header(file).tensors}


def named(weight: str, names: Container[str]) -> str:
    """A weight's name in a base model's files: the first part is left out where they were saved without the head."""
    bare = weight.partition(".")[2]
    return bare if weight not in names and bare in names else weight


def _deltas(adapter: Path, names: Container[str]) -> dict[str, Delta]:
    return {named(weight, names): delta for weight, delta in lora.deltas(adapter).items()}


def _place(places: Mapping[str, Path], weight: str, delta: Delta) -> Path:
    if weight not in places:
        raise BadInput(f"The adapter changes {weight}, which this model does not have.", "Choose its own base model.")
    tensor = safetensors_file.header(places[weight]).tensors[weight]
    if tensor.kind not in KINDS:
        raise BadInput(f"The base model is quantized ({tensor.kind}).", "Choose its version in 16 or 32 bits.")
    if tensor.shape != delta.shape:
        raise BadInput(f"The adapter's {weight} is of another shape than this model's.", "Choose its own base model.")
    return places[weight]


def _raw(file: Path, weight: str, delta: Delta) -> bytes:
    """The bytes of a weight with something added."""
    from safetensors import safe_open

    with safe_open(file, "pt") as tensors:
        was = tensors.get_tensor(weight)
    return bytes(_bytes((was.float() + delta.dense()).to(was.dtype)).numpy().tobytes())


def _bytes(tensor: Any) -> Any:
    """A tensor as it lies in memory, uint8."""
    import torch

    return tensor.contiguous().reshape(-1).view(torch.uint8)
