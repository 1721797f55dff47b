"""Documents from elsewhere beside those of a source: nothing is replaced unsaid; the dry run says what a sync does."""

from pathlib import Path

import pytest

from core.ingestion import intake
from core.sync import sources
from core.sync.looking import look
from core.sync.plan import Plan
from core.sync.watching import look_once
from core.workspace import Workspace
from tests.core.sync.conftest import names, put, rows, work

LEASE = "# Lease\n\nThe monthly rent for the warehouse in Tallinn is 4,200 euro, due on the fifth day.\n"
OTHER = "# Lease\n\nThe yearly rent for the quay in Riga is 900 lats, due in winter.\n"


@pytest.fixture
def source_id(ws: Workspace, corpus: int, folder: Path) -> int:
    put(folder, "lease.md", LEASE)
    source = sources.add_folder(ws, corpus, folder).id
    synced(ws, source)
    return source


def synced(ws: Workspace, source_id: int) -> None:
    sources.sync_now(ws, source_id)
    work(ws)


def looked(ws: Workspace, source_id: int, again: bool = True) -> Plan:
    return look(ws, ws.sources.get(source_id), again=again)


def paths(found: object) -> list[str]:
    return [each.path for each in found]  # type: ignore[attr-defined]


def texts(ws: Workspace, corpus: int) -> str:
    return "\n".join(ws.corpora.page(row.id, 1).text for row in ws.corpora.documents(corpus))


def test_a_folder_of_the_same_name_leaves_documents_that_were_kept_of_another(
    ws: Workspace, corpus: int, source_id: int, tmp_path: Path
) -> None:
    sources.remove(ws, source_id, "keep")
    other = tmp_path / "b" / "papers"
    put(other, "lease.md", OTHER)
    second = sources.add_folder(ws, corpus, other).id
    assert not looked(ws, second).replaces
    synced(ws, second)
    assert names(ws, corpus) == ["papers (2)/lease.md", "papers/lease.md"]
    assert "Tallinn" in texts(ws, corpus)
    assert "Riga" in texts(ws, corpus)


def test_a_folder_that_is_followed_again_goes_on_with_its_documents(
    ws: Workspace, corpus: int, source_id: int, folder: Path
) -> None:
    sources.remove(ws, source_id, "keep")
    put(folder, "notice.md", "# Notice\n\nNinety days in writing.\n")
    again = sources.add_folder(ws, corpus, folder).id
    assert looked(ws, again).here == {"lease.md": "papers/lease.md"}
    synced(ws, again)
    assert names(ws, corpus) == ["papers/lease.md", "papers/notice.md"]
    put(folder, "lease.md", OTHER, age_s=30)
    synced(ws, again)
    assert names(ws, corpus) == ["papers/lease.md", "papers/notice.md"]
    assert "Tallinn" not in texts(ws, corpus)


def test_a_dry_run_says_which_documents_a_sync_replaces(
    ws: Workspace, corpus: int, source_id: int, folder: Path
) -> None:
    intake.add_files(ws, corpus, [("papers/new.md", OTHER.encode())])
    work(ws)
    put(folder, "new.md", "# New\n\nThe deposit is 800 euro.\n")
    plan = looked(ws, source_id)
    assert paths(plan.added) == ["new.md"]
    assert plan.replaces == {"new.md"}
    synced(ws, source_id)
    assert "Riga" not in texts(ws, corpus)


def test_a_followed_file_comes_back_when_an_upload_took_its_documents_place(
    ws: Workspace, corpus: int, source_id: int, folder: Path
) -> None:
    put(folder, "copy.md", LEASE)
    synced(ws, source_id)
    took = intake.add_files(ws, corpus, [("papers/lease.md", OTHER.encode()), ("more.md", b"More.")])
    assert [each.name for each in took.followed] == ["papers/lease.md"], "who uploads it is told"
    work(ws)
    assert "Tallinn" not in texts(ws, corpus)
    plan = looked(ws, source_id, again=False)
    assert sorted(paths(plan.again)) == ["copy.md", "lease.md"]
    assert "took the place" in plan.due["lease.md"]
    assert plan.replaces == {"lease.md"}
    look_once(ws, ws.sources.get(source_id))
    work(ws)
    assert "Tallinn" in texts(ws, corpus)
    assert all(item.document_id is not None for item in ws.sources.items(source_id).values())
    assert not looked(ws, source_id).work


def test_an_upload_in_place_of_a_document_that_a_person_then_deletes_brings_nothing_back(
    ws: Workspace, corpus: int, source_id: int
) -> None:
    intake.add_files(ws, corpus, [("papers/lease.md", OTHER.encode())])
    work(ws)
    intake.delete_documents(ws, ws.corpora.document_ids(corpus))
    assert not looked(ws, source_id).work


