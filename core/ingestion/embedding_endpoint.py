"""An OpenAI-compatible `/v1/embeddings` endpoint as an embedding model.

The key is read from an environment variable at each call and is in no error, log or row. Redirects are not
followed. Knows nothing of indexes.
"""

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from core.errors import BadInput, EngineFailed

Vectors = NDArray[np.float32]
AT_ONCE = 64
TIMEOUT_S = 60.0


class EndpointEmbedder:
    """Attributes:
    name: the model's name and the host that serves it.
    """

    def __init__(self, location: str, model: str, key_variable: str = "") -> None:
        self.name = f"{model} at {urlsplit(location).netloc.rsplit('@', 1)[-1]}"
        self._url = f"{location.rstrip('/')}/embeddings"
        self._model = model
        self._key_variable = key_variable

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts in their order, float32 [n, d], unit length.

        Raises:
            EngineFailed: it cannot be reached, refuses, or answers with something else.
        """
        rows = [row for at in range(0, len(texts), AT_ONCE) for row in self._ask(texts[at : at + AT_ONCE])]
        if len({len(row) for row in rows}) > 1:
            raise EngineFailed(f"{self.name} gives vectors of different lengths.", "Choose an embedding model.")
        vectors = np.asarray(rows, np.float32).reshape(len(rows), -1)
        unit: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))
        return unit

    def embed_chunks(self, texts: Sequence[str]) -> Vectors:
        """The same: this model knows one precision only."""
        return self.embed(texts)

    def embed_one(self, text: str) -> Vectors:
        """The vector of one text, float32 [d], unit length; raises as `embed` does."""
        vector: Vectors = self.embed([text])[0]
        return vector

    def _ask(self, texts: Sequence[str]) -> list[list[float]]:
        import httpx

        body = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        try:
            answer = httpx.post(self._url, json=body, headers=self._headers(), timeout=TIMEOUT_S)
        except httpx.HTTPError as error:
            said = f"{self.name} does not answer: {type(error).__name__}."
            raise EngineFailed(said, "Start it, or mend its address; then try again.") from error
        if answer.status_code != 200:
            said = f"{self.name} refused with status {answer.status_code}."
            raise EngineFailed(said, "Check the model's name there and the key; then try again.")
        try:
            return _rows(answer.json(), len(texts))
        except (ValueError, KeyError, TypeError) as error:
            raise EngineFailed(f"{self.name} did not answer with embeddings.", "Check its address.") from error

    def _headers(self) -> dict[str, str]:
        if not self._key_variable:
            return {}
        key = os.environ.get(self._key_variable, "")
        if not key:
            raise BadInput(
                f"The environment variable {self._key_variable} is empty or not set.",
                "Set it where the server is started, and start it again.",
            )
        return {"Authorization": f"Bearer {key}"}


def _rows(answer: Any, wanted: int) -> list[list[float]]:
    """The vectors of an answer, in the order asked for."""
    data = sorted(answer["data"], key=lambda item: item["index"])
    if [item["index"] for item in data] != list(range(wanted)):
        raise ValueError("some are missing")
    return [[float(number) for number in item["embedding"]] for item in data]
