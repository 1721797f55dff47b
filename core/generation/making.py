"""Turns a base model's row into its engine, without loading anything."""

from pathlib import Path

from core.errors import BadInput
from core.generation.checking import gguf_file
from core.generation.engine import Engine
from core.generation.secrets import Secrets
from storage.rows import BaseModelRow


def engine_of(row: BaseModelRow, folder: Path, secrets: Secrets) -> Engine:
    """The engine of a base model.

    Args:
        folder: where rewritten weights are kept.
        secrets: opens its key.

    Raises:
        BadInput: its kind is unknown, or its key cannot be read.
    """
    if row.kind == "gguf":
        from core.generation.embedded import EmbeddedChat

        source = gguf_file(row.location)
        return EmbeddedChat(name=row.name, source=source, folder=folder, window_at_most=row.window)
    if row.kind == "transformers":
        from core.generation.torch_chat import TorchChat, folder_of

        source = folder_of(row.location)
        return TorchChat(name=row.name, source=source, folder=folder, window_at_most=row.window)
    if row.kind == "endpoint":
        from pydantic import SecretStr

        from core.generation.endpoint import EndpointChat

        return EndpointChat(
            name=row.name,
            base_url=row.location,
            model=row.model,
            key=SecretStr(secrets.open(row.secret)),
            tokens_in_window=row.window,
        )
    raise BadInput(f"There is no kind of base model called {row.kind!r}.", "Choose another base model in Settings.")
