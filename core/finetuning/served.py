"""Adapters that an endpoint serves by name: vLLM lists each of its LoRA modules as a model of its own.

    vllm serve BASE --enable-lora --lora-modules NAME=FOLDER      ->  GET /v1/models lists NAME, its parent is BASE

Where a corpus's base model is an endpoint, a person says which of its models is the fine-tuned or the hybrid adapter.
It becomes a candidate like an imported one: it can be tried, put before the gate, promoted and rolled back; its modes
ask the endpoint for that name. Its files are not here, so it cannot be exported. Knows nothing of HTTP.
"""

import json
import re
import shlex
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import BadInput, NotFound, TriptychError
from core.finetuning.importing import ANSWER_TOKENS, UNKNOWN
from core.finetuning.recipe import KINDS
from core.finetuning.serving import READINGS, endpoint_identity, served_as
from core.finetuning.trainable import source_of
from core.generation import trial
from core.generation.making import engine_of
from core.generation.trial import Trial
from storage.errors import NotFound as RowNotFound
from storage.rows import AdapterRow, BaseModelRow

if TYPE_CHECKING:
    from core.generation.endpoint import EndpointChat, Offered
    from core.workspace import Workspace

LEARNED = ("reading", "extractor", "answer_tokens", "corpus")
"""What of an adapter that was trained here holds for it wherever it is served."""
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""Values of vLLM's --max-lora-rank."""
ALIKE = (
    "It writes what the base model writes. Either it learned little, or the endpoint does not put it on: compare them."
)
OTHERWISE = "It writes otherwise than the base model does."


def endpoint(ws: "Workspace", corpus_id: int) -> BaseModelRow:
    """The endpoint that answers a corpus; raises BadInput when its base model is none."""
    chosen = ws.assistants.of(corpus_id).base_model_id
    row = ws.base_models.get(chosen) if chosen is not None else None
    if row is None or row.kind != "endpoint":
        raise BadInput(
            "Only an endpoint serves adapters by their name; this corpus is answered on this machine.",
            "Choose the endpoint as its base model, or import the adapter's folder.",
        )
    return row


def offered(ws: "Workspace", corpus_id: int) -> "list[Offered]":
    """The endpoint's models that may be adapters: all but the base model and adapters of others; known ones first.

    Raises:
        BadInput: the corpus is not answered by an endpoint. EngineFailed: it cannot be reached, or refuses.
    """
    row = endpoint(ws, corpus_id)
    found = [each for each in _engine(ws, row, row.model).offered() if each.model != row.model]
    return sorted((each for each in found if each.parent in ("", row.model)), key=lambda each: not each.parent)


def choose(
    ws: "Workspace", corpus_id: int, kind: str, model: str, trained: int | None = None, by: str = ""
) -> AdapterRow:
    """Make a model of the endpoint an adapter of a corpus, as a candidate.

    Args:
        model: its name there.
        trained: the adapter trained here that it is, by id: how it answers and what it learned from come along.

    Raises:
        BadInput: the endpoint does not offer that model as an adapter of the corpus's base model.
        EngineFailed: it cannot be reached, or refuses.
    """
    if kind not in KINDS:
        raise BadInput(f"There is no kind of adapter called {kind!r}.", f"One of: {', '.join(KINDS)}.")
    row = endpoint(ws, corpus_id)
    _check(ws, row, model)
    source = _trained(ws, corpus_id, kind, trained)
    learned: dict[str, Any] = {"reading": asdict(READINGS[kind]), "extractor": None, "answer_tokens": ANSWER_TOKENS}
    learned["corpus"] = sorted(ws.corpora.contents(corpus_id))
    if source is not None:
        learned |= {name: source.result[name] for name in LEARNED if name in source.result}
    note = f"{kind} v{source.version}, served as {model}." if source else f"served as {model}. {UNKNOWN}"
    root = ws.home / "adapters"
    root.mkdir(exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="served-", dir=root))  # for the questions that the gate asks
    try:
        return ws.adapters.take_in(
            corpus_id,
            kind,
            row.name,
            place.name,
            base_sha256=endpoint_identity(row),
            recipe=source.recipe if source else {},
            result=learned | {"imported": True, "served_as": model},
            documents=source.documents if source else {},
            note=note,
            created_by=by,
        )
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def try_name(ws: "Workspace", corpus_id: int, model: str) -> tuple[Trial, str]:
    """Ask a model of the endpoint one short question: how it went, and whether it writes as the base model does.

    Never raises for the endpoint's mistakes.
    """
    try:
        row = endpoint(ws, corpus_id)
        _check(ws, row, model)
        found, base = (trial.asked(_engine(ws, row, name)) for name in (model, row.model))
    except TriptychError as error:
        return Trial(problem=error.message, remedy=error.remedy), ""
    return found, "" if found.problem else ALIKE if found.answer == base.answer else OTHERWISE


