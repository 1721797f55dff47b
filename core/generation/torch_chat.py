"""Any causal language model in Hugging Face's form as an engine, through transformers: CPU or CUDA.

Everything but the loading is the embedded engine's: tokens, stopping, timings, one child process for all callers.
A call may name an `adapter`, a folder with a PEFT adapter, which counts for that call alone. The folder was
checked before (`checking.model_folder`): safetensors only, no code of its own.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage

from core.errors import BadInput, TriptychError
from core.generation.batching import STEP_TOKENS, Batcher, Child, TokenStream
from core.generation.checking import is_hub_id, local_path, model_folder
from core.generation.embedded import EmbeddedChat
from core.generation.engine import Sampling
from core.generation.folder_tokens import FolderTokens, read_json
from core.generation.gguf import Progress
from core.generation.loading import Facts, Loaded

SCRIPT = Path(__file__).with_name("torch_stepping.py")
WINDOW_UNKNOWN = 2048
NAMES = {
    "window": ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length"),
    "heads": ("num_attention_heads", "n_head", "n_heads"),
    "width": ("hidden_size", "n_embd", "d_model"),
    "layers": ("num_hidden_layers", "n_layer", "n_layers"),
}
"""What config.json calls the same thing in different families."""
CACHE_AT_LEAST = 2048
"""Tokens that one answer may have in any case, however short memory is."""

REMEDY = "Look at the log; or serve it with vLLM or Ollama and add it as an endpoint."


class TorchChat(EmbeddedChat):
    """Attributes:
    source: the folder.
    """

    @property
    def weight_bytes(self) -> int:
        """Of all weight files; twice that where 16-bit weights are computed in 32."""
        return 2 * sum(file.stat().st_size for file in self.source.glob("*.safetensors"))

    def _load(self, progress: Progress | None = None) -> Loaded:
        import psutil  # type: ignore[import-untyped]

        folder = model_folder(self.source)
        tokens = FolderTokens(folder)
        found = facts(folder, self.window_at_most)
        each = int(psutil.virtual_memory().available) // 8 // found.cache_bytes
        capacity = self.cache_tokens or max(min(found.window, each), CACHE_AT_LEAST)
        arguments = (str(folder), str(STEP_TOKENS), ",".join(map(str, tokens.ends)))
        return Loaded(found, tokens, Batcher(folder, Child("transformers", SCRIPT, arguments, REMEDY)), capacity)

    def forget(self, adapter: str) -> None:
        """Let go of an adapter's matrices, if they are in memory; harmless otherwise."""
        if self._loaded is not None:
            self._loaded.batcher.forget(adapter)

    def _echoing(self, loaded: Loaded) -> Batcher:
        """The child itself: it forgets every prompt when it is answered."""
        return loaded.batcher

    @property
    def _llm_type(self) -> str:
        return "triptych-torch"


class AdaptedChat(TorchChat):
    """A torch engine with one PEFT adapter on for all that is asked here; the base model in memory is the engine's own.

    So any number of adapters cost one base model, an adapter answers as soon as its few matrices are read, and what
    base and adapters are asked at once is written in one batch.

    Attributes:
        base: the engine that holds the base model, or who gives it: it may be closed and made anew in between.
        adapter: the peft folder.
    """

    base: Callable[[], TorchChat]
    adapter: str

    @property
    def ready(self) -> bool:
        """Whether the base model is loaded."""
        return self._of_base("ready")

    @property
    def busy(self) -> bool:
        """Whether the base model's engine is."""
        return self._of_base("busy")

    @property
    def weight_bytes(self) -> int:
        """Those of the base model are the engine's."""
        return 0

    def close(self) -> None:
        """Let go of the matrices; the base model stays for those who use it."""
        with suppress(TriptychError):  # it was deleted, and its memory given back
            self.base().forget(self.adapter)

    def open_stream(
        self,
        messages: Sequence[BaseMessage],
        sampling: Sampling,
        stopping: threading.Event | None = None,
        begun: Sequence[int] = (),
    ) -> TokenStream:
        """As the engine does, with the adapter on."""
        return super().open_stream(messages, replace(sampling, adapter=self.adapter), stopping, begun)

    def _of_base(self, what: str) -> bool:
        try:
            return bool(getattr(self.base(), what))
        except TriptychError:
            return False

    def _model(self, progress: Progress | None = None) -> Loaded:
        return self.base()._model(progress)

    def _sampling(self, stop: list[str] | None, given: dict[str, Any]) -> Sampling:
        return replace(super()._sampling(stop, given), adapter=self.adapter)

    @property
    def _llm_type(self) -> str:
        return "triptych-torch-adapted"


def facts(folder: Path, window_at_most: int = 0) -> Facts:
    """What config.json says: context length, and the bytes of cache for one token at four bytes a number."""
    read = read_json(folder / "config.json")
    config = read | (read.get("text_config") or {})

    def said(what: str) -> int:
        return next((int(config[name]) for name in NAMES[what] if config.get(name)), 0)

    window = said("window") or WINDOW_UNKNOWN
    heads = said("heads") or 1
    head = int(config.get("head_dim") or (said("width") or 4096) // heads)
    layers, kv_heads = said("layers") or 32, int(config.get("num_key_value_heads") or heads)
    return Facts(min(window, window_at_most or window), max(2 * layers * kv_heads * head * 4, 1))


def folder_of(location: str) -> Path:
    """The folder that a path or a hub id means. Nothing is downloaded.

    Raises:
        BadInput: not there, or refused with the reason.
    """
    if not is_hub_id(location):
        return model_folder(local_path(location))
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return model_folder(Path(snapshot_download(location, local_files_only=True)))
    except LocalEntryNotFoundError as error:
        message = f"{location} is not on this machine, and nothing is downloaded unasked."
        raise BadInput(message, f"To get it: hf download {location} --exclude '*.bin' '*.pt' '*.pth'") from error
