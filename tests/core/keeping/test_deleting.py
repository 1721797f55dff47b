"""What is deleted is in no byte of the workspace: not in rows, full text, vectors, uploads, examples or adapters."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.conversations import files
from core.finetuning import registry
from core.ingestion import intake
from core.workspace import Workspace
from storage.traces import ERASED
from tests.core.keeping import canary
from tests.core.keeping.canary import OTHER, OWN, PAPER, TALK, Made, found, holds_vectors, rows_hold
from tests.core.keeping.conftest import settings


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Made]:
    """Closed again, with a copy from before an upgrade and what a killed process left."""
    home = tmp_path_factory.mktemp("canary") / "home"
    with Workspace.open(settings(home)) as ws:
        made = canary.fill(ws)
    (home / "before-upgrade").mkdir()
    shutil.copy(home / "triptych.db", home / "before-upgrade" / "0011.db")
    (home / "scratch" / "99999999").mkdir(parents=True)
    (home / "scratch" / "99999999" / "upload").write_bytes(canary.paper(PAPER))
    return home, made


@pytest.fixture
def workspace(filled: tuple[Path, Made], tmp_path: Path) -> tuple[Path, Made]:
    return Path(shutil.copytree(filled[0], tmp_path / "home")), filled[1]


def after(home: Path, delete: Callable[[Workspace], object]) -> None:
    with Workspace.open(settings(home)) as ws:
        delete(ws)


def test_the_words_are_everywhere_before(workspace: tuple[Path, Made]) -> None:
    """Without this the others would prove nothing."""
    home, made = workspace
    places = found(home, PAPER)
    upload = {path for path in places if path.startswith("files/")}
    adapter = {path.rpartition("/")[2] for path in places if path.startswith("adapters/")}
    assert {"triptych.db", "before-upgrade/0011.db"} < places
    assert len(upload) == 1
    assert {"examples.jsonl", "lessons.jsonl", "plan.json"} <= adapter
    assert {
        *("documents", "pages", "chunks", "chunk_edits", "examples", "gold_questions", "evaluations"),
        *("evaluation_answers", "evaluation_findings", "messages", "adapters"),
    } <= rows_hold(home, PAPER)
    assert {"conversations", "messages", "feedback", "examples"} <= rows_hold(home, TALK)
    assert any(path.startswith("vectors/") for path in holds_vectors(home, made.vectors))
    assert found(home, OWN)


def test_a_deleted_document_is_in_no_byte_of_the_workspace(workspace: tuple[Path, Made]) -> None:
    home, made = workspace

    def delete(ws: Workspace) -> None:
        name = ws.corpora.document(made.paper).name
        learned = registry.learned_from(ws, made.corpus, [name])
        assert [row.kind for row in learned] == ["grounded"]
        intake.delete_document(ws, made.paper, erase=True)
        assert found(home, PAPER) == set(), "while the workspace is open"
        assert registry.learned_from(ws, made.corpus, [name]) != []

    after(home, delete)
    assert found(home, PAPER) == set()
    assert holds_vectors(home, made.vectors) == set()
    assert {"triptych.db"} < found(home, OTHER)
    with Workspace.open(settings(home)) as ws:
        texts = [message.text for message in ws.conversations.messages(made.talk)]
        assert texts[1] == ERASED
        assert TALK in texts[3]
        assert [hit.conversation.id for hit in ws.conversations.search(made.corpus, TALK)] == [made.talk]
        assert ws.retriever.search(made.corpus, f"tariff of {OTHER}", 3)[0].document == f"{canary.words(OTHER)}.md"


def test_what_was_made_of_a_document_is_counted_before_it_goes(workspace: tuple[Path, Made]) -> None:
    home, made = workspace
    with Workspace.open(settings(home)) as ws:
        there = ws.documents.made_of([made.paper])
        assert (there.examples, there.gold, there.answers, there.evaluated) == (3, 1, 1, 1)
        intake.delete_document(ws, made.paper)
        assert ws.examples.count(made.corpus) == canary.FILLERS + 2 * 3 + 1, "kept when it is not to be erased"


def test_a_deleted_conversation_is_in_no_byte_of_the_workspace(workspace: tuple[Path, Made]) -> None:
    home, made = workspace
    after(home, lambda ws: files.delete(ws, made.talk, erase=True))
    assert found(home, TALK) == set()
    assert found(home, OWN) == set()
    assert {"triptych.db"} < found(home, PAPER)


def test_a_deleted_corpus_is_in_no_byte_of_the_workspace(workspace: tuple[Path, Made]) -> None:
    home, made = workspace
    after(home, lambda ws: intake.delete_corpus(ws, made.corpus))
    for word in (PAPER, OTHER, TALK, OWN):
        assert found(home, word) == set()
    assert holds_vectors(home, made.vectors) == set()


def test_a_newer_version_leaves_nothing_of_the_older_one(workspace: tuple[Path, Made]) -> None:
    """Vectors too; what people made of the document stays, as the document does."""
    home, made = workspace

    def replace(ws: Workspace) -> None:
        name = ws.corpora.document(made.paper).name
        intake.add_files(ws, made.corpus, [(name, b"# New\n\nThe tariff was abolished.")])
        ws.dispatcher.run_one()

    after(home, replace)
    assert holds_vectors(home, made.vectors) == set()
    assert {"chunks", "pages", "chunk_edits"} & rows_hold(home, PAPER) == set()


def test_many_vectors_leave_by_a_job_and_search_goes_on(
    workspace: tuple[Path, Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.ingestion import wiping

    home, made = workspace
    monkeypatch.setattr(wiping, "AT_ONCE", 0)
    with Workspace.open(settings(home)) as ws:
        intake.delete_document(ws, made.paper, erase=True)
        assert ws.retriever.search(made.corpus, f"tariff of {OTHER}", 1)
        job = ws.dispatcher.run_one()
        assert job is not None
        assert (job.kind, job.status) == ("wipe", "done")
        assert ws.retriever.search(made.corpus, f"tariff of {OTHER}", 1)
    assert holds_vectors(home, made.vectors) == set()
