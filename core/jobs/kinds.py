"""The kinds of jobs there are: what each does, and what it leaves in order when it is given up."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from core.ingestion import wiping
from core.jobs.lease import Lease
from core.jobs.resources import USUAL
from storage.rows import JobRow

if TYPE_CHECKING:
    from core.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Kind:
    """Attributes:
    run: does the work; safe to do again from any point at which it was killed.
    give_up: called when it was cancelled (reason "") or failed for good (one line), before the job ends.
    alone: one of the kind runs at a time, whatever its corpus: it takes the whole machine.
    quick: somebody waits for it, so a slot is kept for its like.
    clustered: it may go to a Ray cluster (`resources.py` says what it takes there); others have to stay with the
        dashboard, as folders do.
    """

    run: "Callable[[Workspace, Lease], None]"
    give_up: "Callable[[Workspace, JobRow, str], None]"
    alone: bool = False
    clustered: bool = False
    quick: bool = False


MODULES = {
    "index": "core.ingestion.indexing",
    "reindex": "core.ingestion.reindexing",
    wiping.KIND: "core.ingestion.wiping",
    "sync": "core.sync.syncing",
    "examples": "core.finetuning.generating",
    "export": "core.finetuning.exporting",
    "judge": "core.finetuning.importing",
    "backup": "core.keeping.backup",
    "finetune": "core.finetuning.tuning",
    "evaluate": "core.evaluation.running",
}
"""Where the work of each kind stands: `run` and `give_up`. Imported at its first job, so that `triptych index` does
not load what only the others need (a second)."""


QUICK = ("index", "sync")


def _kind(name: str, alone: bool = False) -> Kind:
    def run(ws: "Workspace", lease: Lease) -> None:
        import_module(MODULES[name]).run(ws, lease)

    def give_up(ws: "Workspace", job: JobRow, reason: str) -> None:
        import_module(MODULES[name]).give_up(ws, job, reason)

    return Kind(run, give_up, alone, name in USUAL, name in QUICK)


KINDS = {name: _kind(name) for name in MODULES} | {
    "judge": _kind("judge", alone=True),
    "finetune": _kind("finetune", alone=True),
    "evaluate": _kind("evaluate", alone=True),
}
ALONE = tuple(name for name, kind in KINDS.items() if kind.alone)
