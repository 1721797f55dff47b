"""Which embedding model an index is made with, and how it is reached: packaged, a local folder, an endpoint.

An index row keeps a `Choice` and the name that its fingerprint is made of. What an embedding model gives is
checked against the index's dimension on every use, so vectors of another length reach neither rows nor Chroma.
"""

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from core.errors import BadInput, Conflict
from core.ingestion.embedding import Embedder
from storage.rows import IndexRow

Vectors = NDArray[np.float32]
KINDS = ("packaged", "folder", "endpoint")
PROBE = "How much notice must the tenant give?"


class Embeds(Protocol):
    """An embedding model: texts in, unit vectors out."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts in their order, float32 [n, d]."""
        ...

    def embed_chunks(self, texts: Sequence[str]) -> Vectors:
        """The same for an index, where near enough and fast is better than exact."""
        ...

    def embed_one(self, text: str) -> Vectors:
        """The vector of one text, float32 [d]."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """An embedding model as a person chooses it.

    Attributes:
        kind: packaged, folder (a sentence-transformers folder on this machine), endpoint (OpenAI-compatible).
        location: the folder's path, or the endpoint's base URL (`http://host:port/v1`).
        model: its name at the endpoint.
        key_variable: the environment variable that holds the endpoint's key; the key itself is never stored.
    """

    kind: str = "packaged"
    location: str = ""
    model: str = ""
    key_variable: str = ""

    @classmethod
    def of(cls, index: IndexRow) -> "Choice":
        """How an index's embedding model is reached."""
        return cls(**index.embedder)

    def stored(self) -> dict[str, str]:
        """As an index row keeps it; empty for the packaged one."""
        return {} if self.kind == "packaged" else asdict(self)


@dataclass(frozen=True, slots=True)
class Probed:
    """An embedding model that was tried: its name for the fingerprint and the length of its vectors."""

    choice: Choice
    name: str
    dimension: int


class Checked:
    """An embedding model whose every answer has the shape that its index wants."""

    def __init__(self, embedder: Embeds, name: str, dimension: int) -> None:
        self.name = name
        self.dimension = dimension
        self._embedder = embedder

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors float32 [n, dimension], unit length.

        Raises:
            Conflict: the model gives something else than when the index was begun.
        """
        return self._fitting(self._embedder.embed(texts), (len(texts), self.dimension))

    def embed_chunks(self, texts: Sequence[str]) -> Vectors:
        """Vectors of chunks for the index, float32 [n, dimension]; raises as `embed` does."""
        return self._fitting(self._embedder.embed_chunks(texts), (len(texts), self.dimension))

    def embed_one(self, text: str) -> Vectors:
        """The vector of one text, float32 [dimension]; raises as `embed` does."""
        return self._fitting(self._embedder.embed_one(text), (self.dimension,))

    def at_once(self, usual: int) -> int:
        """How many chunks are worth giving at once: `usual`, or more where many workers share them."""
        workers = getattr(self._embedder, "workers", None)
        return max(usual, workers.at_once()) if workers else usual

    def where(self) -> str:
        """`, on 3 machines` once several share the work, for a job's line; else ""."""
        workers = getattr(self._embedder, "workers", None)
        return f", on {len(workers.nodes)} machines" if workers and len(workers.nodes) > 1 else ""

    def warm(self) -> None:
        """Have it ready for chunks, where that takes a while and costs nothing but time."""
        if isinstance(self._embedder, Embedder):
            self._embedder.warm()

    def _fitting(self, vectors: Vectors, shape: tuple[int, ...]) -> Vectors:
        if vectors.shape != shape or not np.isfinite(vectors).all():
            found = "numbers that are none" if vectors.shape == shape else f"vectors of shape {list(vectors.shape)}"
            raise Conflict(
                f"The embedding model {self.name} gives {found}; its index has {self.dimension} numbers a chunk.",
                "Put the model back that the index was made with, or change the index to this one.",
            )
        return vectors


class Embedders:
    """Embedding models by index, each loaded once; safe to share between threads.

    Args:
        packaged: gives the packaged one.
        folder: opens that of a folder; as `FolderEmbedder` does when it is not given.
    """

    def __init__(self, packaged: Callable[[], Any], folder: Callable[[Path], Any] | None = None) -> None:
        self._packaged = packaged
        self._folder = folder
        self._made: dict[tuple[str, int, str], Checked] = {}
        self._making = threading.Lock()

    def of(self, index: IndexRow) -> Checked:
        """The embedding model of an index.

        Raises:
            BadInput, ModelMissing: it is not there any more. Conflict: its weights are not those of the index.
        """
        choice = Choice.of(index)
        key = (index.embedding_model, index.dimension, choice.key_variable)
        with self._making:
            if key not in self._made:
                embedder = self._open(choice)
                if choice.kind == "folder" and embedder.name != index.embedding_model:
                    raise Conflict(
                        f"The folder {choice.location} holds other weights than this index was made with.",
                        "Put the old ones back, or change the index to the new ones.",
                    )
                self._made[key] = Checked(embedder, index.embedding_model, index.dimension)
            return self._made[key]

    def probe(self, choice: Choice) -> Probed:
        """Try an embedding model on one text.

        Raises:
            BadInput: it cannot be used. EngineFailed: an endpoint does not answer. ModelMissing: it is not there.
        """
        embedder = self._open(choice)
        try:
            vector = embedder.embed_one(PROBE)
        except (IndexError, RuntimeError) as error:  # a tokenizer of more words than the model has, shapes that differ
            raise BadInput("This model cannot read a text.", "Choose an embedding model.") from error
        if vector.ndim != 1 or not 2 <= len(vector) <= 8192 or not np.isfinite(vector).all():
            raise BadInput("This model does not give a vector for a text.", "Choose an embedding model.")
        return Probed(choice, embedder.name, len(vector))

    def open(self, probed: Probed) -> Checked:
        """An embedding model that was tried, apart from those of indexes; raises as `of` does."""
        return Checked(self._open(probed.choice), probed.name, probed.dimension)

    def _open(self, choice: Choice) -> Any:
        if choice.kind == "packaged":
            return self._packaged()
        if choice.kind == "folder":
            from core.ingestion.embedding_folder import FolderEmbedder

            return (self._folder or FolderEmbedder)(Path(choice.location).expanduser())
        if choice.kind == "endpoint":
            from core.ingestion.embedding_endpoint import EndpointEmbedder

            return EndpointEmbedder(choice.location, choice.model, choice.key_variable)
        raise BadInput(f"There is no kind of embedding model called {choice.kind!r}.", f"Choose {', '.join(KINDS)}.")


def from_values(values: Mapping[str, str]) -> Choice:
    """A choice from what a form gives, trimmed.

    Raises:
        BadInput: a part that the kind needs is missing.
    """
    choice = Choice(**{name: value.strip() for name, value in values.items()})
    if choice.kind not in KINDS:
        raise BadInput(f"There is no kind of embedding model called {choice.kind!r}.", f"Choose {', '.join(KINDS)}.")
    if choice.kind == "folder" and not choice.location:
        raise BadInput("Which folder?", "Give the path of a sentence-transformers folder on the server's machine.")
    if choice.kind == "endpoint" and not (choice.location and choice.model):
        raise BadInput("An endpoint needs its address and the model's name there.", "Fill in both.")
    if choice.kind == "endpoint" and urlsplit(choice.location).scheme not in ("http", "https"):
        raise BadInput("The address has to begin with http:// or https://.", "For instance http://127.0.0.1:11434/v1.")
    return choice


def digest(file: Path) -> str:
    """12 hex digits that name a file's content."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()[:12]
