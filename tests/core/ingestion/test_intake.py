import io
import json
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput, Conflict, NotFound
from core.ingestion import intake
from core.ingestion.intake import Intake
from core.ingestion.naming import UNSEEN, clean_name
from core.settings import Settings
from core.workspace import Workspace
from storage.rows import DocumentRow


@pytest.fixture
def ws(tmp_path: Path, database_url: str) -> Iterator[Workspace]:
    with Workspace.open(Settings(tmp_path / "home", database_url)) as opened:
        yield opened


@pytest.fixture
def corpus(ws: Workspace) -> int:
    return intake.create_corpus(ws, "contracts", "legal").id


def names(ws: Workspace, corpus: int) -> list[str]:
    return [row.name for row in ws.corpora.documents(corpus)]


def serve(ws: Workspace, corpus: int, **values: object) -> None:
    """Index what is queued, as far as rows tell: intake must not need what parsing and embedding do."""
    from storage.contents import Content

    job = ws.jobs.claim("test", 60, ws.corpora.get(corpus).created_at, ["index"])
    assert job is not None
    ids = [row.id for row in ws.documents.batch(job.id)]
    ws.documents.store_content(job, [Content(key, "", "text/plain", (), ()) for key in ids])
    ws.documents.make_ready(job, ids)
    ws.jobs.finish(job)


def stored(ws: Workspace) -> int:
    return len(list(ws.files.folder.glob("??/*")))


