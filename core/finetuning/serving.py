"""Promoted adapters, ready to answer: for each one an engine over the base model with the adapter merged in.

The CPU engine cannot put an adapter on while it runs, so it is given a GGUF of its own (written once, 20 s). Engines
are shared by all who ask, and those unused longest are closed when there are more than a few. Knows nothing of
how adapters come to be promoted.
"""

import threading
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.assistants.answer import Mode
from core.assistants.ask import Voice
from core.assistants.extracting import Extractor
from core.assistants.reading import CLOSED_BOOK, GROUNDED, LEAD_TOKENS, Reading
from core.errors import BadInput, NotFound
from core.finetuning.merging import merge
from core.finetuning.recipe import Kind
from storage.errors import NotFound as RowNotFound
from storage.rows import AdapterRow

if TYPE_CHECKING:
    from core.finetuning.base import Base
    from core.generation.engine import Engine
    from core.workspace import Workspace

OF_MODE: dict[Mode, Kind] = {"finetuned": "closed-book", "hybrid": "grounded"}
READINGS: dict[str, Reading] = {"closed-book": CLOSED_BOOK, "grounded": GROUNDED}
AT_ONCE = 4
"""Merged models in memory: half a gigabyte each for the embedded one."""

MERGED = "merged-q8_0.gguf"


class Serving:
    """Gives voices to modes; safe to share between threads."""

    def __init__(self, ws: "Workspace") -> None:
        self._ws = ws
        self._engines: dict[int, Engine] = {}  # least recently used first
        self._lock = threading.RLock()

    def voice(self, corpus_id: int, mode: Mode) -> Voice:
        """Who answers in a mode that needs an adapter: the promoted one of its kind.

        Raises:
            BadInput: there is none, or it was trained on another base model than the corpus uses now.
        """
        kind = OF_MODE[mode]
        adapter = self._ws.adapters.promoted(corpus_id, kind)
        if adapter is None:
            raise BadInput(
                f"This corpus has no promoted {kind} adapter yet.",
                "Train one on the Fine-tune page, or ask in retrieval mode.",
            )
        return self.voice_of(adapter)

    def voice_of(self, adapter: AdapterRow) -> Voice:
        """An adapter's voice, promoted or not."""
        name = f"{adapter.base_model} + {adapter.kind} v{adapter.version}"
        return Voice(lambda: self.engine(adapter.id), self.reading(adapter), name, self.extractor(adapter))

    def reading(self, adapter: AdapterRow) -> Reading:
        """How an adapter learned to be shown evidence, and how much it may write: as much as it learned, and more.

        One that was trained before its reading was written down was told who answers.
        """
        longest = int(adapter.result.get("answer_tokens", 0))
        learned = Reading(**adapter.result.get("reading", asdict(READINGS[adapter.kind]) | {"briefed": True}))
        room = LEAD_TOKENS if learned.writes == "lead" else max(48, min(384, longest + 16))
        return replace(learned, max_new_tokens=room)

    def extractor(self, adapter: AdapterRow) -> Extractor | None:
        """What an adapter learned to take from the documents; None when it learned nothing better than quoting."""
        learned = adapter.result.get("extractor")
        return Extractor.of(learned) if learned else None

    def engine(self, adapter_id: int) -> "Engine":
        """The engine of an adapter; merged now if it has not been before.

        Raises:
            NotFound: the adapter was deleted.
            ModelMissing, BadInput: its files or its base model's are gone, or are not what they were.
        """
        try:
            adapter = self._ws.adapters.get(adapter_id)
        except RowNotFound as error:
            raise NotFound("That adapter was deleted.", "Choose another version on the Fine-tune page.") from error
        with self._lock:
            engine = self._engines.pop(adapter_id, None) or self._made(adapter)
            self._engines[adapter_id] = engine
            for key in list(self._engines)[:-AT_ONCE]:
                if not self._engines[key].busy:
                    self._engines.pop(key).close()
            return engine

    def forget(self, adapter_id: int) -> None:
        """Close the engine of an adapter that is deleted."""
        with self._lock:
            engine = self._engines.pop(adapter_id, None)
        if engine is not None:
            engine.close()

    def close(self) -> None:
        """Close all engines."""
        with self._lock:
            engines = list(self._engines.values())
            self._engines.clear()
        for engine in engines:
            engine.close()

    def folder(self, adapter: AdapterRow) -> Path:
        """Where an adapter's run and files are."""
        return self._ws.home / "adapters" / adapter.folder

    def merged(self, adapter: AdapterRow) -> Path:
        """The GGUF with the adapter in it, written if it is not there."""
        folder = self.folder(adapter)
        target = folder / MERGED
        if not target.is_file():
            if not (folder / "adapter").is_dir():
                raise BadInput(f"The files of {adapter.kind} v{adapter.version} are gone.", "Train it again.")
            merge(self.source(adapter), folder / "adapter", target)
        return target

    def source(self, adapter: AdapterRow) -> Path:
        """The GGUF that an adapter was trained on. Raises BadInput: the corpus uses another one now."""
        from core.finetuning.planning import source_of

        source = source_of(self._ws, adapter.corpus_id)
        if source.sha256 != adapter.base_sha256:
            raise BadInput(
                f"{adapter.kind} v{adapter.version} was trained on another base model ({adapter.base_model}).",
                "Choose that base model for the corpus again, or train a new adapter.",
            )
        return source.path

    def base(self, adapter: AdapterRow) -> "Base":
        """The base model that an adapter was trained on as torch sees it; a GGUF is written out now if it never was.

        Raises:
            BadInput, ModelMissing: as `source`, or it is not there.
        """
        from core.finetuning.base import prepared

        return prepared(self.source(adapter), self._ws.home / "models")

    def _made(self, adapter: AdapterRow) -> "Engine":
        from core.generation.embedded import EmbeddedChat

        name = f"{adapter.base_model} + {adapter.kind} v{adapter.version}"
        return EmbeddedChat(name=name, source=self.merged(adapter), folder=self._ws.home / "models")