def test_two_sources_do_not_take_turns_with_one_name(ws: Workspace, corpus: int, source_id: int, folder: Path) -> None:
    other = folder.parent / "other"
    put(other, "x.md", OTHER)
    second = sources.add_folder(ws, corpus, other).id
    ws.sources.change(second, label="papers")  # as one that was added before labels were told apart from documents
    put(other, "lease.md", OTHER + "And more.\n")
    synced(ws, second)
    assert "Another source" in ws.sources.items(second)["lease.md"].problem
    for each in (source_id, second):
        assert not look(ws, ws.sources.get(each)).work
    assert "Tallinn" in texts(ws, corpus)


def test_what_the_corpus_has_already_is_not_announced_as_added(
    ws: Workspace, corpus: int, source_id: int, folder: Path
) -> None:
    intake.add_files(ws, corpus, [("by hand.md", OTHER.encode())])
    work(ws)
    put(folder, "riga.md", OTHER)
    put(folder, "one.md", "# One\n\nThe same twice.\n")
    put(folder, "two.md", "# One\n\nThe same twice.\n")
    plan = looked(ws, source_id)
    assert dict(plan.here) in (
        {"riga.md": "by hand.md", "two.md": "papers/one.md"},
        {"riga.md": "by hand.md", "one.md": "papers/two.md"},
    )
    before = len(names(ws, corpus))
    synced(ws, source_id)
    assert len(names(ws, corpus)) - before == len(plan.added) - len(plan.here) == 1
    assert not looked(ws, source_id).work


def test_a_file_whose_document_failed_is_tried_again_by_sync_now_and_not_by_the_clock(
    ws: Workspace, corpus: int, source_id: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.errors import UnreadableFile
    from core.ingestion import indexing

    def broken(*_: object) -> None:
        raise UnreadableFile("It cannot be read today.", "Try tomorrow.")

    put(folder, "new.md", OTHER)
    with monkeypatch.context() as patched:
        patched.setattr(indexing, "parse", broken)
        synced(ws, source_id)
    assert ws.corpora.count_documents(corpus, status="failed") == 1
    before = rows(ws)
    look_once(ws, ws.sources.get(source_id))
    assert rows(ws) == before
    plan = looked(ws, source_id)
    assert plan.due == {"new.md": "its document failed before"}
    synced(ws, source_id)
    assert [row.status for row in ws.corpora.documents(corpus)] == ["ready", "ready"]
    assert not looked(ws, source_id).work


def test_a_dry_run_looks_again_at_files_that_could_not_be_taken(
    ws: Workspace, source_id: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.sync import folder as reading

    put(folder, "new.md", OTHER)
    with monkeypatch.context() as patched:
        patched.setattr(reading, "why_not_taken", lambda *_: "Not today.")
        synced(ws, source_id)
    assert ws.sources.items(source_id)["new.md"].problem == "Not today."
    assert not looked(ws, source_id, again=False).work
    assert paths(looked(ws, source_id).added) == ["new.md"]
    synced(ws, source_id)
    assert ws.sources.items(source_id)["new.md"].problem == ""


def test_a_document_that_was_deleted_here_is_listed_and_taken_again(
    ws: Workspace, corpus: int, source_id: int, folder: Path
) -> None:
    put(folder, "other.md", OTHER)
    synced(ws, source_id)
    ids = ws.corpora.document_ids(corpus)
    assert ws.sources.count_followed(ids) == 2
    intake.delete_documents(ws, ids)
    synced(ws, source_id)
    assert names(ws, corpus) == []
    assert sources.deleted_here(ws, ws.sources.get(source_id)) == ["lease.md", "other.md"]
    assert sources.take_again(ws, source_id, ["lease.md", "none.md"]) == 1
    assert work(ws) == ["sync", "index"]
    assert names(ws, corpus) == ["papers/lease.md"]
    assert sources.deleted_here(ws, ws.sources.get(source_id)) == ["other.md"]
    assert sources.take_again(ws, source_id, ["lease.md"]) == 0


def test_a_document_in_whose_place_an_upload_came_is_not_called_deleted(
    ws: Workspace, corpus: int, source_id: int
) -> None:
    intake.add_files(ws, corpus, [("papers/lease.md", OTHER.encode())])
    work(ws)
    assert sources.deleted_here(ws, ws.sources.get(source_id)) == []


def test_problems_of_a_source_are_listed_without_its_other_files(
    ws: Workspace, source_id: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "photo.bin", b"MZ\0\0" * 20)
    synced(ws, source_id)
    ((path, why),) = ws.sources.problems(source_id)
    assert path == "photo.bin"
    assert "not read" in why
