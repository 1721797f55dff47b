"""Who can be compared: the modes as they serve now, other versions of their adapters, and other base models.

A contestant is a mode and, where it is not what serves now, a variant: "a7" is adapter 7, "m3" base model 3, "m0" the
embedded one. Ids are never used again, so a vote stays with what it was given to, also when that was deleted since.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from core.assistants.answer import Mode
from core.assistants.ask import Assistant
from core.errors import BadInput, NotFound
from core.finetuning.gate import BY_ADAPTER
from storage.errors import NotFound as RowNotFound
from storage.rows import AdapterRow

if TYPE_CHECKING:
    from core.workspace import Workspace

EMBEDDED = 0
BETWEEN = "#"
"""A mode and its variant in a key."""
TRAINED = ("promoted", "candidate", "retired")
UNADAPTED: tuple[Mode, ...] = ("rag", "base")
"""Modes that any base model answers in."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A mode, answered by what serves now, or by the `variant` that people know as `name`."""

    mode: Mode
    variant: str = ""
    name: str = ""

    @property
    def key(self) -> str:
        """What a vote names it by: the mode, or "hybrid#a7"."""
        return f"{self.mode}{BETWEEN}{self.variant}" if self.variant else self.mode


def variants(ws: "Workspace", corpus_id: int) -> list[Contestant]:
    """What can stand beside the modes as they serve now: versions of adapters, the newest first, and base models."""
    adapters = [_adapter(row) for row in ws.adapters.list(corpus_id) if row.status in TRAINED]
    chosen = ws.assistants.of(corpus_id).base_model_id or EMBEDDED
    names = {EMBEDDED: ws.engines.name(None)} | {row.id: row.name for row in ws.base_models.list()}
    models = [
        Contestant(mode, f"m{number}", name) for number, name in names.items() if number != chosen for mode in UNADAPTED
    ]
    return [*adapters, *models]


def found(ws: "Workspace", corpus_id: int, keys: Sequence[str]) -> list[Contestant]:
    """The contestants of these keys, each once, in their order.

    Raises:
        BadInput: one of them is no mode, or not there (any more).
    """
    known = {each.key: each for each in variants(ws, corpus_id)}
    chosen = []
    for key in dict.fromkeys(keys):
        if "#" not in key:
            known[key] = Contestant(cast("Mode", key))
        if key not in known:
            raise BadInput(f"{key} cannot be compared: it was deleted.", "Choose another one.")
        chosen.append(known[key])
    return chosen


def assistant(ws: "Workspace", corpus_id: int, variant: str, also: Sequence[int] = ()) -> Assistant:
    """Who answers as a variant; "" as what serves now.

    Raises:
        NotFound: the corpus, the adapter or the base model is gone, or the adapter is of another corpus.
        BadInput: the adapter does not fit any more.
    """
    number = int(variant[1:] or 0)
    if variant.startswith("m"):
        answered = replace(ws.assistants.of(corpus_id), base_model_id=number or None, reading="auto")
        return Assistant.of(ws, corpus_id, also=also, answered=answered)
    own = Assistant.of(ws, corpus_id, also=also)
    if not variant:
        return own
    try:
        adapter = ws.adapters.get(number)
    except RowNotFound as error:
        raise NotFound("That adapter was deleted.", "Choose another version.") from error
    if adapter.corpus_id != corpus_id:  # it would answer with what it learned of the other's documents
        raise NotFound("That adapter is of another corpus.", "Choose one of this corpus.")
    return own.with_voice(lambda _: ws.serving.voice_of(adapter))


def _adapter(row: AdapterRow) -> Contestant:
    return Contestant(BY_ADAPTER[row.kind], f"a{row.id}", f"{row.kind} v{row.version}")
