"""A backup is whole or absent, of one moment, and gives the same answers elsewhere."""

import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.assistants.answer import Answer
from core.errors import BadInput, Conflict, TriptychError
from core.generation.embedded import EmbeddedChat
from core.ingestion import intake
from core.keeping import backup
from core.keeping.archive import MANIFEST
from core.keeping.restoring import restore
from core.models import packaged_gguf
from core.workspace import Workspace
from storage.jobs import OPEN
from tests.core.keeping.conftest import QUESTION, settings


def answered(ws: Workspace) -> tuple[object, ...]:
    """What a question brings: passages with their places, the text, and what is cited."""
    corpus = ws.corpora.list()[0]
    events = list(ws.assistant(corpus.id).ask(QUESTION))
    answer = events[-1]
    assert isinstance(answer, Answer)
    places = [(p.document, p.page, p.start, p.end, p.text, round(p.score, 6)) for p in answer.passages]
    return places, answer.text, answer.citations


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EmbeddedChat]:
    """The embedded base model, converted once for both workspaces."""
    chat = EmbeddedChat(source=packaged_gguf(), folder=tmp_path / "models")
    yield chat
    chat.close()


def test_a_restored_workspace_gives_the_same_passages_answers_and_citations(
    home: Path, tmp_path: Path, engine: EmbeddedChat
) -> None:
    with Workspace.open(settings(home), given={"engine": engine}) as ws:
        before = answered(ws)
        talk = ws.conversations.create(ws.corpora.list()[0].id)
        ws.conversations.add_question(talk.id, "kept as well")
        made = backup.write(ws, tmp_path / "all.zip")
    assert before[2]
    assert (made.missing, made.damaged) == ((), ())
    restored = restore(made.file, settings(tmp_path / "elsewhere"))
    with Workspace.open(settings(restored.home), given={"engine": engine}) as ws:
        assert answered(ws) == before
        assert [message.text for message in ws.conversations.messages(talk.id)] == ["kept as well"]


def test_the_manifest_is_last_and_names_every_member_with_its_hash(home: Path, tmp_path: Path) -> None:
    with Workspace.open(settings(home), owner=False) as ws:
        made = backup.write(ws, tmp_path / "all.zip")
    with zipfile.ZipFile(made.file) as packed:
        names = packed.namelist()
        manifest = json.loads(packed.read(MANIFEST))
        assert names[-1] == MANIFEST
        assert set(manifest["members"]) == set(names[:-1])
        for name, member in manifest["members"].items():
            assert hashlib.sha256(packed.read(name)).hexdigest() == member["sha256"]
    assert manifest["schema"].isdigit()
    assert made.file.stat().st_mode & 0o077 == 0
    assert list(tmp_path.glob(".*part")) == []


def test_rows_and_files_of_a_backup_agree_while_others_add_and_delete(home: Path, tmp_path: Path) -> None:
    with Workspace.open(settings(home)) as ws:
        corpus = ws.corpora.list()[0]
        over = threading.Event()

        def churn() -> None:
            number = 0
            while not over.is_set():
                number += 1
                taken = intake.add_files(ws, corpus.id, [(f"n{number}.md", f"# Note {number}".encode())])
                intake.delete_document(ws, taken.accepted[0].document_id)

        thread = threading.Thread(target=churn)
        thread.start()
        try:
            made = [backup.write(ws, tmp_path / f"{number}.zip") for number in range(5)]
        finally:
            over.set()
            thread.join()
    for number, each in enumerate(made):
        assert each.missing == ()
        with Workspace.open(settings(restore(each.file, settings(tmp_path / f"home{number}")).home), owner=False) as ws:
            rows = ws.corpora.documents(corpus.id)
            assert {"lease.md", "notice.md"} <= {row.name for row in rows}
            assert all(ws.files.exists(row.content_sha256) for row in rows)


def test_work_that_was_under_way_goes_on_in_the_restored_workspace(home: Path, tmp_path: Path) -> None:
    with Workspace.open(settings(home)) as ws:
        corpus = ws.corpora.list()[0]
        intake.add_files(ws, corpus.id, [("late.md", b"# Late\n\nThe deposit is 900 euro.\n")])
        made = backup.write(ws, tmp_path / "all.zip")
    with Workspace.open(settings(restore(made.file, settings(tmp_path / "elsewhere")).home)) as ws:
        ws.dispatcher.run_one()
        assert ws.corpora.statistics(corpus.id).ready == 3
        assert ws.retriever.search(corpus.id, "How much is the deposit?", 1)[0].document == "late.md"


def test_the_key_file_is_left_out_unless_asked_for(home: Path, tmp_path: Path) -> None:
    with Workspace.open(settings(home)) as ws:
        sealed = ws.secrets.seal("sk-secret")
        without, with_it = (
            backup.write(ws, tmp_path / f"{included}.zip", with_key=included) for included in (False, True)
        )
    for made, included in ((without, False), (with_it, True)):
        restored = restore(made.file, settings(tmp_path / f"home-{included}"))
        assert restored.with_key is included
        with Workspace.open(settings(restored.home), owner=False) as ws:
            if included:
                assert ws.secrets.open(sealed) == "sk-secret"
            else:
                with pytest.raises(BadInput, match="Enter it again"):
                    ws.secrets.open(sealed)


def test_a_backup_never_goes_over_a_file_or_into_the_workspace(home: Path, tmp_path: Path) -> None:
    with Workspace.open(settings(home), owner=False) as ws:
        (tmp_path / "there.zip").write_bytes(b"mine")
        with pytest.raises(Conflict):
            backup.write(ws, tmp_path / "there.zip")
        with pytest.raises(BadInput, match="inside the workspace"):
            backup.write(ws, home / "inside.zip")
    assert (tmp_path / "there.zip").read_bytes() == b"mine"


def test_a_disk_without_room_is_told_before_anything_is_written(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "SPARE", 1 << 60)
    with (
        Workspace.open(settings(home), owner=False) as ws,
        pytest.raises(TriptychError, match="no room for the backup"),
    ):
        backup.write(ws, tmp_path / "all.zip")
    assert list(tmp_path.glob("*.zip")) + list(tmp_path.glob(".*.part")) == []


def test_an_upload_with_other_bytes_or_none_is_named(home: Path, tmp_path: Path) -> None:
    with Workspace.open(settings(home), owner=False) as ws:
        first, second = (row.content_sha256 for row in ws.corpora.documents(ws.corpora.list()[0].id))
        ws.files.path(first).write_bytes(b"something else")
        ws.files.path(second).unlink()
        made = backup.write(ws, tmp_path / "all.zip")
    assert (made.damaged, made.missing) == ((first,), (second,))


def test_the_job_writes_beside_the_workspace_and_a_second_attempt_keeps_what_is_whole(home: Path) -> None:
    with Workspace.open(settings(home)) as ws:
        job = backup.start(ws)
        left = backup.folder(ws) / f".{job.payload['name']}.1.part"
        left.parent.mkdir()
        left.write_bytes(b"what a kill left")
        done = ws.dispatcher.run_one()
        assert done is not None
        assert (done.status, done.progress_done) == ("done", 100)
        (file,) = backup.present(ws)
        assert not left.exists()
        assert not file.is_relative_to(home)
        assert ws.jobs.list(statuses=OPEN) == []
