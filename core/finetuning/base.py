"""The base model as torch sees it: a folder of safetensors that transformers loads, made once from a GGUF where needed.

A GGUF's weights are written out dequantized, so what is trained is what is served. Knows nothing of
adapters. Nothing is downloaded, no code of a model's folder is run, no pickle is read.
"""

import hashlib
import json
import math
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from core import imports
from core.errors import BadInput, ModelMissing
from core.finetuning import safetensors_file
from core.generation import checking, gguf
from core.generation.folder_tokens import read_json

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
        return Base(source, digest(source), parameters(source), None)
    if not source.is_file():
        raise ModelMissing(f"The model {source.name} is not there.", "Choose another base model, or install it again.")
    sha256 = digest(source)
    folder = cache_folder / f"{source.stem}-{sha256[:16]}-float16"
    if not (folder / WHOLE).is_file():
        _write_out(source, folder)
    return Base(folder, sha256, int(json.loads((folder / WHOLE).read_text("utf-8"))["parameters"]), source)


def checked(folder: Path) -> None:
    """Raises BadInput: the folder is one that this product does not load or cannot train, with the reason."""
    checking.model_folder(folder)
    if read_json(folder / "config.json").get("quantization_config"):
        raise BadInput(f"{folder.name} is quantized: it cannot be fine-tuned.", "Choose its version in 16 or 32 bits.")


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


def weight_files(path: Path) -> list[Path]:
    """The files that hold the weights of a GGUF or of a folder, in the order in which they are hashed."""
    return sorted(path.glob("*.safetensors")) if path.is_dir() else [path]


def digest(path: Path) -> str:
    """The sha256 of a file, or of a folder's weights; read again only when a size or a time has changed."""
    found = [_digest(file, stat.st_size, stat.st_mtime_ns) for file in weight_files(path) for stat in (file.stat(),)]
    return found[0] if len(found) == 1 else hashlib.sha256("".join(found).encode()).hexdigest()


@lru_cache(maxsize=256)
def _digest(file: Path, size: int, changed_ns: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def parameters(folder: Path) -> int:
    """How many numbers a folder's weights are, from the headers; no tensor is read."""
    return sum(
        math.prod(tensor.shape)
        for file in weight_files(folder)
        for tensor in safetensors_file.header(file).tensors.values()
    )
