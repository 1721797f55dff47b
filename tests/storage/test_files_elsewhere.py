"""Shared files through fsspec: one machine puts, another gets, and nothing half-written is ever seen."""

import hashlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from storage.errors import NotFound, Unreachable
from storage.files import Files
from storage.shared_files import SharedFiles, files


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3 server on this machine."""
    server = pytest.importorskip("moto.server", reason="S3 is not tested: moto's server is missing (the extra `dev`)")
    started = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    started.start()
    host, port = started.get_host_and_port()
    yield f"http://{host}:{port}"
    started.stop()


def bucket(address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket of its own, reached as people reach theirs: by the variables that all programs for S3 read."""
    variables = {"AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests",
                 "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    name = uuid.uuid4().hex
    fsspec.filesystem("s3").mkdir(name)
    return f"s3://{name}/uploads"


@pytest.fixture(params=["file", "memory", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "s3":
        return bucket(request.getfixturevalue("s3"), monkeypatch)
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


def test_what_another_machine_deleted_or_put_is_seen_at_once(here: Files, there: Files) -> None:
    digest = here.put(b"seen")
    assert there.exists(digest)
    here.delete(digest)
    assert not there.exists(digest)
    here.put(b"seen")
    assert there.exists(digest)
    assert there.path(digest).read_bytes() == b"seen"


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


def test_a_store_that_does_not_answer_is_named(tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket(s3, monkeypatch)
    absent = files(tmp_path / "here", f"s3://{uuid.uuid4().hex}/uploads")
    with pytest.raises(Unreachable, match=r"the shared files at s3://.* do not answer"):
        absent.put(b"lost")
