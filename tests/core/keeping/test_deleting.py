"""What is deleted is in no byte of the workspace: not in rows, full text, vectors, uploads, examples or adapters."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from core.assistants import comparing
from core.conversations import files
from core.finetuning import forgetting, gate, registry, tuning
from core.ingestion import intake
from core.keeping import journal
from core.workspace import Workspace
from storage import audit, people
from storage.traces import ERASED
from tests.core.keeping import canary
from tests.core.keeping.canary import OTHER, OWN, PAPER, SIDE, TALK, Made, found, holds_vectors, rows_hold
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
    assert {"examples.jsonl", "lessons.jsonl", "plan.json", "grounded-v1-peft.zip", "grounded-v1-q8_0.zip"} <= adapter
    assert {
        *("documents", "pages", "chunks", "chunk_edits", "examples", "gold_questions", "evaluations"),
        *("evaluation_answers", "evaluation_findings", "messages", "adapters"),
    } <= rows_hold(home, PAPER)
    assert {
        *("conversations", "messages", "feedback", "examples", "gold_questions"),
        *("evaluations", "evaluation_answers", "evaluation_findings"),
    } <= rows_hold(home, TALK)
    assert {
        *("conversations", "messages", "comparisons", "examples", "gold_questions"),
        *("evaluations", "evaluation_answers", "evaluation_findings"),
    } <= rows_hold(home, SIDE)
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


@pytest.mark.parametrize("ends", ["it is cancelled", "it is finished"])
def test_a_document_deleted_during_a_training_is_in_no_byte_once_that_has_ended(
    workspace: tuple[Path, Made], ends: str
) -> None:
    """The trainer needs what it learns from until then; a last line of progress that a kill cut stands in no way."""
    home, made = workspace
    with Workspace.open(settings(home)) as ws:
        [row] = ws.adapters.list(made.corpus)
        ws.adapters.change(row.id, status="training")
        before = ws.adapters.get(row.id)
        folder = ws.serving.folder(row)
        shutil.rmtree(folder / "exports")  # nothing is exported before it has ended
        intake.delete_document(ws, made.paper, erase=True)
        assert {"plan.json", "examples.jsonl"} <= {path.rpartition("/")[2] for path in found(home, PAPER)}
        with (folder / "progress.jsonl").open("a") as progress:
            progress.write('{"step": 2, "lo')
        if ends == "it is cancelled":
            tuning.give_up(ws, ws.jobs.get(row.job_id or 0), "")
        else:
            tuning._finished(ws, before)
            gate._mannered(ws, before, {"writes": "none"})
            ws.adapters.change(row.id, documents=before.documents)  # as a job does that is taken up again
            forgetting.settle(ws, before)
        assert registry.learned_from(ws, made.corpus, [f"{canary.words(PAPER)}.md"]) != []
        assert f"{canary.words(OTHER)}.md" in ws.adapters.get(row.id).documents
        assert f"{canary.words(OTHER)}.md" in json.loads((folder / "plan.json").read_text("utf-8"))["documents"]
    assert found(home, PAPER) == set()
    assert {"triptych.db"} < found(home, OTHER)


def test_a_document_that_was_renamed_and_deleted_is_in_no_byte_of_the_workspace(workspace: tuple[Path, Made]) -> None:
    """Its old name stands in rows, full text and the folders of adapters, and leads to what was made of it."""
    home, made = workspace

    def move_and_delete(ws: Workspace) -> None:
        folder = home.parent / "papers"
        folder.mkdir()
        source = ws.sources.add(made.corpus, "folder", {"path": str(folder)}, label="papers")
        ws.sources.request(source.id)
        job = ws.jobs.claim("test", 60, canary.planning_now(), ["sync"])
        assert job is not None
        ws.sources.rename_documents(job, {made.paper: "papers/moved.md"}, partial(forgetting.follow, ws))
        ws.jobs.finish(job)
        assert ws.lexical.in_step()
        plans = [json.loads(file.read_text()) for file in home.glob("adapters/*/plan.json")]
        assert all("papers/moved.md" in plan["corpus"] for plan in plans)
        intake.delete_document(ws, made.paper, erase=True)

    after(home, move_and_delete)
    assert found(home, PAPER) == set()
    assert {"triptych.db"} < found(home, OTHER)


def test_what_was_made_of_a_document_is_counted_before_it_goes(workspace: tuple[Path, Made]) -> None:
    home, made = workspace
    with Workspace.open(settings(home)) as ws:
        there = ws.documents.made_of([made.paper])
        assert (there.examples, there.gold, there.answers, there.evaluated) == (3, 1, 1, 1)
        intake.delete_document(ws, made.paper)
        assert ws.examples.count(made.corpus) == canary.FILLERS + 2 * 3 + 2, "kept when it is not to be erased"


def test_a_deleted_conversation_is_in_no_byte_of_the_workspace(workspace: tuple[Path, Made]) -> None:
    home, made = workspace
    after(home, lambda ws: files.delete(ws, made.talk, erase=True))
    assert found(home, TALK) == set()
    assert found(home, OWN) == set()
    assert {"triptych.db"} < found(home, PAPER)


def test_what_was_made_of_a_conversation_is_counted_and_stays_where_it_is_wanted(
    workspace: tuple[Path, Made],
) -> None:
    home, made = workspace
    with Workspace.open(settings(home)) as ws:
        there = ws.conversations.made_of(made.talk)
        assert (there.examples, there.gold, there.answers, there.evaluated) == (1, 1, 0, 1)
        files.delete(ws, made.talk)
        assert ws.gold.count(made.corpus) == 4
        assert {"gold_questions", "examples", "evaluations"} <= rows_hold(home, TALK)


def test_a_deleted_comparison_is_in_no_byte_of_the_workspace(workspace: tuple[Path, Made]) -> None:
    home, made = workspace

    def delete(ws: Workspace) -> None:
        there = ws.comparisons.made_of(made.comparison)
        assert (there.examples, there.gold, there.answers, there.evaluated) == (1, 1, 0, 1)
        comparing.delete(ws, made.comparison, erase=True)
        comparing.delete(ws, made.comparison, erase=True)
        assert ws.comparisons.votes(made.corpus) == []

    after(home, delete)
    assert found(home, SIDE) == set()
    assert "triptych.db" in found(home, TALK)


def test_a_deleted_corpus_is_in_no_byte_of_the_workspace(workspace: tuple[Path, Made]) -> None:
    home, made = workspace
    after(home, lambda ws: intake.delete_corpus(ws, made.corpus))
    for word in (PAPER, OTHER, TALK, OWN, SIDE):
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


def test_a_forgotten_person_is_in_no_byte_of_the_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person is known by the operating system's name of the user alone: whoever does everything is in one place."""
    name, home = "zqjanedoe", tmp_path / "home"
    for module in (audit, people):
        monkeypatch.setattr(module, "user", lambda: name)
    with Workspace.open(settings(home)) as ws:
        canary.fill(ws)
        assert holding(home, name) <= {"triptych.db", "triptych.db-wal"}
        assert list(people.people(ws.database)) == [name]
        journal.forget(ws, name)
        assert ws.audit.verify().whole
        assert holding(home, name) == set(), "while the workspace is open"
    assert holding(home, name) == set()


def holding(home: Path, name: str) -> set[str]:
    files = (path for path in home.rglob("*") if path.is_file())
    return {path.relative_to(home).as_posix() for path in files if name.encode() in path.read_bytes()}