def test_new_files_are_stored_and_queued_in_one_job(ws: Workspace, corpus: int, tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("# Second")
    took = intake.add_files(ws, corpus, [("a.txt", b"First."), ("b.md", tmp_path / "b.md")])
    assert [row.name for row in took.accepted] == names(ws, corpus) == ["a.txt", "b.md"]
    assert took.job_id is not None
    assert {row.job_id for row in ws.documents.of_job(took.job_id)} == {took.job_id}
    assert {row.status for row in ws.corpora.documents(corpus)} == {"queued"}


def test_the_same_file_again_is_unchanged_and_queues_nothing(ws: Workspace, corpus: int) -> None:
    intake.add_files(ws, corpus, [("a.txt", b"First.")])
    again = intake.add_files(ws, corpus, [("a.txt", b"First.")])
    assert [row.name for row in again.unchanged] == ["a.txt"]
    assert (again.accepted, again.replaced, again.job_id) == ((), (), None)
    assert stored(ws) == 1


def test_the_same_content_under_another_name_is_stored_once_and_said_so(ws: Workspace, corpus: int) -> None:
    took = intake.add_files(ws, corpus, [("a.txt", b"Same."), ("copy of a.txt", b"Same.")])
    assert [(row.name, row.of) for row in took.duplicates] == [("copy of a.txt", "a.txt")]
    assert names(ws, corpus) == ["a.txt"]
    assert stored(ws) == 1


def test_another_corpus_may_hold_the_same_content(ws: Workspace, corpus: int) -> None:
    other = intake.create_corpus(ws, "other", "legal").id
    intake.add_files(ws, corpus, [("a.txt", b"Same.")])
    took = intake.add_files(ws, other, [("a.txt", b"Same.")])
    assert len(took.accepted) == 1
    assert stored(ws) == 1


def test_a_changed_file_replaces_its_older_version_once_it_is_ready(ws: Workspace, corpus: int) -> None:
    intake.add_files(ws, corpus, [("a.txt", b"Old.")])
    serve(ws, corpus)
    old = ws.corpora.documents(corpus)[0]
    took = intake.add_files(ws, corpus, [("a.txt", b"New.")])
    assert [row.name for row in took.replaced] == ["a.txt"]
    assert statuses(ws, corpus) == {old.id: "ready", took.replaced[0].document_id: "queued"}
    serve(ws, corpus)
    assert statuses(ws, corpus) == {took.replaced[0].document_id: "ready"}
    assert stored(ws) == 1


def statuses(ws: Workspace, corpus: int) -> dict[int, str]:
    return {row.id: row.status for row in ws.corpora.documents(corpus)}


def test_a_third_version_pushes_the_unfinished_second_aside(ws: Workspace, corpus: int) -> None:
    intake.add_files(ws, corpus, [("a.txt", b"One.")])
    serve(ws, corpus)
    intake.add_files(ws, corpus, [("a.txt", b"Two.")])
    intake.add_files(ws, corpus, [("a.txt", b"Three.")])
    assert sorted(statuses(ws, corpus).values()) == ["queued", "ready"]
    assert stored(ws) == 2


def test_going_back_to_the_serving_version_drops_the_unfinished_one(ws: Workspace, corpus: int) -> None:
    intake.add_files(ws, corpus, [("a.txt", b"One.")])
    serve(ws, corpus)
    intake.add_files(ws, corpus, [("a.txt", b"Two.")])
    back = intake.add_files(ws, corpus, [("a.txt", b"One.")])
    assert len(back.unchanged) == 1
    assert list(statuses(ws, corpus).values()) == ["ready"]


def test_an_empty_file_is_rejected_with_its_reason(ws: Workspace, corpus: int) -> None:
    took = intake.add_files(ws, corpus, [("empty.txt", b"")])
    assert "empty" in took.rejected[0].reason
    assert took.job_id is None


def test_an_unknown_kind_is_rejected_with_a_list_of_what_is_read(ws: Workspace, corpus: int) -> None:
    took = intake.add_files(ws, corpus, [("photo.gif", b"GIF89a" + bytes(200)), ("a.txt", b"Text.")])
    assert [row.name for row in took.rejected] == ["photo.gif"]
    assert "PDF" in took.rejected[0].reason
    assert "\n" not in took.rejected[0].reason
    assert names(ws, corpus) == ["a.txt"]


def archive(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in entries.items():
            opened.writestr(name, content)
    return buffer.getvalue()


def test_a_zip_counts_as_the_files_in_it_each_with_its_verdict(ws: Workspace, corpus: int) -> None:
    content = archive({"deep/a.txt": b"First.", "b.md": b"# Second", "copy.txt": b"First.", "empty.txt": b""})
    took = intake.add_files(ws, corpus, [("all.zip", content)])
    assert [row.name for row in took.accepted] == ["deep/a.txt", "b.md"]
    assert [row.of for row in took.duplicates] == ["deep/a.txt"]
    assert [row.name for row in took.rejected] == ["empty.txt"]
    assert list(ws.scratch.iterdir()) == []


def lines(*records: dict[str, str]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def test_lines_of_a_corpus_become_documents_by_their_id(ws: Workspace, corpus: int) -> None:
    content = lines({"id": "x:1", "title": "One", "text": "First.", "source": "web"}, {"id": "x:2", "text": "First."})
    took = intake.add_files(ws, corpus, [("corpus.jsonl", content)])
    assert [row.name for row in took.accepted] == ["x:1", "x:2"]  # an id stands for itself, even with the same text
    row = ws.corpora.document(took.accepted[0].document_id)
    assert (row.title, row.source) == ("One", "web")
    assert ws.files.path(row.content_sha256).read_bytes() == b"First."
    assert stored(ws) == 1


def test_a_line_indexed_again_under_its_id_is_replaced(ws: Workspace, corpus: int) -> None:
    intake.add_files(ws, corpus, [("corpus.jsonl", lines({"id": "x:1", "title": "One", "text": "Old."}))])
    serve(ws, corpus)
    took = intake.add_files(ws, corpus, [("corpus.jsonl", lines({"id": "x:1", "title": "One", "text": "New."}))])
    renamed = intake.add_files(ws, corpus, [("corpus.jsonl", lines({"id": "x:1", "title": "Uno", "text": "New."}))])
    assert len(took.replaced) == len(renamed.replaced) == 1


def test_a_corpus_with_a_broken_line_is_rejected_whole(ws: Workspace, corpus: int) -> None:
    took = intake.add_files(ws, corpus, [("corpus.jsonl", lines({"id": "1", "text": "A."}) + b'{"id": "2", "te\n')])
    assert "line 2" in took.rejected[0].reason
    assert took.accepted == ()


def test_a_cancelled_document_stops_and_can_be_retried(ws: Workspace, corpus: int) -> None:
    took = intake.add_files(ws, corpus, [("a.txt", b"First.")])
    document_id = took.accepted[0].document_id
    assert intake.cancel(ws, document_id)
    assert not intake.cancel(ws, document_id)
    assert document(ws, document_id).status == "cancelled"
    assert intake.retry(ws, document_id) is not None
    assert document(ws, document_id).status == "queued"
    assert intake.retry(ws, document_id) is None


def document(ws: Workspace, document_id: int) -> DocumentRow:
    return ws.corpora.document(document_id)


def test_cancelling_a_job_cancels_what_is_left_of_it(ws: Workspace, corpus: int) -> None:
    took = intake.add_files(ws, corpus, [("a.txt", b"A."), ("b.txt", b"B.")])
    assert took.job_id is not None
    intake.cancel_job(ws, took.job_id)
    assert {row.status for row in ws.corpora.documents(corpus)} == {"cancelled"}
    assert ws.jobs.get(took.job_id).cancel_requested


def test_a_failed_file_dropped_again_is_tried_again(ws: Workspace, corpus: int) -> None:
    took = intake.add_files(ws, corpus, [("a.txt", b"First.")])
    intake.cancel(ws, took.accepted[0].document_id)
    again = intake.add_files(ws, corpus, [("a.txt", b"First.")])
    assert len(again.accepted) == 1
    assert list(statuses(ws, corpus).values()) == ["queued"]
    assert stored(ws) == 1


def test_a_corpus_needs_a_free_name_and_a_known_domain(ws: Workspace, corpus: int) -> None:
    with pytest.raises(BadInput):
        intake.create_corpus(ws, "  ", "legal")
    with pytest.raises(Conflict):
        intake.create_corpus(ws, "contracts", "legal")
    with pytest.raises(NotFound):
        intake.create_corpus(ws, "stars", "astrology")


def test_files_for_a_corpus_that_is_gone_are_refused(ws: Workspace) -> None:
    with pytest.raises(NotFound):
        intake.add_files(ws, 99, [("a.txt", b"A.")])


def test_a_file_whose_content_is_deleted_elsewhere_while_it_comes_in_is_stored_once_more(
    ws: Workspace, corpus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = b"# A lease\n\nThe rent is four."
    elsewhere = intake.create_corpus(ws, "elsewhere", "legal").id
    intake.add_files(ws, elsewhere, [("a.md", lease)])
    (there,) = ws.corpora.documents(elsewhere)
    put, deleted = ws.files.put, iter([True])

    def put_then_deleted(content: bytes | Path) -> str:
        digest = put(content)
        if next(deleted, False):
            intake.delete_documents(ws, [there.id])
        return digest

    monkeypatch.setattr(ws.files, "put", put_then_deleted)
    (admitted,) = intake.add_files(ws, corpus, [("b.md", lease)]).accepted
    (document,) = ws.corpora.documents(corpus)
    assert document.id == admitted.document_id
    assert ws.files.path(document.content_sha256).read_bytes() == lease


def test_a_corpus_that_is_deleted_while_files_come_in_is_told_and_keeps_nothing_of_them(
    ws: Workspace, corpus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = ws.files.put

    def deleted_then_put(content: bytes | Path) -> str:
        digest = put(content)
        intake.delete_corpus(ws, corpus)
        return digest

    monkeypatch.setattr(ws.files, "put", deleted_then_put)
    with pytest.raises(NotFound, match="does not exist any more"):
        intake.add_files(ws, corpus, [("a.md", b"# A lease\n\nThe rent is four.")])
    assert [path for path in ws.files.folder.rglob("*") if path.is_file()] == []
    assert ws.jobs.waiting() == 0


@given(name=st.text(max_size=60))
def test_a_clean_name_is_stable_relative_and_visible(name: str) -> None:
    clean = clean_name(name)
    assert clean_name(clean) == clean
    assert not clean.startswith("/")
    assert ".." not in clean.split("/")
    assert not any(unicodedata.category(sign) in UNSEEN for sign in clean)


def test_two_intakes_of_the_same_folder_at_once_take_each_file_once(ws: Workspace, corpus: int) -> None:
    from concurrent.futures import ThreadPoolExecutor

    files = [(f"{number}.txt", f"Text {number}.".encode()) for number in range(20)]
    with ThreadPoolExecutor(2) as pool:
        took: list[Intake] = list(pool.map(lambda _: intake.add_files(ws, corpus, files), range(2)))
    assert sorted(len(each.accepted) for each in took) == [0, 20]
    assert len(names(ws, corpus)) == 20
