"""Whether an evaluation may go to a Ray cluster, whole: all that answers it has to be usable there as well.

The embedded base model is on every machine. A file or folder has to be among the shared files, an endpoint one that
all may ask. Adapters whose files are in the dashboard's workspace keep an evaluation of their modes with the dashboard;
one that an endpoint serves by its name does not.
"""

from typing import TYPE_CHECKING

from core.assistants.ask import ADAPTED
from core.evaluation.options import Options
from core.ingestion import spreading
from core.ingestion.spreading import HERE
from storage.errors import NotFound
from storage.rows import EvaluationRow

if TYPE_CHECKING:
    from core.workspace import Workspace


def why_here(ws: "Workspace", row: EvaluationRow) -> str:
    """Why an evaluation runs on the dashboard's machine although there is a cluster, else ""."""
    if not ws.settings.ray_address:
        return ""
    index = ws.corpora.active_index(row.corpus_id)
    reasons = [spreading.why_here(ws.settings, index)] if index else []
    options = Options.of(row.options)
    models = (ws.assistants.of(row.corpus_id).base_model_id, options.judge)
    reasons += [_of_model(ws, each) for each in models if each is not None]
    modes = ADAPTED if options.freshness else row.modes  # that reads what they learned, whoever is asked
    reasons += [_of_adapter(ws, row.corpus_id, mode) for mode in modes]
    return next(filter(None, reasons), "")


def _of_model(ws: "Workspace", base_model_id: int) -> str:
    try:
        row = ws.base_models.get(base_model_id)
    except NotFound:  # nobody finds it anywhere
        return ""
    where, _, variable = row.secret.partition(":")
    key = (variable if where == "env" else "workspace") if row.secret else ""
    return spreading.why_not_there(ws.settings, row.kind, row.location, key)


def _of_adapter(ws: "Workspace", corpus_id: int, mode: str) -> str:
    from core.finetuning.serving import OF_MODE, served_as

    kind = {str(name): kind for name, kind in OF_MODE.items()}.get(mode)
    adapter = ws.adapters.promoted(corpus_id, kind) if kind else None
    if adapter is None or served_as(adapter):
        return ""
    return f"{HERE}the files of {adapter.kind} v{adapter.version} are in its workspace"
