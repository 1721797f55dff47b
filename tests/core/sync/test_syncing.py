"""A corpus follows a folder: through adding, changing, moving, removing, and everything that goes wrong."""

import os
import shutil
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import BadInput, Conflict
from core.ingestion import intake
from core.jobs.runner import run
from core.sync import sources, syncing
from core.sync.looking import look
from core.sync.watching import look_once
from core.workspace import Workspace
from tests.core.sync.conftest import names, put, rows, work

LEASE = "# Lease\n\nThe monthly rent for the warehouse in Tallinn is 4,200 euro, due on the fifth day.\n"
NOTICE = "# Notice\n\nEither party may end the agreement with a notice of ninety days in writing.\n"


@pytest.fixture
def source_id(ws: Workspace, corpus: int, folder: Path) -> int:
    put(folder, "lease.md", LEASE)
    put(folder, "terms/notice.md", NOTICE)
    return sources.add_folder(ws, corpus, folder, on_removal="remove").id


def synced(ws: Workspace, source_id: int, agreed: int = 0) -> list[str]:
    sources.sync_now(ws, source_id, agreed)
    return work(ws)


def test_a_dry_run_says_what_would_be_added_and_writes_nothing(ws: Workspace, source_id: int) -> None:
    before = rows(ws)
    plan = look(ws, ws.sources.get(source_id))
    assert sorted(each.path for each in plan.added) == ["lease.md", "terms/notice.md"]
    assert rows(ws) == before
    assert not [path for path in (ws.home / "files").rglob("*") if path.is_file()]


def test_what_is_in_the_folder_becomes_answerable(ws: Workspace, corpus: int, source_id: int) -> None:
    assert synced(ws, source_id) == ["sync", "index"]
    assert names(ws, corpus) == ["papers/lease.md", "papers/terms/notice.md"]
    assert "4,200 euro" in ws.retriever.search(corpus, "What is the rent?", 1)[0].text


def test_a_hundred_passes_leave_the_rows_as_they_were(ws: Workspace, source_id: int) -> None:
    synced(ws, source_id)
    before, stamp = rows(ws), written(ws)
    for _ in range(100):
        assert look_once(ws, ws.sources.get(source_id)) is False
    assert rows(ws) == before
    assert written(ws) == stamp


def written(ws: Workspace) -> list[tuple[str, int, int]]:
    """The workspace's files with their sizes and dates: where rows are in it, not a byte of it may be written."""
    stats = [(str(path), path.stat()) for path in ws.home.rglob("*") if path.is_file() and path.suffix != ".db-shm"]
    return sorted((path, stat.st_size, stat.st_mtime_ns) for path, stat in stats)


def test_a_sync_again_multiplies_nothing(ws: Workspace, source_id: int) -> None:
    synced(ws, source_id)
    before = rows(ws)
    assert synced(ws, source_id) == ["sync"]
    assert rows(ws) == before | {"jobs": before["jobs"] + 1}


def test_a_changed_file_replaces_its_document(ws: Workspace, corpus: int, source_id: int, folder: Path) -> None:
    synced(ws, source_id)
    put(folder, "lease.md", LEASE.replace("4,200", "5,100"), age_s=30)
    assert synced(ws, source_id) == ["sync", "index"]
    assert len(names(ws, corpus)) == 2
    assert "5,100" in ws.retriever.search(corpus, "What is the rent?", 1)[0].text


def test_a_touched_file_is_not_indexed_again(ws: Workspace, source_id: int, folder: Path) -> None:
    synced(ws, source_id)
    put(folder, "lease.md", LEASE, age_s=30)
    assert synced(ws, source_id) == ["sync"]
    assert not look(ws, ws.sources.get(source_id)).work


