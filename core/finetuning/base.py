"""The base model as torch sees it: a folder of safetensors that transformers loads, made once from a GGUF where needed.

A GGUF's weights are written out dequantized, so what is trained is what is served. Knows nothing of
adapters. Nothing is downloaded, no code of a model's folder is run, no pickle is read.
"""

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from core import imports
from core.errors import BadInput, ModelMissing
from core.generation import gguf

WHOLE = "base.json"
"""Written last: a folder without it was never finished."""


@dataclass(frozen=True, slots=True)
class Base:
    """Attributes:
    folder: config.json and safetensors.
    sha256: of the file or the folder's weights that were asked for; an adapter fits this base only.
    parameters: how many numbers the model has.
    gguf: the file it was made from; None for a folder that was given as it is.
    """

    folder: Path
    sha256: str
    parameters: int
    gguf: Path | None = None


def prepared(source: Path, cache_folder: Path) -> Base:
    """The base model of a GGUF file or a Hugging Face folder; a GGUF is written out once (half a minute).

    Raises:
        ModelMissing: it is not there, or not complete.
        BadInput: the folder holds pickled weights only, or wants to run code of its own.
    """
    if source.is_dir():
        checked(source)
        digest = _digest(sorted(source.glob("*.safetensors")))
        return Base(source, digest, _parameters(source), None)
    if not source.is_file():
        raise ModelMissing(f"The model {source.name} is not there.", "Choose another base model, or install it again.")
    digest = _digest([source])
    folder = cache_folder / f"{source.stem}-{digest[:16]}-float16"
    if not (folder / WHOLE).is_file():
        _write_out(source, folder)
    return Base(folder, digest, int(json.loads((folder / WHOLE).read_text("utf-8"))["parameters"]), source)


def checked(folder: Path) -> None:
    """Raises BadInput: the folder is one that this product does not load, with the reason."""
    config = folder / "config.json"
    if not config.is_file() or not list(folder.glob("*.safetensors")):
        raise BadInput(
            f"{folder.name} has no config.json with safetensors weights.", "Choose a folder saved by transformers."
        )
    try:
        values = json.loads(config.read_text("utf-8"))
    except ValueError as error:
        raise BadInput(f"The config.json of {folder.name} is not JSON.", "Save the model again.") from error
    if "auto_map" in values:
        raise BadInput(f"{folder.name} wants to run code of its own (auto_map).", "Choose a model without it.")


def load(base: Base, *, four_bit: bool = False) -> Any:
    """The model, frozen, on the best device there is: CUDA, else the CPU.

    bfloat16 where the processor computes in it, float32 elsewhere; `four_bit` needs CUDA and bitsandbytes.
    """
    import torch

    imports.whole("transformers")
    from transformers import AutoModelForCausalLM

    options: dict[str, Any] = {"dtype": getattr(torch, precision())}
    if four_bit:
        from transformers import BitsAndBytesConfig

        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
        )
    model = AutoModelForCausalLM.from_pretrained(
        base.folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, **options
    )
    model.requires_grad_(False)
    model.config.use_cache = False
    return model if four_bit else model.to(device())


def device() -> str:
    """Where models compute: "cuda" where there is one, else "cpu"."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


@cache
def precision() -> str:
    """ "bfloat16" where it is fast, else "float32": a CPU without the instructions is slower with it."""
    import torch

    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    try:
        flags = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return "float32"
    return "bfloat16" if "avx512_bf16" in flags or "amx_bf16" in flags else "float32"


def _write_out(source: Path, folder: Path) -> None:
    """Dequantize into a folder beside the target and rename it: there is a whole one or none."""
    import torch

    imports.whole("transformers")
    from transformers import AutoModelForCausalLM, GgufConfig
    from transformers.utils import logging

    from core.generation.tokens import Tokens

    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder.parent))
    logging.disable_progress_bar()  # the job's own line is what people read
    try:
        model = AutoModelForCausalLM.from_pretrained(
            source.parent,
            gguf_file=source.name,
            dtype=torch.float16,
            quantization_config=GgufConfig(dequantize=True),
            local_files_only=True,
        )
        model.config.dtype = torch.float16
        model.save_pretrained(aside, safe_serialization=True)
        Tokens(gguf.metadata(source)).save(aside)
        facts = {"parameters": sum(p.numel() for p in model.parameters()), "source": source.name}
        (aside / WHOLE).write_text(json.dumps(facts), "utf-8")
        os.sync()
        if folder.exists():
            shutil.rmtree(folder)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _digest(files: list[Path]) -> str:
    if len(files) == 1:
        with files[0].open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    return hashlib.sha256("".join(_digest([file]) for file in files).encode()).hexdigest()


def _parameters(folder: Path) -> int:
    """From the headers of the safetensors; no tensor is read."""
    from safetensors import safe_open

    total = 0
    for file in folder.glob("*.safetensors"):
        with safe_open(file, "pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - it is no dict
                size = 1
                for length in tensors.get_slice(name).get_shape():
                    size *= int(length)
                total += size
    return total
