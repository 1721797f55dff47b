"""The kinds of jobs there are: what each does, and what it leaves in order when it is given up."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.finetuning import tuning
from core.ingestion import indexing
from core.jobs.lease import Lease
from core.sync import syncing
from storage.rows import JobRow

if TYPE_CHECKING:
    from core.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Kind:
    """Attributes:
    run: does the work; safe to do again from any point at which it was killed.
    give_up: called when it was cancelled (reason "") or failed for good (one line), before the job ends.
    alone: one of the kind runs at a time, whatever its corpus: it takes the whole machine.
    """

    run: "Callable[[Workspace, Lease], None]"
    give_up: "Callable[[Workspace, JobRow, str], None]"
    alone: bool = False


KINDS = {
    "index": Kind(indexing.run, indexing.give_up),
    "sync": Kind(syncing.run, syncing.give_up),
    "finetune": Kind(tuning.run, tuning.give_up, alone=True),
}
ALONE = tuple(name for name, kind in KINDS.items() if kind.alone)
