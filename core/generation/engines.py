"""The engines of one workspace: one for each base model, shared by every assistant that answers with it.

An engine is made when it is first asked for and loads at its first question. When a heavy one is to load and
memory is short, those that nobody is waiting for are closed, least recently used first. Knows nothing of how
an engine works; `making` turns a base model into one.
"""

import threading
from collections.abc import Callable

from core.errors import NotFound
from core.generation.engine import Engine
from storage.assistants import Assistants
from storage.base_models import BaseModels
from storage.errors import NotFound as RowNotFound
from storage.rows import BaseModelRow

HEADROOM = 1.3
"""Memory a model takes while it loads and answers, as a share of its weights: caches and activations."""


class Engines:
    """Safe to share between threads.

    Args:
        embedded: gives the engine that is always there; it is closed by whoever made it.
        make: an engine for a base model, without loading it.
        available: bytes of memory that are free.
    """

    def __init__(
        self,
        base_models: BaseModels,
        assistants: Assistants,
        embedded: Callable[[], Engine],
        make: Callable[[BaseModelRow], Engine],
        available: Callable[[], int],
    ) -> None:
        self._base_models = base_models
        self._assistants = assistants
        self._embedded = embedded
        self._make = make
        self._available = available
        self._engines: dict[int, tuple[BaseModelRow, Engine]] = {}  # least recently used first
        self._lock = threading.RLock()

    def for_corpus(self, corpus_id: int) -> Engine:
        """The engine that answers for a corpus; the embedded one unless another was chosen."""
        return self.of(self._assistants.of(corpus_id).base_model_id)

    def name(self, base_model_id: int | None) -> str:
        """What a base model is called, without making its engine; raises NotFound."""
        if base_model_id is None:
            embedded = self._embedded()
            return embedded.name or type(embedded).__name__
        return self._row(base_model_id).name

    def of(self, base_model_id: int | None) -> Engine:
        """The engine of a base model as its row is now; None is the embedded one.

        Raises:
            NotFound: the base model was deleted.
            BadInput, ModelMissing, EngineFailed: it cannot be used as it is described.
        """
        if base_model_id is None:
            return self._embedded()
        row = self._row(base_model_id)
        with self._lock:
            known = self._engines.pop(row.id, None)
            if known is not None and known[0] != row:
                known[1].close()
                known = None
            engine = known[1] if known is not None else self._make(row)
            self._make_room(engine)
            self._engines[row.id] = (row, engine)
            return engine

    def forget(self, base_model_id: int) -> None:
        """Close the engine of a base model that was changed or deleted."""
        with self._lock:
            known = self._engines.pop(base_model_id, None)
        if known is not None:
            known[1].close()

    def close(self) -> None:
        """Close all but the embedded one."""
        with self._lock:
            engines = [engine for _, engine in self._engines.values()]
            self._engines.clear()
        for engine in engines:
            engine.close()

    def _row(self, base_model_id: int) -> BaseModelRow:
        try:
            return self._base_models.get(base_model_id)
        except RowNotFound as error:
            raise NotFound("That base model does not exist any more.", "Choose another one in Settings.") from error

    def _make_room(self, wanted: Engine) -> None:
        """Unload what is loaded and idle until `wanted` fits, or nothing is left to unload."""
        if wanted.ready or not wanted.weight_bytes:
            return
        for _, engine in self._engines.values():
            if self._available() >= wanted.weight_bytes * HEADROOM:
                return
            if engine.weight_bytes and engine.ready and not engine.busy:
                engine.close()
