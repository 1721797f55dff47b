"""Promoted adapters, ready to answer: over a folder the torch engine puts them on, a GGUF has them merged in.

The torch engine holds the base model once and takes adapters by the answer. The CPU engine cannot put an adapter on
while it runs, so it is given a GGUF of its own (written once, 20 s). Engines are shared by all who ask, and those
unused longest are closed when there are more than a few. Knows nothing of how adapters come to be promoted.
"""

import hashlib
import threading
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from core.assistants.answer import Mode
from core.assistants.ask import Voice
from core.assistants.extracting import Extractor
from core.assistants.reading import CLOSED_BOOK, GROUNDED, LEAD_TOKENS, Reading
from core.errors import BadInput, NotFound
from core.finetuning.merging import merge
from core.finetuning.recipe import Kind
from core.generation.torch_chat import AdaptedChat, TorchChat
from storage.errors import NotFound as RowNotFound
from storage.rows import AdapterRow, BaseModelRow

if TYPE_CHECKING:
    from core.finetuning.base import Base
    from core.finetuning.trainable import Source
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
        return Voice(lambda: self.engine(adapter.id), self.reading(adapter), name_of(adapter), self.extractor(adapter))

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
        if served_as(adapter):
            return self._by_name(adapter)
        with self._lock:
            engine = self._engines.pop(adapter_id, None) or self._made(adapter)
            if isinstance(engine, AdaptedChat):
                self.source(adapter)  # the engine below it is the corpus's own, which may be another one since
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
        target = self.folder(adapter) / MERGED
        if not target.is_file():
            merge(self.source(adapter).path, self.learned(adapter), target)
        return target

    def learned(self, adapter: AdapterRow) -> Path:
        """The peft folder of an adapter; raises BadInput when it is gone."""
        folder = self.folder(adapter) / "adapter"
        if not folder.is_dir():
            raise BadInput(f"The files of {adapter.kind} v{adapter.version} are gone.", "Train it again.")
        return folder

    def source(self, adapter: AdapterRow) -> "Source":
        """What an adapter was trained on. Raises BadInput: the corpus uses another one now, or it is not here."""
        from core.finetuning.trainable import source_of

        if name := served_as(adapter):
            raise BadInput(
                f"{adapter.kind} v{adapter.version} is served by {adapter.base_model} as {name}: its files are there.",
                "Take them from that server, or export the adapter that was trained here.",
            )
        source = source_of(self._ws, adapter.corpus_id)
        if source.sha256 != adapter.base_sha256:
            raise BadInput(
                f"{adapter.kind} v{adapter.version} was trained on another base model ({adapter.base_model}).",
                "Choose that base model for the corpus again, or train a new adapter.",
            )
        return source

    def base(self, adapter: AdapterRow) -> "Base":
        """The base model that an adapter was trained on as torch sees it; a GGUF is written out now if it never was.

        Raises:
            BadInput, ModelMissing: as `source`, or it is not there.
        """
        from core.finetuning.base import prepared

        return prepared(self.source(adapter).path, self._ws.home / "models")

    def _made(self, adapter: AdapterRow) -> "Engine":
        from core.generation.embedded import EmbeddedChat

        name = name_of(adapter)
        source = self.source(adapter)
        if source.folder:
            return self._put_on(adapter, source.path, name)
        return EmbeddedChat(name=name, source=self.merged(adapter), folder=self._ws.home / "models")

    def _by_name(self, adapter: AdapterRow) -> "Engine":
        """The endpoint that serves an adapter, asked for it; nothing of it is kept here, so it is as its row is now.

        Raises BadInput: the corpus is answered by another base model now.
        """
        from core.generation.making import engine_of

        chosen = self._ws.assistants.of(adapter.corpus_id).base_model_id
        row = self._ws.base_models.get(chosen) if chosen is not None else None
        model = served_as(adapter)
        if row is None or endpoint_identity(row) != adapter.base_sha256:
            raise BadInput(
                f"{adapter.kind} v{adapter.version} is {model} at {adapter.base_model}, which does not answer here.",
                "Choose that endpoint for the corpus again, or choose the adapter anew at the endpoint.",
            )
        named = replace(row, name=name_of(adapter), model=model)
        return engine_of(named, self._ws.home / "models", self._ws.secrets)

    def _put_on(self, adapter: AdapterRow, folder: Path, name: str) -> "Engine":
        """The engine of the base model with an adapter on."""
        ws, chosen = self._ws, self._ws.assistants.of(adapter.corpus_id).base_model_id
        return AdaptedChat(
            name=name,
            source=folder,
            folder=ws.home / "models",
            base=lambda: cast("TorchChat", ws.engines.of(chosen)),
            adapter=str(self.learned(adapter)),
        )


def served_as(adapter: AdapterRow) -> str:
    """The name by which an endpoint serves an adapter; "" for one whose files are here."""
    return str(adapter.result.get("served_as") or "")


def endpoint_identity(row: BaseModelRow) -> str:
    """What an adapter at an endpoint fits to, in the place of a sha256 of weights: address and base model."""
    return hashlib.sha256(f"{row.location}\n{row.model}".encode()).hexdigest() if row.kind == "endpoint" else ""


def name_of(adapter: AdapterRow) -> str:
    """What people see as the author of an adapter's answers."""
    return f"{adapter.base_model} + {adapter.kind} v{adapter.version}"
