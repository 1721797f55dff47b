"""Any sentence-transformers folder on this machine as an embedding model: safetensors only, no code from the folder.

Pooling (mean or first token) and the longest text are read from the folder's own configuration; vectors are
always brought to unit length, which cosine search does not notice. A folder with other modules (a dense layer
after the pooling) is refused rather than read wrongly.
"""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import imports
from core.errors import BadInput, ModelMissing
from core.ingestion.embedding import batches

Vectors = NDArray[np.float32]
KNOWN_MODULES = {"Transformer", "Pooling", "Normalize"}
BATCH_TOKENS = 2048
LONGEST = 512
"""Tokens read of a text when the folder does not say."""


class FolderEmbedder:
    """Loaded at its first text.

    Attributes:
        name: the folder's name and a digest of its weights.

    Raises:
        ModelMissing: the folder or a part of it is not there. BadInput: it has parts that are not known here.
    """

    def __init__(self, folder: Path) -> None:
        from core.ingestion.embedders import digest

        weights, tokenizer = folder / "model.safetensors", folder / "tokenizer.json"
        for file in (folder / "config.json", weights, tokenizer):
            if not file.is_file():
                raise ModelMissing(
                    f"{file} is not there.",
                    "Give a sentence-transformers folder with config.json, tokenizer.json and model.safetensors.",
                )
        _refuse_unknown(folder)
        self.name = f"{folder.resolve().name}@{digest(weights)}"
        self._folder = folder
        self._first_token = _pools_first_token(folder)
        self._loaded: tuple[Any, Any] | None = None
        self._loading = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts in their order, float32 [n, d], unit length."""
        tokenizer, _ = self._load()
        rows = tokenizer.encode_batch(list(texts))
        found: list[Vectors] = [np.zeros(0, np.float32)] * len(texts)
        for positions in batches([len(row.ids) for row in rows], BATCH_TOKENS):
            for at, vector in zip(positions, self._encode([rows[at] for at in positions]), strict=True):
                found[at] = vector
        return np.stack(found) if found else np.zeros((0, 0), np.float32)

    def embed_chunks(self, texts: Sequence[str]) -> Vectors:
        """The same: this model knows one precision only."""
        return self.embed(texts)

    def embed_one(self, text: str) -> Vectors:
        """The vector of one text, float32 [d], unit length."""
        vector: Vectors = self.embed([text])[0]
        return vector

    def _encode(self, rows: Sequence[Any]) -> Vectors:
        import torch

        _, model = self._load()
        longest = max(len(row.ids) for row in rows)
        padding = int(getattr(model.config, "pad_token_id", 0) or 0)
        ids = torch.full((len(rows), longest), padding, dtype=torch.long)
        mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for number, row in enumerate(rows):
            ids[number, : len(row.ids)] = torch.tensor(row.ids)
            mask[number, : len(row.ids)] = 1
        with torch.inference_mode():
            hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state.float()  # [n, longest, d]
            first_only = torch.zeros_like(mask)
            first_only[:, 0] = 1
            vectors: Vectors = mean_over_tokens(hidden, first_only if self._first_token else mask).numpy()
        return vectors

    def _load(self) -> tuple[Any, Any]:
        with self._loading:
            if self._loaded is None:
                import torch
                from tokenizers import Tokenizer

                imports.whole("transformers")
                from transformers import AutoModel

                tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
                tokenizer.no_padding()
                tokenizer.enable_truncation(_longest(self._folder))
                try:
                    model = AutoModel.from_pretrained(
                        self._folder,
                        use_safetensors=True,
                        local_files_only=True,
                        trust_remote_code=False,
                        dtype=torch.float32,
                    ).eval()
                except (OSError, ValueError, KeyError) as error:
                    reason = str(error).splitlines()[0][:200]
                    raise BadInput(
                        f"The model in {self._folder} cannot be read: {reason}", "Choose another."
                    ) from error
                self._loaded = tokenizer, model
            return self._loaded


def mean_over_tokens(hidden: Any, mask: Any) -> Any:
    """Mean of `hidden` [n, tokens, d] where `mask` [n, tokens] is 1, scaled to unit length: [n, d]."""
    weights = mask.unsqueeze(-1).float()
    mean = (hidden * weights).sum(1) / weights.sum(1)
    return mean / mean.norm(dim=1, keepdim=True).clamp_min(1e-12)


def _refuse_unknown(folder: Path) -> None:
    modules = _json(folder / "modules.json") or []
    unknown = {str(module.get("type", "")).rsplit(".", 1)[-1] for module in modules} - KNOWN_MODULES
    if unknown:
        raise BadInput(
            f"This folder has a part that is not known here: {', '.join(sorted(unknown))}.",
            "Serve it through an OpenAI-compatible endpoint instead.",
        )


def _pools_first_token(folder: Path) -> bool:
    settings = _json(folder / "1_Pooling" / "config.json") or {"pooling_mode_mean_tokens": True}
    modes = {name for name, on in settings.items() if name.startswith("pooling_mode_") and on is True}
    modes |= {f"pooling_mode_{mode}" for mode in [settings.get("pooling_mode")] if isinstance(mode, str)}
    if modes <= {"pooling_mode_mean_tokens", "pooling_mode_mean"}:
        return False
    if modes <= {"pooling_mode_cls_token", "pooling_mode_cls"}:
        return True
    raise BadInput("This model pools in a way that is not known here.", "Choose one with mean or CLS pooling.")


def _longest(folder: Path) -> int:
    settings = _json(folder / "sentence_bert_config.json") or {}
    positions = int((_json(folder / "config.json") or {}).get("max_position_embeddings") or LONGEST)
    return min(int(settings.get("max_seq_length") or LONGEST), positions)


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8")) if file.is_file() else None
    except ValueError as error:
        raise BadInput(f"{file} is not valid JSON.", "Mend it, or choose another folder.") from error
