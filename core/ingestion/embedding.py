"""Texts in, unit vectors out: all-MiniLM-L6-v2 on the CPU.

The numbers of `SentenceTransformer.encode(normalize_embeddings=True)` (mean of the last layer over the tokens,
unit length, at most 256 tokens), computed in batches of like lengths so that next to nothing is padding.
Questions and sentences get them in float32. Chunks, of which there are many, get them from matrices of 8 bits
(`minilm`): faster, a cosine of about 0.993 to the exact vector. A text goes alone there, so that a vector is that of
its text alone, and each core does texts of its own. `benchmarks/embedding.py` measures both. Knows nothing of rows or
indexes.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from core.ingestion.minilm import Precision, made
from core.priority import cores

Vectors = NDArray[np.float32]
Output = Literal["vectors", "states"]

MAX_TOKENS = 256  # the model's own setting: it was trained on no more
BATCH_TOKENS = 1024  # of a batch in float32: small ones stay in the cache
SLAB = 2048  # texts that are tokenised and sorted together


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text token by token.

    Attributes:
        vector: of the whole text, as `Embedder.embed` gives it, float32 [384].
        states: of each token, float16 [n, 384], unit length; without those that mark beginning and end.
        spans: where each token stands in the text: its start and end.
    """

    vector: Vectors
    states: NDArray[np.float16]
    spans: tuple[tuple[int, int], ...]


class Embedder:
    """The embedding model; each precision is loaded at its first use, and shared by all threads.

    Attributes:
        name: of the vectors that an index holds, part of its fingerprint.
        dimension: length of a vector.
    """

    name = "all-MiniLM-L6-v2 (int8)"
    dimension = 384

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` holds the model, the packaged one by default."""
        self._folder = folder
        self._encoders: dict[Precision, Encoder] = {}
        self._loading = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Exact vectors of the texts in their order, float32 [n, 384], unit length."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for positions, batch in self.embed_batches(texts):
            vectors[positions] = batch
        return vectors

    def embed_chunks(self, texts: Sequence[str]) -> Vectors:
        """Vectors of many texts for an index, as `embed` but in 8 bits: faster, and near enough to be searched."""
        encoder = self.load("int8")
        rows = encoder.tokens(texts)
        longest_first = sorted(range(len(rows)), key=lambda at: -len(rows[at]))  # so that the cores end together
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        with ThreadPoolExecutor(cores(), thread_name_prefix="embedding") as pool:
            found = pool.map(lambda at: encoder.encode([rows[at]])[0], longest_first)
            for at, vector in zip(longest_first, found, strict=True):
                vectors[at] = vector
        return vectors

    def embed_one(self, text: str) -> Vectors:
        """The exact vector of one text, such as a question: float32 [384], unit length."""
        encoder = self.load()
        vector: Vectors = encoder.encode(encoder.tokens([text]))[0]
        return vector

    def embed_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Exact vectors of the texts and of their tokens, in their order."""
        encoder = self.load()
        encodings = encoder.encodings(texts)
        found: dict[int, Tokens] = {}
        for batch in batches([len(each.ids) for each in encodings], BATCH_TOKENS):
            vectors, layer = encoder.run([encodings[at].ids for at in batch], ("vectors", "states"))
            for row, at in enumerate(batch):
                found[at] = Tokens(vectors[row], _unit(layer[row, 1 : len(encodings[at].ids) - 1]),
                                   tuple(encodings[at].offsets[1:-1]))  # fmt: skip
        return [found[at] for at in range(len(texts))]

    def embed_batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], Vectors]]:
        """Exact vectors batch by batch, longest texts of a slab first; between batches a caller may stop.

        Yields:
            positions in `texts`, and their vectors float32 [len(positions), 384].
        """
        encoder = self.load()
        for begin in range(0, len(texts), SLAB):
            tokens = encoder.tokens(texts[begin : begin + SLAB])
            for batch in batches([len(row) for row in tokens], BATCH_TOKENS):
                yield [begin + at for at in batch], encoder.encode([tokens[at] for at in batch])

    def warm(self) -> None:
        """Load what chunks are embedded with; raises as `load` does."""
        self.load("int8")

    def load(self, precision: Precision = "float32") -> "Encoder":
        """Read the model now rather than at the first text; takes about a second.

        Raises:
            ModelMissing: the packaged model is absent or not the published one.
        """
        with self._loading:
            if precision not in self._encoders:
                from core.models import embedding_folder

                self._encoders[precision] = Encoder(self._folder or embedding_folder(), precision)
            return self._encoders[precision]


class Encoder:
    """Tokeniser and weights in memory. Calls from several threads do not disturb each other."""

    def __init__(self, folder: Path, precision: Precision) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others need the cores too
        if precision == "int8":
            options.intra_op_num_threads = 1  # threads that share one text wait for each other at every step of it
        graph, self._weights = made(folder / "model.safetensors", precision)  # the session reads them where they are
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(numbers) for numbers in self._weights.values()]
        options.add_external_initializers(list(self._weights), values)
        self._session = onnxruntime.InferenceSession(
            graph,
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["SkipLayerNormFusion"],  # fused, the steps take five times as long
        )
        names = [output.name for output in self._session.get_outputs()]
        self._outputs: dict[Output, str] = dict(zip(get_args(Output), names, strict=True))

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, at most 256."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def encodings(self, texts: Sequence[str]) -> list[Any]:
        """The same with where each token stands in its text (`ids`, `offsets`)."""
        return list(self._tokenizer.encode_batch(list(texts)))

    def encode(self, rows: Sequence[Sequence[int]]) -> Vectors:
        """Vectors of tokenised texts, float32 [len(rows), 384], unit length."""
        return self.run(rows, ("vectors",))[0]

    def run(self, rows: Sequence[Sequence[int]], outputs: Sequence[Output]) -> list[Vectors]:
        """Vectors of tokenised texts, or the last layer, float32 [len(rows), longest, 384], or both."""
        shape = len(rows), max(len(row) for row in rows)
        ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.float32)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
            mask[number, : len(row)] = 1
        names = [self._outputs[output] for output in outputs]
        found: list[Vectors] = self._session.run(names, {"ids": ids, "mask": mask})
        return found


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Positions grouped by like lengths, longest first; a group padded to its longest holds `budget` tokens."""
    group: list[int] = []
    for position in sorted(range(len(lengths)), key=lambda at: -lengths[at]):
        if group and (len(group) + 1) * lengths[group[0]] > budget:
            yield group
            group = []
        group.append(position)
    if group:
        yield group


def _unit(states: Vectors) -> NDArray[np.float16]:
    lengths = np.linalg.norm(states, axis=1, keepdims=True)
    found: NDArray[np.float16] = (states / np.maximum(lengths, 1e-6)).astype(np.float16)
    return found
