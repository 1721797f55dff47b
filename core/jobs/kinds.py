"""The kinds of jobs there are: what each does, and what it leaves in order when it is given up."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.evaluation import running
from core.finetuning import exporting, generating, importing, tuning
from core.ingestion import indexing, reindexing, wiping
from core.jobs.lease import Lease
from core.keeping import backup
from core.sync import syncing
from storage.rows import JobRow

if TYPE_CHECKING:
    from core.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Resources:
    """What one job of a kind takes of a machine in the cluster; `memory_mb` 0 asks for no particular amount."""

    cpus: float = 1.0
    gpus: float = 0.0
    memory_mb: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """Attributes:
    run: does the work; safe to do again from any point at which it was killed.
    give_up: called when it was cancelled (reason "") or failed for good (one line), before the job ends.
    alone: one of the kind runs at a time, whatever its corpus: it takes the whole machine.
    resources: what it takes in a Ray cluster; None for what has to stay with the dashboard, as folders do.
    """

    run: "Callable[[Workspace, Lease], None]"
    give_up: "Callable[[Workspace, JobRow, str], None]"
    alone: bool = False
    resources: Resources | None = None


KINDS = {
    "index": Kind(indexing.run, indexing.give_up, resources=Resources(cpus=1)),
    "reindex": Kind(reindexing.run, reindexing.give_up),
    wiping.KIND: Kind(wiping.run, wiping.give_up),
    "sync": Kind(syncing.run, syncing.give_up),
    "examples": Kind(generating.run, generating.give_up),
    "export": Kind(exporting.run, exporting.give_up),
    "judge": Kind(importing.run, importing.give_up, alone=True),
    "backup": Kind(backup.run, backup.give_up),
    "finetune": Kind(tuning.run, tuning.give_up, alone=True),
    "evaluate": Kind(running.run, running.give_up, alone=True),
}
ALONE = tuple(name for name, kind in KINDS.items() if kind.alone)