def test_a_moved_file_keeps_its_document(ws: Workspace, corpus: int, source_id: int, folder: Path) -> None:
    synced(ws, source_id)
    before = {row.id for row in ws.corpora.documents(corpus)}
    (folder / "lease.md").rename(folder / "terms" / "lease 2026.md")
    assert synced(ws, source_id) == ["sync"]
    assert names(ws, corpus) == ["papers/terms/lease 2026.md", "papers/terms/notice.md"]
    assert {row.id for row in ws.corpora.documents(corpus)} == before


def test_a_file_removed_at_the_source_goes_with_its_words(
    ws: Workspace, corpus: int, source_id: int, folder: Path
) -> None:
    synced(ws, source_id)
    (folder / "lease.md").unlink()
    synced(ws, source_id)
    assert names(ws, corpus) == ["papers/terms/notice.md"]
    assert all("4,200" not in passage.text for passage in ws.retriever.search(corpus, "What is the rent?", 3))


def test_a_source_that_keeps_leaves_the_document_of_a_removed_file(
    ws: Workspace, corpus: int, source_id: int, folder: Path
) -> None:
    sources.set_up(ws, source_id, on_removal="keep")
    synced(ws, source_id)
    (folder / "lease.md").unlink()
    synced(ws, source_id)
    assert names(ws, corpus) == ["papers/lease.md", "papers/terms/notice.md"]
    assert not look(ws, ws.sources.get(source_id)).work


def test_a_folder_that_is_unmounted_deletes_nothing(ws: Workspace, corpus: int, source_id: int, folder: Path) -> None:
    synced(ws, source_id)
    before = rows(ws)
    folder.rename(folder.with_name("away"))
    look_once(ws, ws.sources.get(source_id))
    assert "cannot be read" in ws.sources.get(source_id).last_error
    sources.sync_now(ws, source_id)
    job = ws.dispatcher.run_one()
    assert job is not None
    assert job.status == "failed"
    assert rows(ws) == before | {"jobs": before["jobs"] + 1, "audit": before["audit"] + 1}  # who asked for it
    folder.mkdir()  # the mount point of a share that is not there
    synced(ws, source_id)
    assert len(names(ws, corpus)) == 2
    assert "nothing was removed" in ws.sources.get(source_id).last_error
    folder.rmdir()
    folder.with_name("away").rename(folder)
    look_once(ws, ws.sources.get(source_id))
    assert ws.sources.get(source_id).last_error == ""


def test_all_files_gone_are_removed_once_a_person_agrees(
    ws: Workspace, corpus: int, source_id: int, folder: Path
) -> None:
    synced(ws, source_id)
    shutil.rmtree(folder)
    folder.mkdir()
    synced(ws, source_id, agreed=2)
    assert names(ws, corpus) == []
    assert ws.sources.items(source_id) == {}


def test_copies_of_a_file_share_a_document_that_outlives_each_of_them(
    ws: Workspace, corpus: int, source_id: int, folder: Path
) -> None:
    put(folder, "copy.md", LEASE)
    synced(ws, source_id)
    assert len(names(ws, corpus)) == 2
    first = next(name for name in names(ws, corpus) if "notice" not in name)
    (folder / first.removeprefix("papers/")).unlink()
    synced(ws, source_id)
    left = next(name for name in names(ws, corpus) if "notice" not in name)
    assert left != first
    assert "4,200" in ws.retriever.search(corpus, "What is the rent?", 1)[0].text


def test_when_one_of_two_copies_changes_both_contents_are_there(
    ws: Workspace, corpus: int, source_id: int, folder: Path
) -> None:
    put(folder, "copy.md", LEASE)
    synced(ws, source_id)
    held = next(name for name in names(ws, corpus) if "notice" not in name).removeprefix("papers/")
    put(folder, held, LEASE.replace("4,200", "5,100"), age_s=30)
    synced(ws, source_id)
    assert sorted(names(ws, corpus)) == ["papers/copy.md", "papers/lease.md", "papers/terms/notice.md"]
    texts = [passage.text for passage in ws.retriever.search(corpus, "What is the rent?", 3)]
    assert any("4,200" in text for text in texts)
    assert any("5,100" in text for text in texts)


