"""Teaching a domain's sample with one call: its corpus, its training pairs as accepted examples, both adapters.

What is there already is left as it is, so calling it again changes nothing.
"""

import threading
from typing import TYPE_CHECKING, Literal

from core.finetuning import tuning, uploads
from core.finetuning.recipe import KINDS
from core.ingestion import intake

if TYPE_CHECKING:
    from core.workspace import Workspace

Stage = Literal["untaught", "learning", "taught"]
PRESET = "balanced"
_one_at_a_time = threading.Lock()


def teach(ws: "Workspace", domain_name: str, by: str = "") -> int:
    """Load a domain's sample, take its pairs in and queue the training of both adapters; returns the corpus.

    The training waits until the documents are indexed.

    Raises:
        BadInput: the domain has no sample, or the sample's base model cannot be trained.
        NoRoom: the disk may not hold it.
    """
    with _one_at_a_time:
        corpus_id = intake.load_sample(ws, domain_name)
        if stage(ws, corpus_id) == "untaught":
            found = uploads.read_file(ws.domains.get(domain_name).train_file, sandbox=ws.sandbox)
            ws.examples.add(corpus_id, uploads.as_origin(found.drafts, "sample"))
            tuning.start(ws, corpus_id, KINDS, PRESET, by=by)
        return corpus_id


def stage(ws: "Workspace", corpus_id: int) -> Stage:
    """How far a corpus is: a training is open, an adapter came of one, or neither."""
    if tuning.open_jobs(ws, corpus_id):
        return "learning"
    return "taught" if any(row.status != "failed" for row in ws.adapters.list(corpus_id)) else "untaught"
