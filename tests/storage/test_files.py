import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.errors import NotFound
from storage.files import Files


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "files")


def stored(files: Files) -> list[str]:
    return sorted(path.name for path in files.folder.glob("??/*"))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_what_was_put_comes_back_under_its_hash(files: Files, content: bytes) -> None:
    digest = files.put(content)
    assert digest == hashlib.sha256(content).hexdigest()
    assert files.path(digest).read_bytes() == content


def test_the_same_content_is_stored_once_however_it_comes(files: Files, tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(b"same")
    digests = {files.put(b"same"), files.put(tmp_path / "copy"), *files.put_all([b"same", tmp_path / "copy"])}
    assert stored(files) == list(digests)
    assert len(digests) == 1


def test_a_deleted_file_is_not_found(files: Files) -> None:
    digest = files.put(b"gone")
    files.delete(digest)
    files.delete(digest)
    with pytest.raises(NotFound):
        files.path(digest)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a" * 63, "/" * 64])
def test_only_a_hash_names_a_file(files: Files, name: str) -> None:
    with pytest.raises(NotFound):
        files.path(name)


def test_sweeping_takes_what_nobody_needs_and_leaves_what_is_young(files: Files) -> None:
    needed, orphan, young = files.put(b"needed"), files.put(b"orphan"), files.put(b"young")
    half_written = files.folder / "incoming" / "tmp123"
    half_written.write_bytes(b"half")
    for path in (files.path(needed), files.path(orphan), half_written):
        os.utime(path, (0, 0))
    assert files.sweep(lambda digest: digest == needed, older_than_s=60) == 2
    assert stored(files) == sorted([needed, young])
    assert not half_written.exists()


def test_sweeping_leaves_what_others_keep_in_the_folder(files: Files) -> None:
    """Shared files may be a share on which models lie as well."""
    theirs = [files.folder / "e5" / "config.json", files.folder / "models" / "e5" / "model.safetensors"]
    for path in theirs:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"theirs")
        os.utime(path, (0, 0))
        os.utime(path.parent, (0, 0))
    assert files.sweep(lambda _: False, older_than_s=60) == 0
    assert [path.read_bytes() for path in theirs] == [b"theirs", b"theirs"]


def test_content_put_again_is_young_again(files: Files) -> None:
    digest = files.put(b"back")
    os.utime(files.path(digest), (0, 0))
    files.put(b"back")
    assert files.sweep(lambda _: False, older_than_s=60) == 0