def try_out(ws: "Workspace", adapter_id: int) -> tuple[Trial, str]:
    """The same of an adapter that was chosen."""
    adapter = ws.adapters.get(adapter_id)
    return try_name(ws, adapter.corpus_id, served_as(adapter))


def command(ws: "Workspace", adapters: Sequence[AdapterRow]) -> str:
    """The line that starts vLLM with adapters that were trained here, on the base model's folder.

    Raises:
        BadInput: their files, or the base model's, are not here, or they are of several base models.
    """
    bases = {str(_base(ws, adapter)) for adapter in adapters}
    if len(bases) != 1:
        raise BadInput("These adapters are of several base models.", "Name those of one.")
    rank = max(int(adapter.recipe.get("rank", RANKS[0])) for adapter in adapters)
    modules = [f"{name_there(ws, each)}={ws.serving.learned(each)}" for each in adapters]
    most = next((each for each in RANKS if each >= rank), rank)
    words = ["vllm", "serve", *bases, "--enable-lora", "--max-lora-rank", str(most), "--lora-modules", *modules]
    return shlex.join(words)


def name_there(ws: "Workspace", adapter: AdapterRow) -> str:
    """What an adapter is called in that line."""
    corpus = re.sub(r"[^a-z0-9]+", "-", ws.corpora.get(adapter.corpus_id).name.lower()).strip("-") or "corpus"
    return f"{corpus}-{adapter.kind}-v{adapter.version}"


def _check(ws: "Workspace", row: BaseModelRow, model: str) -> None:
    """Raises BadInput: the endpoint does not offer it as an adapter of its base model."""
    found = {each.model: each for each in _engine(ws, row, row.model).offered()}
    if model == row.model:
        raise BadInput(f"{model} is the base model itself, without an adapter.", "Choose another one of its models.")
    if model not in found:
        raise BadInput(
            f"{row.name} offers no model called {model[:100]}.",
            "Start vLLM with --enable-lora --lora-modules NAME=FOLDER, or choose one that it offers.",
        )
    if found[model].parent not in ("", row.model):
        raise BadInput(
            f"{model} is an adapter of {found[model].parent}; this corpus is answered by {row.model}.",
            "Choose an adapter of that, or the other base model for the corpus.",
        )


def _trained(ws: "Workspace", corpus_id: int, kind: str, adapter_id: int | None) -> AdapterRow | None:
    if adapter_id is None:
        return None
    try:
        row = ws.adapters.get(adapter_id)
    except RowNotFound as error:
        raise NotFound("That adapter was deleted.", "Choose another version.") from error
    if row.corpus_id != corpus_id or row.kind != kind:
        raise BadInput("That adapter is of another corpus or kind.", "Choose one of this corpus and kind.")
    return row


def _base(ws: "Workspace", adapter: AdapterRow) -> Path:
    """The folder of the base model that an adapter was trained on, whatever its corpus is answered by now."""
    if served_as(adapter):
        raise BadInput("Its files are at the endpoint, not here.", "Choose an adapter that was trained here.")
    plan = ws.serving.folder(adapter) / "plan.json"
    if plan.is_file():
        folder = Path(json.loads(plan.read_text("utf-8"))["base"])
    else:  # an imported one
        source = source_of(ws, adapter.corpus_id)
        folder = source.path if source.folder and source.name == adapter.base_model else Path("gone")
    if not folder.is_dir():
        raise BadInput(f"The folder of {adapter.base_model} is not there.", "Put it back, or train again.")
    return folder


def _engine(ws: "Workspace", row: BaseModelRow, model: str) -> "EndpointChat":
    made: Any = engine_of(replace(row, model=model), ws.home / "models", ws.secrets)
    return made  # type: ignore[no-any-return]
