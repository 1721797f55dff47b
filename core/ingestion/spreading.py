"""Embeds texts in batches over the workers of a Ray cluster, each with a model of its own.

For a job that runs in the cluster itself. A batch whose node is lost is embedded again on another.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np

from core.ingestion.embedding import Embedder, Vectors

PART = 64
"""Texts of one task: a second or two of work on a core, so that a lost node costs no more."""


class SpreadEmbedder(Embedder):
    """The same model and numbers as `Embedder`; chunks are embedded by many, questions by this process."""

    def embed_chunks(self, texts: Sequence[str]) -> Vectors:
        """Vectors of many texts for an index, float32 [n, 384], unit length."""
        import ray

        task = ray.remote(embed_part).options(num_cpus=1, max_retries=5)
        parts = [task.remote(list(texts[at : at + PART])) for at in range(0, len(texts), PART)]
        if not parts:
            return np.zeros((0, self.dimension), np.float32)
        vectors: Vectors = np.concatenate(ray.get(parts))
        return vectors

    def warm(self) -> None:
        """Nothing: the workers load what chunks need."""


def embed_part(texts: list[str]) -> Vectors:
    """Vectors of some texts, by this worker's own model: float32 [n, 384]."""
    return _own().embed_chunks(texts)


@cache
def _own() -> Embedder:
    return Embedder()
