"""Whether a base model may be used, before anything of it is loaded: each refusal has its reason.

What can run code is refused (pickles, `auto_map`), what claims too much is refused (headers), and what the
engines cannot do right is refused (architectures, tokenizers). Knows files and addresses; loads nothing.
"""

import json
import os
import re
import struct
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.errors import BadInput
from core.generation.gguf_header import Header, header, q8_0_bytes
from core.generation.tokens import SPLITS

ARCHITECTURES = ("llama", "qwen2", "qwen3")
"""What OpenVINO's GGUF reader builds."""

READABLE = frozenset({0, 1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 21, 22, 23, 29, 30, 34, 35, 39, 40})
"""GGML's types of tensors that can be read as numbers, and so rewritten as Q8_0."""

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
SAFETENSORS_HEADER_AT_MOST = 100 << 20
DAMAGED = "It is cut short or was made to do harm; get it again from its source."
JSON_AT_MOST = 64 << 20
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
OTHER = "Choose another base model, or serve this one with Ollama, LM Studio or vLLM and add it as an endpoint."


def gguf_file(location: str) -> Path:
    """A GGUF file that the CPU engine reads right; raises BadInput with the reason otherwise."""
    file = local_path(location)
    if not file.is_file():
        raise BadInput(f"There is no file {location}.", "Give the full path of a .gguf file on this machine.")
    found = header(file)
    kind = found.texts.get("general.architecture", "unknown")
    if kind not in ARCHITECTURES:
        able = ", ".join(ARCHITECTURES)
        raise BadInput(f"{file.name} is a {kind!r} model; the CPU engine reads {able}.", OTHER)
    tokenizer, split = (found.texts.get(f"tokenizer.ggml.{key}", "none") for key in ("model", "pre"))
    if tokenizer != "gpt2" or split not in SPLITS:
        able = ", ".join(SPLITS)
        raise BadInput(f"{file.name} cuts words as {tokenizer}/{split}; the CPU engine knows {able}.", OTHER)
    if "tokenizer.chat_template" not in found.keys:
        raise BadInput(f"{file.name} has no chat template: it is no chat model.", "Choose its Instruct version.")
    _loadable(file, found)
    return file


def _loadable(file: Path, found: Header) -> None:
    """Raises BadInput for what would only fail when it is loaded."""
    import psutil  # type: ignore[import-untyped]

    if (parts := found.counts.get("split.count", 0)) > 1:
        remedy = f"Merge them: llama-gguf-split --merge {file.name} whole.gguf. Then add that."
        raise BadInput(f"{file.name} is one of {parts} parts of a model.", remedy)
    if any(key.endswith(".expert_count") and count > 0 for key, count in found.counts.items()):
        raise BadInput(f"{file.name} is a mixture of experts, which the CPU engine cannot read.", OTHER)
    if unknown := found.kinds - READABLE:
        kinds = ", ".join(map(str, sorted(unknown)))
        raise BadInput(f"{file.name} holds tensors of GGML's types {kinds}, which cannot be read.", OTHER)
    wanted, there = q8_0_bytes(found.parameters), int(psutil.virtual_memory().total)
    if wanted > there:
        message = f"{file.name} needs at least {wanted / 1e9:.1f} GB of memory; this machine has {there / 1e9:.1f} GB."
        raise BadInput(message, OTHER)


def model_folder(folder: Path) -> Path:
    """A folder in Hugging Face's form, safetensors only; raises BadInput with the reason otherwise."""
    if not folder.is_dir():
        raise BadInput(f"There is no folder {folder}.", "Give the full path of a folder with config.json in it.")
    configuration = _json(folder / "config.json")
    for name in ("config.json", "tokenizer_config.json", "generation_config.json"):
        if (folder / name).exists() and "auto_map" in _json(folder / name):
            raise BadInput(f"{folder.name} wants to run code of its own (auto_map in {name}).", OTHER)
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        pickled = next((file.name for file in folder.iterdir() if file.suffix in PICKLES), "")
        why = f"only has pickled weights ({pickled}), which can run code" if pickled else "has no safetensors weights"
        raise BadInput(f"{folder.name} {why}.", "Get its safetensors version.")
    for file in weights:
        safetensors_header(file)
    _index(folder)
    if not configuration.get("model_type"):
        raise BadInput(f"{folder.name}/config.json does not say what kind of model it is.", OTHER)
    return folder


def base_url(location: str) -> str:
    """An address of an endpoint, without a trailing slash; raises BadInput with the reason otherwise."""
    url = location.strip().rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(f"{location.strip()[:80]!r} is no address.", "For example: http://localhost:11434/v1")
    if parts.username or parts.password:
        raise BadInput("The address holds a password.", "Leave it out and enter it as the key.")
    if parts.query or parts.fragment:
        raise BadInput("The address holds more than a path.", "Give it up to /v1, without ? and #.")
    return url


def is_hub_id(location: str) -> bool:
    """Whether it looks like owner/name on the hub rather than a path."""
    return bool(HUB_ID.fullmatch(location)) and ".." not in location and not Path(location).exists()


def local_path(location: str) -> Path:
    """What a person typed as a path, made whole; raises BadInput when it is none."""
    if "\0" in location or not location.strip():
        raise BadInput("The path is empty or no path.", "Give the full path of a file or folder.")
    return Path(os.path.abspath(Path(location.strip()).expanduser()))


def _json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise BadInput(f"{file.parent.name} has no {file.name}.", "Give a folder in Hugging Face's form.")
    if file.stat().st_size > JSON_AT_MOST:
        raise BadInput(f"{file.name} is larger than any such file should be.", OTHER)
    try:
        read = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{file.name} of {file.parent.name} is not JSON.", "Get the model again.") from error
    if not isinstance(read, dict):
        raise BadInput(f"{file.name} of {file.parent.name} is not what it should be.", "Get the model again.")
    return read


def safetensors_header(file: Path, at_most: int = SAFETENSORS_HEADER_AT_MOST) -> int:
    """The length of a header in bytes, which libraries believe; raises BadInput when the file cannot hold it."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        start = opened.read(8)
    length: int = struct.unpack("<Q", start)[0] if len(start) == 8 else size
    if length > min(at_most, size - 8):
        raise BadInput(f"The header of {file.name} promises more than the file holds.", DAMAGED)
    return length


def _index(folder: Path) -> None:
    """A sharded model names its files; none may lie outside of the folder."""
    file = folder / "model.safetensors.index.json"
    if not file.exists():
        return
    shards = _json(file).get("weight_map")
    names = set(shards.values()) if isinstance(shards, dict) else {None}
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(".safetensors"):
            raise BadInput(f"{file.name} names a file outside of its folder.", OTHER)
        if not (folder / name).is_file():
            raise BadInput(f"{folder.name} lacks {name}.", "Get the model again: a part is missing.")
