"""Which base model the adapters of a corpus are trained on, and in one line why another one cannot be.

The embedded model, a GGUF of a family whose tensors are known (an adapter is merged into it), or any folder that
transformers loads as a causal model (the torch engine puts adapters on as they are). Loads nothing.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BadInput, ModelMissing
from core.finetuning import base as bases
from core.finetuning.merging import FAMILIES
from core.generation.gguf_header import Header, header
from storage.rows import BaseModelRow

if TYPE_CHECKING:
    from core.workspace import Workspace

FOLDER = "Add the folder of safetensors it was made from in Settings (Transformers), and choose that for this corpus."


@dataclass(frozen=True, slots=True)
class Source:
    """The base model of a corpus on the disk: a GGUF file, or a folder for transformers.

    Attributes:
        known: the sha256 of its bytes where that is written down already; "" to reckon it when it is asked for.
    """

    name: str
    path: Path
    known: str = ""

    @property
    def folder(self) -> bool:
        """Whether it is one for transformers, so that adapters are put on by the torch engine."""
        return self.path.is_dir()

    @property
    def sha256(self) -> str:
        """Of the file, or of the folder's weights; remembered while they have the same size and time."""
        return self.known or bases.digest(self.path)

    @property
    def weight_bytes(self) -> int:
        """On the disk."""
        return sum(file.stat().st_size for file in bases.weight_files(self.path))

    @property
    def parameters(self) -> int:
        """How many numbers the model has, from the headers of its files."""
        return bases.parameters(self.path) if self.folder else _header(self.path).parameters


def source_of(ws: "Workspace", corpus_id: int) -> Source:
    """What an adapter of a corpus is trained on.

    Raises:
        BadInput: adapters cannot be trained on the base model that was chosen for the corpus; it says what to do.
        ModelMissing: its file or folder is gone.
    """
    from core.models import CHAT, packaged_gguf

    chosen = ws.assistants.of(corpus_id).base_model_id
    if chosen is None:
        return Source(ws.engine.name or CHAT.name, packaged_gguf(), CHAT.sha256)
    return source_of_row(ws.base_models.get(chosen))


def source_of_row(row: BaseModelRow) -> Source:
    """The same of a base model; raises as `source_of`."""
    if row.kind == "transformers":
        from core.generation.torch_chat import folder_of

        folder = folder_of(row.location)
        bases.checked(folder)
        return Source(row.name, folder)
    if row.kind != "gguf":
        raise BadInput(
            f"{row.name} is an endpoint: its weights are not here, so it cannot be fine-tuned.",
            f"{FOLDER} Serve the adapter at the endpoint, and choose it here by its name.",
        )
    path = Path(row.location)
    if not path.is_file():
        raise ModelMissing(f"The file of {row.name} is not there.", "Put it back, or choose another base model.")
    kind = _header(path).texts.get("general.architecture", "unknown")
    if kind not in FAMILIES:
        raise BadInput(
            f"{row.name} is a GGUF of the kind {kind}, which no adapter can be merged into: it cannot be fine-tuned.",
            FOLDER,
        )
    return Source(row.name, path)


def refusal(ws: "Workspace", corpus_id: int) -> str:
    """Why the base model of a corpus cannot be fine-tuned, with what to do instead; "" when it can."""
    try:
        source_of(ws, corpus_id)
    except (BadInput, ModelMissing) as error:
        return str(error)
    return ""


def _header(file: Path) -> Header:
    stat = file.stat()
    return _read(file, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=8)
def _read(file: Path, size: int, changed_ns: int) -> Header:
    return header(file)
