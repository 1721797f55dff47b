"""Whether an evaluation may go to a Ray cluster, whole: all that answers it has to be usable there as well.

The embedded base model is on every machine. A file or folder has to be among the shared files, an endpoint one that
all may ask. The files of adapters go along (`carried`); what they learned from does not, so that an evaluation which
asks who notices a changed document stays with the dashboard.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.assistants.answer import ADAPTED
from core.evaluation.options import Options
from core.folders import Files, read_files
from core.ingestion import spreading
from core.ingestion.spreading import HERE
from storage.errors import NotFound
from storage.rows import AdapterRow, EvaluationRow

if TYPE_CHECKING:
    from core.workspace import Workspace

Carried = dict[str, Files]
"""The files of adapters by the name of their folder."""


def why_here(ws: "Workspace", row: EvaluationRow) -> str:
    """Why an evaluation runs on the dashboard's machine although there is a cluster, else ""."""
    if not ws.settings.ray_address:
        return ""
    index = ws.corpora.active_index(row.corpus_id)
    reasons = [spreading.why_here(ws.settings, index)] if index else []
    options = Options.of(row.options)
    models = (ws.assistants.of(row.corpus_id).base_model_id, options.judge)
    reasons += [_of_model(ws, each) for each in models if each is not None]
    learned = ADAPTED if options.freshness else ()  # that reads what they learned, whoever is asked
    reasons += [
        f"{HERE}what {adapter.kind} v{adapter.version} learned from is in its workspace"
        for adapter in _with_files(ws, row.corpus_id, learned)
    ]
    return next(filter(None, reasons), "")


def carried(ws: "Workspace", row: EvaluationRow) -> Carried:
    """The files of the adapters that answer an evaluation, to go along with it; without those that are gone."""
    folders = {each.folder: ws.serving.folder(each) / "adapter" for each in _with_files(ws, row.corpus_id, row.modes)}
    return {name: read_files(folder) for name, folder in folders.items() if folder.is_dir()}


def _of_model(ws: "Workspace", base_model_id: int) -> str:
    try:
        row = ws.base_models.get(base_model_id)
    except NotFound:  # nobody finds it anywhere
        return ""
    where, _, variable = row.secret.partition(":")
    key = (variable if where == "env" else "workspace") if row.secret else ""
    return spreading.why_not_there(ws.settings, row.kind, row.location, key)


def _with_files(ws: "Workspace", corpus_id: int, modes: Iterable[str]) -> list[AdapterRow]:
    """The promoted adapters of these modes, without those that an endpoint serves by their name."""
    from core.finetuning.serving import OF_MODE, served_as

    promoted = (ws.adapters.promoted(corpus_id, kind) for mode, kind in OF_MODE.items() if mode in modes)
    return [adapter for adapter in promoted if adapter is not None and not served_as(adapter)]
