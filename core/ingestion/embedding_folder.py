"""Any sentence-transformers folder on this machine as an embedding model: safetensors only, no code from the folder.

Pooling (mean or first token) and the longest text are read from the folder's own configuration; vectors are
always brought to unit length, which cosine search does not notice. A folder with other modules (a dense layer
after the pooling) is refused rather than read wrongly, and one that could do harm as a base model's is
(`core.generation.checking`).
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
from core.generation.checking import JSON_AT_MOST, model_folder
from core.ingestion.embedding import batches

Vectors = NDArray[np.float32]
ENDPOINT = "Choose another folder, or serve the model through an OpenAI-compatible endpoint."
KNOWN_MODULES = {"Transformer", "Pooling", "Normalize"}
BATCH_TOKENS = 2048
LONGEST = 512
"""Tokens read of a text when the folder does not say."""


class FolderEmbedder:
    """Loaded at its first text.

    Attributes:
        name: the folder's name and a digest of its weights.
        folder: where it is.

    Raises:
        ModelMissing: the folder or a part of it is not there. BadInput: it has parts that are not known here.
    """

    def __init__(self, folder: Path) -> None:
        from core.ingestion.embedders import digest

        weights, tokenizer = folder / "model.safetensors", folder / "tokenizer.json"
        _there(folder / "config.json", tokenizer)
        _refuse_harmful(folder)
        _there(weights)
        _refuse_unknown(folder)
        self.name = f"{folder.resolve().name}@{digest(weights)}"
        self.folder = folder
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
                try:
                    self._loaded = _tokenizer(self.folder), _model(self.folder)
                except ImportError:
                    raise
                except Exception as error:  # what reads tokenizers and safetensors has kinds of its own, of no family
                    reason = next(iter(str(error).splitlines()), type(error).__name__)[:200]
                    raise BadInput(f"The model in {self.folder} cannot be read: {reason}", "Choose another.") from error
            return self._loaded


def _tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(_longest(folder))
    return tokenizer


def _model(folder: Path) -> Any:
    import torch

    imports.whole("transformers")
    from transformers import AutoModel

    model, told = AutoModel.from_pretrained(
        folder,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        dtype=torch.float32,
        output_loading_info=True,
    )
    lacking = set(told["missing_keys"]) & {name for name, _ in model.named_parameters() if "pooler" not in name}
    if lacking:  # they would be made up by chance, differently each time
        raise ValueError(f"its weights lack {min(lacking)}")
    return model.eval()


def mean_over_tokens(hidden: Any, mask: Any) -> Any:
    """Mean of `hidden` [n, tokens, d] where `mask` [n, tokens] is 1, scaled to unit length: [n, d]."""
    weights = mask.unsqueeze(-1).float()
    mean = (hidden * weights).sum(1) / weights.sum(1)
    return mean / mean.norm(dim=1, keepdim=True).clamp_min(1e-12)


def _there(*files: Path) -> None:
    for file in files:
        if not file.is_file():
            raise ModelMissing(
                f"{file} is not there.",
                "Give a sentence-transformers folder with config.json, tokenizer.json and model.safetensors.",
            )


def _refuse_harmful(folder: Path) -> None:
    try:
        model_folder(folder)
    except BadInput as error:
        raise BadInput(error.message, ENDPOINT) from error
    if (folder / "tokenizer.json").stat().st_size > JSON_AT_MOST:
        raise BadInput("tokenizer.json is larger than any such file should be.", ENDPOINT)


def _refuse_unknown(folder: Path) -> None:
    modules = _json(folder / "modules.json", list) or []
    kinds = [str(module.get("type", "")) if isinstance(module, dict) else "nothing at all" for module in modules]
    unknown = {kind.rsplit(".", 1)[-1] for kind in kinds} - KNOWN_MODULES
    if unknown:
        raise BadInput(
            f"This folder has a part that is not known here: {', '.join(sorted(unknown))[:200]}.",
            "Serve it through an OpenAI-compatible endpoint instead.",
        )


def _pools_first_token(folder: Path) -> bool:
    settings = _json(folder / "1_Pooling" / "config.json", dict) or {"pooling_mode_mean_tokens": True}
    modes = {name for name, on in settings.items() if name.startswith("pooling_mode_") and on is True}
    modes |= {f"pooling_mode_{mode}" for mode in [settings.get("pooling_mode")] if isinstance(mode, str)}
    if modes <= {"pooling_mode_mean_tokens", "pooling_mode_mean"}:
        return False
    if modes <= {"pooling_mode_cls_token", "pooling_mode_cls"}:
        return True
    raise BadInput("This model pools in a way that is not known here.", "Choose one with mean or CLS pooling.")


def _longest(folder: Path) -> int:
    settings = _json(folder / "sentence_bert_config.json", dict) or {}
    positions = _number((_json(folder / "config.json", dict) or {}).get("max_position_embeddings"))
    return min(_number(settings.get("max_seq_length")), positions)


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else LONGEST


def _json(file: Path, kind: type) -> Any:
    """What a file holds; None when there is no such file. Raises BadInput when it is not of the kind it should be."""
    if not file.is_file():
        return None
    if file.stat().st_size > JSON_AT_MOST:
        raise BadInput(f"{file} is larger than any such file should be.", ENDPOINT)
    try:
        found = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{file} is not valid JSON.", "Mend it, or choose another folder.") from error
    if not isinstance(found, kind):
        raise BadInput(f"{file} is not what it should be.", "Mend it, or choose another folder.")
    return found
