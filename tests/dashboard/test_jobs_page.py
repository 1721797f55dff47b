"""The jobs page lists work with its state, and can cancel it."""

from collections.abc import Callable
from datetime import UTC, datetime

from streamlit.testing.v1 import AppTest

from core.ingestion import intake
from core.workspace import Workspace
from storage.rows import CorpusRow
from tests.dashboard.conftest import words

Open = Callable[..., AppTest]


def test_without_jobs_the_page_says_what_starts_one(open_page: Open) -> None:
    app = open_page("jobs")
    assert not app.exception
    assert "Adding files to a corpus starts the first job" in words(app)


def test_finished_work_is_listed_with_its_corpus(open_page: Open, indexed: CorpusRow) -> None:
    app = open_page("jobs")
    assert "Indexing **Leases**" in words(app)
    assert "done" in words(app)


def test_waiting_work_can_be_cancelled(open_page: Open, workspace: Workspace, corpus: CorpusRow) -> None:
    took = intake.add_files(workspace, corpus.id, [("a.md", b"# A\n\nSome text.")])
    app = open_page("jobs")
    app.button(key=f"job-cancel-{took.job_id}").click().run()
    assert not app.exception
    (document,) = workspace.corpora.documents(corpus.id)
    assert document.status == "cancelled"


def test_work_that_waits_or_is_tried_again_says_why(open_page: Open, workspace: Workspace, corpus: CorpusRow) -> None:
    intake.add_files(workspace, corpus.id, [("a.md", b"# A\n\nSome text.")])
    job = workspace.jobs.claim("host:1", 60, datetime.now(UTC), ["index"])
    assert job is not None
    workspace.jobs.say(job, "waits: no machine of the cluster has 1 GPU")
    assert "waits: no machine of the cluster has 1 GPU" in words(open_page("jobs"))
    why = "There is no use of the database rows/triptych: the server does not answer. Start it; trying again"
    workspace.jobs.progress(job, 3, 8, why)
    assert why in words(open_page("jobs"))
    workspace.jobs.progress(job, 4, 8, "4 of 8 documents")
    assert not [each for each in open_page("jobs").caption if "documents" in each.value]  # it stands beside the bar
