"""Texts in, unit vectors out: all-MiniLM-L6-v2 on the CPU.

The same numbers as `SentenceTransformer.encode(normalize_embeddings=True)` (mean of the last layer over
the tokens, unit length, at most 256 tokens), computed in batches of like lengths so that next to
nothing is padding, and in bfloat16 where the CPU multiplies it natively. `benchmarks/embedding.py`
measures both choices. Knows nothing of chunks, rows or indexes.
"""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Vectors = NDArray[np.float32]

MAX_TOKENS = 256  # the model's own setting: it was trained on no more
BATCH_TOKENS = {"bfloat16": 4096, "float32": 2048}  # smaller batches were quicker in float32
SLAB = 2048  # texts that are tokenised and sorted together


class Embedder:
    """The embedding model; loaded on first use, shared by all threads.

    Attributes:
        name: the model's name, part of an index's fingerprint.
        dimension: length of a vector.
    """

    name = "all-MiniLM-L6-v2"
    dimension = 384

    def __init__(self, folder: Path | None = None, precision: str | None = None) -> None:
        """`folder` holds the model, the packaged one by default; `precision` is bfloat16 or float32."""
        self._folder = folder
        self._precision = precision
        self._encoder: Encoder | None = None
        self._loading = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts in their order, float32 [n, 384], unit length."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for positions, batch in self.embed_batches(texts):
            vectors[positions] = batch
        return vectors

    def embed_one(self, text: str) -> Vectors:
        """The vector of one text, such as a question: float32 [384], unit length."""
        encoder = self.load()
        vector: Vectors = encoder.encode(encoder.tokens([text]))[0]
        return vector

    def embed_batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], Vectors]]:
        """Vectors batch by batch, longest texts of a slab first; between batches a caller may stop.

        Yields:
            positions in `texts`, and their vectors float32 [len(positions), 384].
        """
        encoder = self.load()
        for begin in range(0, len(texts), SLAB):
            tokens = encoder.tokens(texts[begin : begin + SLAB])
            for batch in batches([len(row) for row in tokens], BATCH_TOKENS[encoder.precision]):
                yield [begin + at for at in batch], encoder.encode([tokens[at] for at in batch])

    def load(self) -> "Encoder":
        """Read the model now rather than at the first question; takes about two seconds.

        Raises:
            ModelMissing: the packaged model is absent or not the published one.
        """
        with self._loading:
            if self._encoder is None:
                from core.models import embedding_folder

                self._encoder = Encoder(self._folder or embedding_folder(), self._precision or native_precision())
            return self._encoder


class Encoder:
    """Tokeniser and weights in memory. Calls from several threads do not disturb each other."""

    def __init__(self, folder: Path, precision: str) -> None:
        import torch
        from tokenizers import Tokenizer
        from transformers import BertModel

        self.precision = precision
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        with _quiet():
            self._model: Any = BertModel.from_pretrained(
                folder,
                add_pooling_layer=False,
                use_safetensors=True,
                local_files_only=True,
                dtype=getattr(torch, precision),
            ).eval()

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, at most 256."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def encode(self, rows: Sequence[Sequence[int]]) -> Vectors:
        """Vectors of tokenised texts, float32 [len(rows), 384], unit length."""
        import torch

        longest = max(len(row) for row in rows)
        ids = torch.zeros((len(rows), longest), dtype=torch.long)
        mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = torch.tensor(row)
            mask[number, : len(row)] = 1
        with torch.inference_mode():
            hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state  # [n, longest, 384]
            vectors: Vectors = mean_over_tokens(hidden.float(), mask).numpy()
        return vectors


def mean_over_tokens(hidden: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    """Mean of `hidden` [n, tokens, d] where `mask` [n, tokens] is 1, scaled to unit length: [n, d]."""
    weights = mask.unsqueeze(-1).float()
    mean = (hidden * weights).sum(1) / weights.sum(1)
    return mean / mean.norm(dim=1, keepdim=True).clamp_min(1e-12)


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


def native_precision() -> str:
    """`bfloat16` where the CPU has instructions for it (AVX-512 BF16 or AMX) and is twice as fast; else `float32`."""
    import torch

    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if native else "float32"


class _quiet:
    """Silences transformers' report on the pooling layer, which this model does not use."""

    def __enter__(self) -> None:
        from transformers.utils import logging

        self._before = logging.get_verbosity()
        self._bar = logging.is_progress_bar_enabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()

    def __exit__(self, *_: object) -> None:
        from transformers.utils import logging

        logging.set_verbosity(self._before)
        if self._bar:
            logging.enable_progress_bar()
