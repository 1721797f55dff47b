"""A sample is taught once; a training that begins too early waits for the documents."""

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import BadInput
from core.finetuning import samples, tuning
from core.ingestion import intake
from core.jobs.lease import Cancelled, Lease
from core.settings import Settings
from core.workspace import Workspace


def test_a_training_waits_until_the_documents_are_indexed(tmp_path: Path) -> None:
    with Workspace.open(Settings.load(tmp_path / "workspace")) as ws:
        corpus = intake.create_corpus(ws, "Leases", "legal").id
        intake.add_files(ws, corpus, [("lease.md", b"# Lease\n\nThe rent is 2 pounds.")])
        tuning.start(ws, corpus, ("grounded",), "quick")
        job = ws.jobs.claim("test", 60, datetime.now(UTC), ["finetune"])
        assert job is not None
        with Lease(ws.jobs, job, threading.Event()) as lease:
            waiting = threading.Thread(target=tuning._indexed, args=(ws, lease))
            waiting.start()
            while not ws.jobs.get(job.id).message:
                time.sleep(0.01)
            assert ws.jobs.get(job.id).message == "waiting until the documents are indexed"
            ws.dispatcher.run_one()
            waiting.join()
            intake.add_files(ws, corpus, [("other.md", b"# Other\n\nThe rent is 3 pounds.")])
            ws.jobs.request_cancel(job.id)
            with pytest.raises(Cancelled):
                tuning._indexed(ws, lease)


def test_a_sample_is_taught_once_also_after_its_training(tmp_path: Path) -> None:
    with Workspace.open(Settings.load(tmp_path / "workspace")) as ws:
        corpus = samples.teach(ws, "support")
        assert samples.stage(ws, corpus) == "learning"
        (job,) = (each for each in ws.jobs.list(corpus) if each.kind == "finetune")
        ws.adapters.begin(corpus, "grounded", job.id, "SmolLM2")
        samples.teach(ws, "support")
        assert len([each for each in ws.jobs.list(corpus) if each.kind == "finetune"]) == 1
        with pytest.raises(BadInput):
            samples.teach(ws, own(ws))


def own(ws: Workspace) -> str:
    """A domain without a sample."""
    from core.domains import domain, written

    return ws.domains.take_in(written.write(domain("legal")).replace('name = "legal"', 'name = "mine"')).name
