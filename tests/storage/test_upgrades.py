"""Every schema there ever was is brought up to date with its rows, of which a copy is kept."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import alembic.command
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    inspect,
    select,
    text,
)

from storage.database import BEFORE_UPGRADE, Database, known_revisions
from storage.errors import Newer
from storage.postgres import KEPT
from storage.tables import Table as Declared
from tests.postgres_server import Server

ROOT = Path(__file__).resolve().parents[2]
KILLS = 5
ROUNDS = -(-int(os.environ.get("TRIPTYCH_TORTURE", KILLS)) // KILLS)
REVISIONS = sorted(known_revisions())
LOOK_UPS = ("chunk_text", "chunk_terms", "message_text", "message_terms", "chunk_words", "alembic_version", "sqlite_")


def at_revision(url: str, revision: str) -> Database:
    """An empty database with the tables as they were then."""
    return Database.open(url, to=revision)


def nouns(database: Database) -> list[Table]:
    """The tables of rows, those that others refer to first; look-ups are left out."""
    found = MetaData()
    with database.engine.connect() as connection:
        found.reflect(connection, only=lambda name, _: not name.startswith(LOOK_UPS))
    return [table for table in found.sorted_tables if table.name in Declared.metadata.tables]


def value(column: Column[Any]) -> Any:
    """Something of the column's type; whatever refers to a row refers to the first."""
    if column.foreign_keys or isinstance(column.type, Integer):
        return None if column.name in ("replaces_id", "parent_id", "leaf_id") else 1
    kinds: tuple[tuple[Any, Any], ...] = (
        (JSON, {"kept": "ü"}),
        (Boolean, False),
        (DateTime, datetime(2026, 1, 2, tzinfo=UTC)),
        (LargeBinary, b"\x00\x01"),
        (String, "kept ü"),
    )
    return next((made for kind, made in kinds if isinstance(column.type, kind)), 0.5)


def fill(database: Database) -> dict[str, dict[str, Any]]:
    """One row in every table; returns what is there, by table and column."""
    tables = nouns(database)
    with database.engine.begin() as connection:
        for table in tables:
            connection.execute(table.insert().values({column.name: value(column) for column in table.columns}))
    return rows(database, tables)


def rows(database: Database, tables: list[Table]) -> dict[str, dict[str, Any]]:
    with database.engine.connect() as connection:
        return {table.name: dict(connection.execute(select(table)).mappings().one()) for table in tables}


@pytest.fixture(params=REVISIONS)
def old(request: pytest.FixtureRequest, empty_url: str) -> tuple[str, str, dict[str, dict[str, Any]]]:
    """The URL of a database of each past revision, that revision, and the rows in it."""
    database = at_revision(empty_url, request.param)
    content = fill(database)
    database.close()
    return empty_url, request.param, content


def test_every_past_schema_is_brought_up_to_date_with_its_rows(
    old: tuple[str, str, dict[str, dict[str, Any]]],
) -> None:
    url, _, before = old
    assert {"corpora", "documents", "chunks", "messages"} <= set(before)
    database = Database.open(url)
    after = rows(database, [table for table in nouns(database) if table.name in before])
    for name, row in before.items():
        changed = {key: (was, after[name].get(key)) for key, was in row.items() if after[name].get(key) != was}
        # 0007 made one path of each conversation's messages: its end and its beginning are known since.
        assert set(changed) <= {"leaf_id", "parent_id"}, (name, changed)
    with database.engine.connect() as connection:
        assert unlike_declared(connection) == []
    database.close()


@pytest.mark.parametrize("revision", [REVISIONS[0], REVISIONS[-2]])
def test_an_sqlite_file_is_copied_before_its_tables_change(sqlite_url: str, revision: str) -> None:
    database = at_revision(sqlite_url, revision)
    before = fill(database)
    database.close()
    Database.open(sqlite_url).close()
    folder = Path(sqlite_url.removeprefix("sqlite:///")).parent / BEFORE_UPGRADE
    assert [file.name for file in folder.iterdir()] == [f"{revision}.db"]
    with closing(sqlite3.connect(folder / f"{revision}.db")) as copy:
        assert copy.execute("SELECT version_num FROM alembic_version").fetchone() == (revision,)
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        for table in before:
            assert copy.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,)


@pytest.mark.parametrize("revision", [REVISIONS[0], REVISIONS[-2]])
def test_the_tables_on_a_server_are_copied_before_they_change_and_go_with_the_first_deletion(
    postgres: Server, revision: str
) -> None:
    url = postgres.create(empty=True)
    database = at_revision(url, revision)
    before = fill(database)
    database.close()
    database = Database.open(url)
    with database.read() as session:
        for name, row in before.items():
            kept = session.execute(text(f"SELECT * FROM before_upgrade_{revision}_{name}")).mappings().one()
            assert dict(kept) == row
    database.forget_deleted()
    assert [name for name in inspect(database.engine).get_table_names() if name.startswith("before")] == []
    assert rows(database, [table for table in nouns(database) if table.name in before]).keys() == before.keys()
    database.close()
    postgres.drop(url)


