"""Shared files through fsspec: one machine puts, another gets, and nothing half-written is ever seen."""

import hashlib
import uuid
from pathlib import Path

import fsspec
import pytest

from storage.errors import NotFound, Unreachable
from storage.files import Files
from storage.shared_files import SharedFiles, files


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"file://{tmp_path / 'shared'}" if request.param == "file" else f"memory://{uuid.uuid4().hex}"


@pytest.fixture
def here(tmp_path: Path, url: str) -> Files:
    return files(tmp_path / "here", url)


@pytest.fixture
def there(tmp_path: Path, url: str) -> Files:
    return files(tmp_path / "there", url)


def stored(url: str) -> list[str]:
    shared, root = fsspec.core.url_to_fs(url)
    return sorted(place.rsplit("/", 1)[-1] for place in shared.find(root))


def test_what_one_machine_puts_another_gets(here: Files, there: Files, tmp_path: Path, url: str) -> None:
    (tmp_path / "lease.txt").write_bytes(b"lease")
    digests = [here.put(b"notice"), *here.put_all([tmp_path / "lease.txt", b"lease", b"notice"])]
    assert [there.path(digest).read_bytes() for digest in digests] == [b"notice", b"lease", b"lease", b"notice"]
    assert there.exists(digests[0])
    assert stored(url) == sorted(set(digests))


def test_what_was_deleted_is_gone(here: Files, there: Files, url: str) -> None:
    digest = here.put(b"gone")
    here.delete(digest)
    here.delete(digest)
    assert stored(url) == []
    assert not there.exists(digest)
    with pytest.raises(NotFound):
        there.path(digest)


def test_content_that_is_not_what_its_name_says_is_not_taken(there: Files, url: str) -> None:
    shared, root = fsspec.core.url_to_fs(url)
    name = hashlib.sha256(b"whole").hexdigest()
    shared.makedirs(f"{root}/{name[:2]}", exist_ok=True)
    shared.pipe_file(f"{root}/{name[:2]}/{name}", b"who")
    with pytest.raises(NotFound, match="other content"):
        there.path(name)
    assert list((there.folder / "incoming").iterdir()) == []


def test_sweeping_takes_what_nobody_needs_and_leaves_what_is_young(here: Files, url: str) -> None:
    needed, orphan = here.put(b"needed"), here.put(b"orphan")
    assert here.sweep(lambda digest: digest == needed, older_than_s=60) == 0
    assert here.sweep(lambda digest: digest == needed, older_than_s=-60) == 2  # the file there and the copy here
    assert stored(url) == [needed]
    assert orphan not in {path.name for path in here.folder.rglob("*")}


def test_no_url_is_the_folder_a_path_is_another_and_a_kind_nobody_knows_is_named(tmp_path: Path) -> None:
    assert type(files(tmp_path / "own", "")) is Files
    assert files(tmp_path / "own", str(tmp_path / "mounted")).folder == tmp_path / "mounted"
    assert isinstance(files(tmp_path / "own", "memory://x"), SharedFiles)
    with pytest.raises(Unreachable, match="nonsense"):
        files(tmp_path / "own", "nonsense://bucket")
