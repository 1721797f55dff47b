"""Embeds texts in batches over the workers of a Ray cluster, each with a model of its own.

For a job that runs in the cluster itself. A batch whose node is lost is embedded again on another. The packaged model
is on every machine; a folder's has to be among the shared files, an endpoint has to be one that all may ask. What
cannot be used there is used on the dashboard's machine, and `why_here` says why.
"""

import ipaddress
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from core.errors import Conflict, TriptychError
from core.ingestion.embedders import Choice
from core.ingestion.embedding import Embedder, Vectors
from core.ingestion.embedding_folder import FolderEmbedder
from core.jobs.ray_joining import machines
from core.jobs.resources import Resources
from core.settings import Settings
from storage.rows import IndexRow

PART = 64
"""Texts of one task: a second or two of work on a core, so that a lost node costs no more."""
PARTS = 2
"""Tasks for each worker at once, so that one that is slow holds up nobody."""
LOOK_S = 2.0
"""How soon a job that waits for its parts sees that it is to end."""
HERE = "on this machine: "


class Workers:
    """The workers of the cluster, for one embedding model after the other.

    Attributes:
        nodes: the ids of the machines that have embedded something.
        meanwhile: called again and again while parts are under way, with what no machine of the cluster has ("" when
            one has it, and is only busy); what it raises ends them.
    """

    def __init__(self, resources: Resources) -> None:
        """`resources`: what one batch takes."""
        self.nodes: set[str] = set()
        self.meanwhile: Callable[[str], None] = lambda _lacks: None
        self._resources = resources

    def at_once(self) -> int:
        """How many texts are worth giving at once, so that every worker has some."""
        import ray

        return PART * PARTS * self._resources.fit(ray.cluster_resources())

    def embed(self, texts: Sequence[str], dimension: int, folder: str = "", name: str = "") -> Vectors:
        """Vectors of many texts for an index, float32 [n, d], unit length.

        Args:
            dimension: of no vectors, when there are no texts.
            folder: of the embedding model, at this path on every machine; "" for the packaged one.
            name: what the model of that folder has to be called.

        Raises:
            ModelMissing, BadInput, Conflict: a worker does not have that folder, or has another model in it.
            Whatever `meanwhile` raises.
        """
        import ray

        if not texts:
            return np.zeros((0, dimension), np.float32)
        task = ray.remote(embed_part).options(max_retries=5, scheduling_strategy="SPREAD", **self._resources.options())
        parts = [task.remote(list(texts[at : at + PART]), folder, name) for at in range(0, len(texts), PART)]
        try:
            self._wait(parts)
            done = ray.get(parts)
        except BaseException as error:
            for part in parts:
                ray.cancel(part)  # those that wait; who has begun needs a second or two more
            if isinstance(error, ray.exceptions.RayTaskError) and isinstance(error.cause, TriptychError):
                raise error.cause from error  # one line, without the worker's traceback
            raise
        self.nodes |= {node for node, _ in done}
        vectors: Vectors = np.concatenate([part for _, part in done])
        return vectors

    def _wait(self, parts: list[Any]) -> None:
        """Until each has ended, in whatever way."""
        import ray

        while parts:
            ended, parts = ray.wait(parts, num_returns=len(parts), timeout=LOOK_S)
            if parts:
                self.meanwhile("" if ended else self._resources.lacking(machines()))


class SpreadEmbedder(Embedder):
    """The same model and numbers as `Embedder`; chunks are embedded by many, questions by this process."""

    def __init__(self, workers: Workers) -> None:
        super().__init__()
        self.workers = workers

    def embed_chunks(self, texts: Sequence[str]) -> Vectors:
        """Vectors of many texts for an index, float32 [n, 384], unit length."""
        return self.workers.embed(texts, self.dimension)

    def warm(self) -> None:
        """Nothing: the workers load what chunks need."""


class SpreadFolder(FolderEmbedder):
    """The same for a folder that every machine sees at the same path."""

    def __init__(self, folder: Path, workers: Workers) -> None:
        super().__init__(folder)
        self.workers = workers

    def embed_chunks(self, texts: Sequence[str]) -> Vectors:
        """Vectors of many texts for an index, float32 [n, d], unit length."""
        return self.workers.embed(texts, 0, str(self.folder), self.name)


def embed_part(texts: list[str], folder: str, name: str) -> tuple[str, Vectors]:
    """The id of this worker's machine, and vectors of some texts by its own model: float32 [n, d]."""
    import ray

    return ray.get_runtime_context().get_node_id(), _own(folder, name).embed_chunks(texts)


@lru_cache(2)
def _own(folder: str, name: str) -> Embedder | FolderEmbedder:
    if not folder:
        return Embedder()
    found = FolderEmbedder(Path(folder))
    if found.name != name:
        raise Conflict(
            f"{folder} on a worker holds {found.name}, not {name}.", "Have every machine see the same files there."
        )
    return found


def why_here(settings: Settings, index: IndexRow) -> str:
    """Why the chunks of an index are embedded on the dashboard's machine although there is a cluster, else ""."""
    choice = Choice.of(index)
    return why_not_there(settings, choice.kind, choice.location, choice.key_variable)


def why_not_there(settings: Settings, kind: str, location: str, key: str) -> str:
    """Why a model can be used on the dashboard's machine alone although there is a cluster, else "".

    Args:
        kind: "endpoint", or of a model that is read from `location`; a packaged one has no location.
        key: where an endpoint's key is kept, "" when it needs none.
    """
    if not settings.ray_address:
        return ""
    if kind != "endpoint":
        shared = not location or _is_shared(settings.files_url, Path(location))
        return "" if shared else f"{HERE}{location} is not among the shared files (TRIPTYCH_FILES_URL)"
    if key:
        return f"{HERE}the endpoint's key is in its {key}"
    if _is_local(urlsplit(location).hostname or ""):
        return f"{HERE}no other reaches {urlsplit(location).netloc}"
    return ""


def _is_shared(files_url: str, folder: Path) -> bool:
    """Whether a folder is inside the one that is mounted on every machine; a URL is mounted nowhere."""
    if not files_url or "://" in files_url:
        return False
    return folder.expanduser().resolve().is_relative_to(Path(files_url).expanduser().resolve())


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