@pytest.fixture
def copies(request: pytest.FixtureRequest, empty_url: str, tmp_path: Path) -> Iterator[Callable[[int], list[str]]]:
    """Makes so many databases of what the empty one holds by then; returns their URLs."""
    if empty_url.startswith("sqlite"):

        def copied(number: int) -> str:
            file = tmp_path / "killed" / str(number) / "triptych.db"
            file.parent.mkdir(parents=True)
            shutil.copyfile(empty_url.removeprefix("sqlite:///"), file)
            return f"sqlite:///{file}"

        yield lambda number: [copied(each) for each in range(number)]
        return
    server: Server = request.getfixturevalue("postgres")
    made: list[str] = []

    def created(number: int) -> list[str]:
        made.extend(server.create(like=empty_url) for _ in range(number))
        return made

    yield created
    for url in made:
        server.drop(url)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_an_upgrade_that_is_killed_at_any_moment_is_done_whole_by_the_next_start(
    empty_url: str, copies: Callable[[int], list[str]], seed: int
) -> None:
    database = at_revision(empty_url, REVISIONS[0])
    before = fill(database)
    database.compact_log()
    database.close()
    command = [sys.executable, "-m", "tests.storage.killed_upgrade", str(seed), *copies(2 + KILLS)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == KILLS
    assert any(each["cut"] for each in told)
    for each in told:
        upgraded = Database.open(each["url"])
        assert kept_before(upgraded) == before
        upgraded.forget_deleted()
        assert kept_before(upgraded) == {}
        assert_whole(upgraded, before)
        upgraded.close()


def assert_whole(database: Database, before: dict[str, dict[str, Any]]) -> None:
    """The newest tables, and every row from before, once."""
    after = rows(database, [table for table in nouns(database) if table.name in before])
    for name, row in before.items():
        changed = {key for key, was in row.items() if after[name].get(key) != was}
        assert changed <= {"leaf_id", "parent_id"}, (database.url, name, changed)
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == REVISIONS[-1]
        assert unlike_declared(connection) == []
        if database.dialect == "sqlite":
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def unlike_declared(connection: Connection) -> list[Any]:
    """What differs between the tables and `storage/tables.py`."""
    options = {"include_name": lambda name, kind, _: kind != "table" or name in Declared.metadata.tables}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), Declared.metadata))


def kept_before(database: Database) -> dict[str, dict[str, Any]]:
    """The rows of every copy there is from before an upgrade, by table; look-ups are left out."""
    if database.dialect == "sqlite":
        folder = database.file.parent / BEFORE_UPGRADE
        files = [file for file in folder.glob("*") if not file.name.startswith(".")] if folder.is_dir() else []
        if not files:
            return {}
        (file,) = files
        copy = Database(f"sqlite:///{file}")
        found = rows(copy, nouns(copy))
        copy.close()
        return found
    prefix = f"{KEPT}{REVISIONS[0]}_"
    names = [name for name in inspect(database.engine).get_table_names() if name.startswith(KEPT)]
    assert all(name.startswith(prefix) for name in names), names
    kept = [name for name in names if not name.removeprefix(prefix).startswith(LOOK_UPS)]
    with database.read() as session:
        tables = {name: session.execute(text(f'SELECT * FROM "{name}"')).mappings().one() for name in kept}
    return {name.removeprefix(prefix): dict(row) for name, row in tables.items()}


def test_nothing_is_copied_when_nothing_changes(sqlite_url: str) -> None:
    for _ in range(2):
        Database.open(sqlite_url).close()
    assert not (Path(sqlite_url.removeprefix("sqlite:///")).parent / BEFORE_UPGRADE).exists()


def test_no_migration_is_read_where_none_is_needed(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Database.open(empty_url).close()
    monkeypatch.delattr(alembic.command, "upgrade")
    Database.open(empty_url).close()


def test_the_first_deletion_takes_the_copies_along(sqlite_url: str) -> None:
    at_revision(sqlite_url, REVISIONS[0]).close()
    database = Database.open(sqlite_url)
    assert (database.file.parent / BEFORE_UPGRADE).is_dir()
    database.forget_deleted()
    assert not (database.file.parent / BEFORE_UPGRADE).exists()
    database.close()


def test_a_database_of_a_newer_version_is_left_alone(empty_url: str) -> None:
    Database.open(empty_url).close()
    beyond = Database(empty_url)
    with beyond.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    beyond.close()
    with pytest.raises(Newer, match="schema 9999"):
        Database.open(empty_url)