def test_a_document_that_a_person_deleted_stays_deleted_until_its_file_changes(
    ws: Workspace, corpus: int, source_id: int, folder: Path
) -> None:
    synced(ws, source_id)
    (lease,) = (row for row in ws.corpora.documents(corpus) if "lease" in row.name)
    intake.delete_document(ws, lease.id)
    synced(ws, source_id)
    assert names(ws, corpus) == ["papers/terms/notice.md"]
    put(folder, "lease.md", LEASE + "\nIt was signed in May.\n", age_s=30)
    synced(ws, source_id)
    assert names(ws, corpus) == ["papers/lease.md", "papers/terms/notice.md"]


def test_two_folders_with_files_of_the_same_name_do_not_fight(
    ws: Workspace, corpus: int, source_id: int, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "papers"
    put(other, "lease.md", LEASE.replace("Tallinn", "Tartu"))
    second = sources.add_folder(ws, corpus, other).id
    synced(ws, source_id)
    synced(ws, second)
    assert "papers (2)/lease.md" in names(ws, corpus)
    assert "papers/lease.md" in names(ws, corpus)
    assert not look(ws, ws.sources.get(source_id)).work
    assert not look(ws, ws.sources.get(second)).work


def test_names_that_look_the_same_are_told_apart(ws: Workspace, corpus: int, source_id: int, folder: Path) -> None:
    put(folder, "le\u200base.md", "# Another lease\n\nIts rent is 9 euro.\n")
    put(folder, "le ase.md", "# A third lease\n\nIts rent is 8 euro.\n")
    synced(ws, source_id)
    assert len(names(ws, corpus)) == 3
    assert not look(ws, ws.sources.get(source_id)).work
    problems = [item.problem for item in ws.sources.items(source_id).values() if item.problem]
    assert len(problems) == 1
    assert "Rename it" in problems[0]


def test_a_file_still_being_written_is_taken_when_it_rests(
    ws: Workspace, corpus: int, source_id: int, folder: Path
) -> None:
    put(folder, "fresh.md", "# Fresh\n\nThe deposit is 800 euro.\n", age_s=0.5)
    synced(ws, source_id)
    assert "papers/fresh.md" in names(ws, corpus)


def test_a_sync_that_is_killed_anywhere_goes_on(
    ws: Workspace, corpus: int, source_id: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        put(folder, f"more/{number}.md", f"# Note {number}\n\nThe number of this note is {number}.\n")
    monkeypatch.setattr(syncing, "AT_ONCE", 10)
    sources.sync_now(ws, source_id)
    for step in (1, 2, 3):  # the third write of the worker is its last: then another one claims the job
        job = ws.jobs.claim("one that will be killed", -1.0, datetime.now(UTC), ["sync"])
        assert job is not None
        _killed_after(ws, step, monkeypatch)
        run(ws, job, threading.Event())
        monkeypatch.undo()
        monkeypatch.setattr(syncing, "AT_ONCE", 10)
        with ws.database.write() as session:
            from sqlalchemy import update

            from storage.tables import Job

            session.execute(update(Job).where(Job.id == job.id).values(status="queued"))
    work(ws)
    assert len(names(ws, corpus)) == len(set(names(ws, corpus))) == 32
    assert len(ws.sources.items(source_id)) == 32
    assert {row.status for row in ws.corpora.documents(corpus)} == {"ready"}


def _killed_after(ws: Workspace, admissions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that was admitted after so many batches is written down: as if the process had ended there."""
    real, count = ws.sources.record, [0]

    def record(*args: object) -> None:
        count[0] += 1
        if count[0] >= admissions:
            raise SystemError("killed")
        real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(ws.sources, "record", record)


def test_a_removed_source_keeps_or_takes_its_documents(
    ws: Workspace, corpus: int, source_id: int, tmp_path: Path
) -> None:
    synced(ws, source_id)
    sources.remove(ws, source_id, "keep")
    assert len(names(ws, corpus)) == 2
    other = tmp_path / "second"
    put(other, "c.md", "# C\n\nThe third contract is about pumps.\n")
    put(other, "lease.md", LEASE)
    second = sources.add_folder(ws, corpus, other).id
    synced(ws, second)
    third = tmp_path / "third"
    put(third, "c.md", "# C\n\nThe third contract is about pumps.\n")
    last = sources.add_folder(ws, corpus, third).id
    synced(ws, last)
    sources.remove(ws, last, "remove")  # its only document is the second's as well
    assert "second/c.md" in names(ws, corpus)
    sources.remove(ws, second, "remove")
    assert "second/c.md" not in names(ws, corpus)
    assert ws.sources.list(corpus) == []


def test_a_corpus_takes_its_sources_along(ws: Workspace, corpus: int, source_id: int) -> None:
    synced(ws, source_id)
    intake.delete_corpus(ws, corpus)
    assert ws.sources.list() == []
    assert rows(ws)["source_items"] == 0


def test_a_source_waits_in_the_queue_once(ws: Workspace, source_id: int) -> None:
    first = ws.sources.request(source_id)
    assert ws.sources.request(source_id) == first
    assert sources.sync_now(ws, source_id, agreed=3) == first
    assert ws.jobs.get(first).payload["agreed"] == 3


def test_folders_that_cannot_be_watched_are_refused_with_the_reason(
    ws: Workspace, corpus: int, source_id: int, folder: Path
) -> None:
    for bad in ("", "relative/path", "/", str(folder / "absent"), str(ws.home)):
        with pytest.raises(BadInput):
            sources.add_folder(ws, corpus, bad)
    with pytest.raises(Conflict, match="already"):
        sources.add_folder(ws, corpus, folder / "terms")


def test_an_unchanged_pass_over_many_files_opens_none_of_them(
    ws: Workspace, corpus: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(200):
        put(folder, f"{number % 7}/{number}.txt", f"Note {number}.")
    source_id = sources.add_folder(ws, corpus, folder).id
    sources.sync_now(ws, source_id)
    assert ws.dispatcher.run_one() is not None
    before = rows(ws)
    monkeypatch.setattr(os, "open", lambda *args, **kwargs: pytest.fail("a file was opened"))
    plan = look(ws, ws.sources.get(source_id))
    monkeypatch.undo()
    assert plan.unchanged == 200
    assert rows(ws) == before


def test_the_server_sees_a_change_and_makes_it_answerable_by_itself(
    ws: Workspace, corpus: int, source_id: int, folder: Path
) -> None:
    ws.dispatcher.start()
    ws.watch.start()
    sources.sync_now(ws, source_id)
    _until(lambda: ws.corpora.statistics(corpus).ready == 2)
    _until(lambda: ws.watch.sees_events(source_id))
    (folder / "deposit.md").write_text("# Deposit\n\nThe deposit of the warehouse is 800 euro.\n")
    _until(lambda: ws.corpora.statistics(corpus).ready == 3)
    assert "800 euro" in ws.retriever.search(corpus, "How much is the deposit?", 1)[0].text
    (folder / "deposit.md").unlink()
    _until(lambda: ws.corpora.statistics(corpus).documents == 2)
    assert ws.watch.looked_at(source_id) is not None


def test_a_paused_source_is_left_alone_by_the_server(ws: Workspace, corpus: int, source_id: int) -> None:
    ws.watch.start()
    time.sleep(0.3)
    assert ws.jobs.list() == []
    sources.set_up(ws, source_id, enabled=True)
    ws.watch.wake()
    _until(lambda: bool(ws.jobs.list()))


def _until(done: "object") -> None:
    end = time.monotonic() + 120
    while not done():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
