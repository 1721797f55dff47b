"""Turns a base model's row into its engine, without loading anything."""

from pathlib import Path

from core.errors import BadInput
from core.generation.engine import Engine
from storage.rows import BaseModelRow


def engine_of(row: BaseModelRow, folder: Path) -> Engine:
    """The engine of a base model.

    Args:
        folder: where rewritten weights are kept.

    Raises:
        BadInput: its kind is unknown.
    """
    if row.kind == "gguf":
        from core.generation.embedded import EmbeddedChat

        return EmbeddedChat(name=row.name, source=Path(row.location), folder=folder)
    raise BadInput(f"There is no kind of base model called {row.kind!r}.", "Choose another base model in Settings.")
