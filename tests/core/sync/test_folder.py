"""Looking at real folders, friendly and hostile ones."""

import os
import time
from pathlib import Path

import pytest

from core.errors import BadInput
from core.sync.folder import Unreachable, Unsettled, look_at_folder, opened
from core.sync.naming import clean_url, document_name, is_hidden
from core.sync.plan import Look
from storage.rows import SourceItemRow, SourceRow
from storage.tables import now as now_utc
from tests.core.sync.conftest import put


def look(folder: Path, items: dict[str, SourceItemRow] | None = None) -> Look:
    return look_at_folder(folder, items or {}, folder / "home", time.time())


def paths(found: Look) -> list[str]:
    return sorted(each.path for each in found.seen if not each.problem)


def test_files_of_all_subfolders_are_seen_hidden_and_temporary_ones_are_not(folder: Path) -> None:
    put(folder, "a.md", "# A")
    put(folder, "deep/er/b.md", "# B")
    for name in (".hidden.md", ".git/config.md", "~$open.docx", "half.pdf.part", "x.tmp", "Thumbs.db", "notes.md~"):
        put(folder, name, "no")
    assert paths(look(folder)) == ["a.md", "deep/er/b.md"]


def test_links_are_not_followed_and_counted(folder: Path, tmp_path: Path) -> None:
    put(tmp_path, "outside/secret.md", "# Secret")
    put(folder, "a.md", "# A")
    (folder / "link.md").symlink_to(tmp_path / "outside" / "secret.md")
    (folder / "links").symlink_to(tmp_path / "outside")
    (folder / "loop").symlink_to(folder)
    found = look(folder)
    assert paths(found) == ["a.md"]
    assert found.links == 3


def test_a_file_swapped_for_a_link_after_it_was_listed_is_not_read(folder: Path, tmp_path: Path) -> None:
    secret = put(tmp_path, "outside/secret.md", "# Secret")
    (folder / "a.md").symlink_to(secret)
    with pytest.raises(OSError, match=r"a\.md"), opened(folder, "a.md"):
        pytest.fail("it was opened")
    (folder / "sub").symlink_to(secret.parent)
    with pytest.raises(PermissionError), opened(folder, "sub/secret.md"):
        pytest.fail("it was opened")


def test_a_pipe_is_no_file_and_stops_nothing(folder: Path) -> None:
    os.mkfifo(folder / "pipe.md")
    assert look(folder).seen == ()
    with pytest.raises(PermissionError), opened(folder, "pipe.md"):
        pytest.fail("it was opened")


def test_a_file_just_written_is_waited_for(folder: Path) -> None:
    put(folder, "fresh.md", "# Half of", age_s=0)
    found = look(folder)
    assert found.waiting == ("fresh.md",)
    assert found.seen == ()


def test_a_file_that_changes_while_it_is_read_is_not_taken(folder: Path) -> None:
    path = put(folder, "a.md", "# A")

    def read_slowly() -> None:
        with opened(folder, "a.md") as file:
            assert file.read_text() == "# A"
            path.write_text("# A and more")

    with pytest.raises(Unsettled):
        read_slowly()


def test_an_unreadable_kind_is_left_out_with_its_reason(folder: Path) -> None:
    put(folder, "movie.bin", b"MZ\0\0" * 50)
    put(folder, "empty.md", "")
    put(folder, "many.jsonl", '{"id": "1", "text": "one"}\n')
    why = {each.path: each.problem for each in look(folder).seen}
    assert "not read" in why["movie.bin"]
    assert "empty" in why["empty.md"]
    assert "many documents" in why["many.jsonl"]


def test_a_name_that_is_no_text_is_left_out_and_shown(folder: Path) -> None:
    descriptor = os.open(os.fsencode(folder) + b"/bad\xff.md", os.O_WRONLY | os.O_CREAT)
    os.close(descriptor)
    (each,) = look(folder).seen
    assert each.path == "bad\\xff.md"
    assert "Rename it" in each.problem


def test_a_folder_that_is_gone_is_unreachable_not_empty(folder: Path) -> None:
    with pytest.raises(Unreachable, match="nothing was removed"):
        look(folder / "gone")


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every folder")
def test_a_subfolder_that_cannot_be_read_is_told(folder: Path) -> None:
    put(folder, "locked/a.md", "# A")
    (folder / "locked").chmod(0)
    try:
        assert "locked/" in look(folder).unreached
    finally:
        (folder / "locked").chmod(0o700)


def test_our_own_workspace_is_not_looked_into(folder: Path) -> None:
    put(folder, "home/files/ab/abcdef", "# stored")
    put(folder, "a.md", "# A")
    assert paths(look(folder)) == ["a.md"]


def test_an_unchanged_file_is_not_opened(folder: Path) -> None:
    path = put(folder, "a.md", "# A")
    status = path.stat()
    item = SourceItemRow(1, 1, "a.md", status.st_size, status.st_mtime_ns, "", "", "f" * 64, 7, "")
    (each,) = look(folder, {"a.md": item}).seen
    assert each.sha256 == "f" * 64


def source(kind: str) -> SourceRow:
    return SourceRow(1, 1, kind, "papers", {}, "keep", 10, True, "", None, "", "", now_utc())


def test_documents_are_named_below_the_folder_or_by_their_address() -> None:
    assert document_name(source("folder"), "a/b\u202ec.md") == "papers/a/b c.md"
    assert document_name(source("urls"), "https://docs.example/guide/") == "docs.example/guide"


@pytest.mark.parametrize(
    "bad",
    ["ftp://x/", "file:///etc/passwd", "x", "http://", "https://u:p@x/", "http://x:0/", "http://a b/", "http://[/"],
)
def test_what_is_no_plain_web_address_is_refused(bad: str) -> None:
    with pytest.raises(BadInput):
        clean_url(bad)


def test_an_address_is_kept_in_its_plain_form() -> None:
    assert clean_url(" HTTPS://Docs.Example/a?b=1#c ") == "https://docs.example/a?b=1"
    assert clean_url("http://x") == "http://x/"


def test_hidden_names() -> None:
    assert is_hidden("~$a.docx")
    assert not is_hidden("a.b~c.md")
