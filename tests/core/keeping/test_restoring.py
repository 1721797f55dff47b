"""Restoring: what is not a whole, unchanged backup leaves nothing behind and nothing overwritten."""

import hashlib
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from core.errors import BadInput, Conflict, TriptychError
from core.keeping import backup, restoring
from core.keeping.archive import MANIFEST, ROWS
from core.keeping.restoring import restore
from core.workspace import Workspace
from tests.core.keeping.conftest import settings

Members = dict[str, bytes]


@pytest.fixture(scope="module")
def whole(made_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    with Workspace.open(settings(Path(shutil.copytree(made_home, folder / "home"))), owner=False) as ws:
        return backup.write(ws, folder / "all.zip").file


def members(file: Path) -> Members:
    with zipfile.ZipFile(file) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def pack(file: Path, content: Members) -> Path:
    with zipfile.ZipFile(file, "w") as packed:
        for name, data in content.items():
            packed.writestr(name, data)
    return file


def changed(content: Members, change: Callable[[dict[str, object]], None]) -> Members:
    manifest = json.loads(content[MANIFEST])
    change(manifest)
    return content | {MANIFEST: json.dumps(manifest).encode()}


def refused(file: Path, home: Path, match: str) -> None:
    with pytest.raises(BadInput, match=match):
        restore(file, settings(home))
    assert not home.exists()
    assert not (home.parent / "escaped").exists()
    assert list(home.parent.glob(".*restoring*")) == []


def test_a_folder_that_holds_something_is_left_as_it_is(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mine.txt").write_text("mine")
    with pytest.raises(Conflict, match="not empty"):
        restore(whole, settings(tmp_path / "home"))
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_taken(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    assert (restore(whole, settings(tmp_path / "home")).home / "triptych.db").is_file()


@pytest.mark.parametrize(
    "name",
    ["../escaped", "/tmp/escaped", "files/../../escaped", "adapters/1/../../../escaped", "a\\..\\escaped", "x.py"],
)
def test_a_name_that_no_backup_has_is_refused(whole: Path, tmp_path: Path, name: str) -> None:
    content = changed(members(whole), lambda m: m["members"].update({name: {"sha256": "0", "bytes": 1}}))  # type: ignore[attr-defined]
    hostile = pack(tmp_path / "hostile.zip", {name: b"x"} | content)
    refused(hostile, tmp_path / "home", "no backup has|not what its manifest")


def test_a_member_of_other_bytes_is_refused(whole: Path, tmp_path: Path) -> None:
    content = members(whole)
    name = next(name for name in content if name.startswith("files/"))
    refused(
        pack(tmp_path / "a.zip", content | {name: content[name][:-1] + b"?"}),
        tmp_path / "home",
        "sha256 is another one",
    )


def test_a_member_that_the_manifest_does_not_name_or_that_is_missing_is_refused(whole: Path, tmp_path: Path) -> None:
    content = members(whole)
    more = {f"files/00/{'0' * 64}": b"more"} | content
    refused(pack(tmp_path / "more.zip", more), tmp_path / "home", "not what its manifest names")
    name = next(name for name in content if name.startswith("files/"))
    less = {key: data for key, data in content.items() if key != name}
    refused(pack(tmp_path / "less.zip", less), tmp_path / "home", "not what its manifest names")


def with_rows(content: Members, rows: bytes) -> Members:
    """A backup whose manifest agrees with other rows: its maker knows how to count."""
    as_said = {"sha256": hashlib.sha256(rows).hexdigest(), "bytes": len(rows)}
    return changed(content, lambda m: m["members"].update({ROWS: as_said})) | {ROWS: rows}  # type: ignore[attr-defined]


def edited(content: Members, file: Path, *statements: str) -> bytes:
    """The rows after some SQL."""
    file.write_bytes(content[ROWS])
    with closing(sqlite3.connect(file, isolation_level=None)) as rows:
        for statement in statements:
            rows.execute(statement)
    return file.read_bytes()


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (
            ["CREATE TRIGGER evil AFTER INSERT ON audit BEGIN DELETE FROM documents; END"],
            "the trigger 'evil' is no part of it",
        ),
        (
            ["ALTER TABLE gold_questions RENAME TO g", "CREATE VIEW gold_questions AS SELECT * FROM g"],
            "is no part of it",
        ),
        (["DROP TRIGGER audit_no_UPDATE"], "the trigger 'audit_no_UPDATE' is missing"),
        (["DROP TABLE alembic_version"], "no such table"),
        (["UPDATE alembic_version SET version_num = '0003'"], "not of revision"),
        (["UPDATE alembic_version SET version_num = 'zzz'"], "not of revision"),
    ],
)
def test_rows_that_are_laid_out_otherwise_are_refused(
    whole: Path, tmp_path: Path, statements: list[str], said: str
) -> None:
    content = members(whole)
    rows = edited(content, tmp_path / "rows.db", *statements)
    refused(pack(tmp_path / "a.zip", with_rows(content, rows)), tmp_path / "home", said)


def test_an_adapter_whose_folder_leads_out_of_the_workspace_is_refused(whole: Path, tmp_path: Path) -> None:
    """Deleting it would delete what is there."""
    content = members(whole)
    facts = ("recipe", "estimate", "result", "gate", "documents", "files")
    words = ("base_sha256", "prompt_sha256", "examples_sha256", "note", "created_by")
    columns = ", ".join(
        ("corpus_id", "kind", "version", "status", "base_model", "created_at", *facts, *words, "folder")
    )
    values = "1, 'grounded', 1, 'candidate', 'Tiny', '2026-01-01'" + ", '{}'" * len(facts) + ", ''" * len(words)
    for folder in ("../..", "/tmp/mine", "1/../../mine", ".", ".."):
        adapter = f"INSERT INTO adapters ({columns}) VALUES ({values}, '{folder}')"
        rows = edited(content, tmp_path / "rows.db", adapter)
        refused(pack(tmp_path / "a.zip", with_rows(content, rows)), tmp_path / "home", "leads elsewhere")


@pytest.mark.parametrize(
    "name", ["adapters/3/adapter/x.json", "adapters/imported-a1_b/adapter/x.json", "adapters/served-q_9/x"]
)
def test_the_folders_of_every_kind_of_adapter_come_back(whole: Path, tmp_path: Path, name: str) -> None:
    said = {"sha256": hashlib.sha256(b"{}").hexdigest(), "bytes": 2}
    content = changed(members(whole), lambda m: m["members"].update({name: said}))  # type: ignore[attr-defined]
    made = restore(pack(tmp_path / "a.zip", {name: b"{}"} | content), settings(tmp_path / "home"))
    assert (made.home / name).read_bytes() == b"{}"


@pytest.mark.parametrize("rows", [b"", b"SQLite format 3\0", b"not a database at all" * 300])
def test_what_is_no_database_is_not_taken_for_rows(whole: Path, tmp_path: Path, rows: bytes) -> None:
    refused(pack(tmp_path / "a.zip", with_rows(members(whole), rows)), tmp_path / "home", "The rows of this backup are")


def test_what_sqlite_finds_wrong_is_told_in_one_line(whole: Path, tmp_path: Path) -> None:
    content = members(whole)
    forgotten = ["PRAGMA writable_schema = ON", "DELETE FROM sqlite_master", "PRAGMA writable_schema = OFF"]
    rows = edited(content, tmp_path / "rows.db", *forgotten)
    with pytest.raises(BadInput) as told:
        restore(pack(tmp_path / "a.zip", with_rows(content, rows)), settings(tmp_path / "home"))
    assert "\n" not in told.value.message


@pytest.mark.parametrize(
    "wrong",
    [
        {"schema": ["0001"]},
        {"schema": None},
        {"missing": 5},
        {"missing": [5]},
        {"members": []},
        {"triptych": 1},
        {"x": 1},
    ],
)
def test_a_manifest_with_something_else_in_its_places_is_refused(
    whole: Path, tmp_path: Path, wrong: dict[str, object]
) -> None:
    hostile = pack(tmp_path / "a.zip", changed(members(whole), lambda manifest: manifest.update(wrong)))
    refused(hostile, tmp_path / "home", "The manifest of this backup cannot be read")


def test_an_upload_under_anothers_name_and_a_pickle_are_refused(whole: Path, tmp_path: Path) -> None:
    data = b"what somebody else uploaded, they say"
    said = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    for name, why in ((f"files/00/{'0' * 64}", "under another's name"), ("adapters/1/weights.bin", "no backup has")):
        content = changed(members(whole), lambda m, name=name: m["members"].update({name: said}))  # type: ignore[misc]
        refused(pack(tmp_path / "a.zip", {name: data} | content), tmp_path / "home", why)


def test_a_member_larger_than_it_declares_is_cut_off(whole: Path, tmp_path: Path) -> None:
    """The zip's own list says one byte, as the manifest does; the compressed stream holds 50 million."""
    content = members(whole)
    name = f"files/00/{'0' * 64}"
    content = changed(content, lambda m: m["members"].update({name: {"sha256": "0" * 64, "bytes": 1}}))  # type: ignore[attr-defined]
    file = tmp_path / "bomb.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for key, data in ({name: b"\0" * 50_000_000} | content).items():
            packed.writestr(key, data)
        packed.getinfo(name).file_size = 1
    refused(file, tmp_path / "home", name[:8])


def test_every_truncation_is_refused(whole: Path, tmp_path: Path) -> None:
    data = whole.read_bytes()
    for share in (0, 1, 10, 50, 90, 99):
        (tmp_path / "cut.zip").write_bytes(data[: len(data) * share // 100])
        refused(tmp_path / "cut.zip", tmp_path / "home", "cannot be read as a backup")


def test_a_flipped_bit_anywhere_is_refused_or_changes_nothing(whole: Path, tmp_path: Path) -> None:
    data = whole.read_bytes()
    wanted = {name: content for name, content in members(whole).items() if name.startswith("files/")}
    with zipfile.ZipFile(whole) as packed:
        manifest = packed.getinfo(MANIFEST).header_offset
    spread = range(50, manifest, manifest // 40)
    for at in (*spread, *range(manifest, len(data), (len(data) - manifest) // 200)):
        bit = 1 << at % 8
        (tmp_path / "flipped.zip").write_bytes(data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :])
        try:
            home = restore(tmp_path / "flipped.zip", settings(tmp_path / "home")).home
        except BadInput:
            assert not (tmp_path / "home").exists()
            continue
        assert all((home / name).read_bytes() == content for name, content in wanted.items())
        shutil.rmtree(home)


def test_a_backup_of_a_newer_schema_or_format_is_refused(whole: Path, tmp_path: Path) -> None:
    newer = changed(members(whole), lambda m: m.update(schema="9999"))
    refused(pack(tmp_path / "newer.zip", newer), tmp_path / "home", "newer Triptych")
    other = changed(members(whole), lambda m: m.update(format=2))
    refused(pack(tmp_path / "other.zip", other), tmp_path / "home", "format 2")


def test_what_is_no_backup_is_told_so(tmp_path: Path) -> None:
    refused(pack(tmp_path / "a.zip", {"letter.txt": b"Dear all"}), tmp_path / "home", "not a backup")
    (tmp_path / "b.zip").write_bytes(b"no zip")
    refused(tmp_path / "b.zip", tmp_path / "home", "cannot be read")


def test_a_disk_without_room_is_told_before_anything_is_written(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "SPARE", 1 << 60)
    with pytest.raises(TriptychError, match="no room"):
        restore(whole, settings(tmp_path / "home"))
    assert list(tmp_path.iterdir()) == []
