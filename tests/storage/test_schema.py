"""A file whose tables are not those that this version makes is known, and one that is, however old, is not accused."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage.database import Database, known_revisions
from storage.lexical import Lexical
from storage.schema import strange

REVISIONS = sorted(known_revisions())


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_file_of_each_revision_is_as_it_should_be(tmp_path: Path, revision: str) -> None:
    Database.open(f"sqlite:///{tmp_path / 'a.db'}", to=revision).close()
    assert strange(tmp_path / "a.db", revision) == []


def test_a_file_that_grew_with_every_version_is_as_it_should_be(tmp_path: Path) -> None:
    for revision in REVISIONS:
        Database.open(f"sqlite:///{tmp_path / 'a.db'}", to=revision).close()
    database = Database.open(f"sqlite:///{tmp_path / 'a.db'}")
    Lexical(database).rebuild()
    database.forget_deleted()
    database.close()
    with closing(sqlite3.connect(tmp_path / "a.db")) as rows:
        rows.execute("ANALYZE")
        rows.execute("VACUUM")
    assert strange(tmp_path / "a.db", REVISIONS[-1]) == []


def changed(tmp_path: Path, *statements: str) -> Path:
    """A file of the newest revision after some SQL."""
    Database.open(f"sqlite:///{tmp_path / 'a.db'}").close()
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as rows:
        for statement in statements:
            rows.execute(statement)
    return tmp_path / "a.db"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "CREATE TRIGGER t AFTER INSERT ON corpora BEGIN DELETE FROM corpora; END",
            ["the trigger 't' is no part of it"],
        ),
        ("CREATE VIEW v AS SELECT 1", ["the view 'v' is no part of it"]),
        ("CREATE TABLE more (a)", ["the table 'more' is no part of it"]),
        ("CREATE INDEX i ON corpora (abs(id))", ["the index 'i' is no part of it"]),
        ("ALTER TABLE corpora ADD COLUMN more TEXT", ["the table 'corpora' is another one"]),
        ("ALTER TABLE corpora ADD COLUMN more TEXT AS (hex(name))", ["the table 'corpora' is another one"]),
        ("DROP TABLE message_text", ["the table 'message_text' is missing"]),
        ("DELETE FROM alembic_version", [f"its tables are not of revision {REVISIONS[-1]}"]),
        ("INSERT INTO alembic_version VALUES ('0001')", [f"its tables are not of revision {REVISIONS[-1]}"]),
    ],
)
def test_what_was_added_taken_away_or_changed_is_named(tmp_path: Path, statement: str, said: list[str]) -> None:
    found = strange(changed(tmp_path, statement), REVISIONS[-1])
    assert [line for line in said if line not in found] == []


def test_a_trigger_of_ours_with_another_body_is_another_one(tmp_path: Path) -> None:
    other = "CREATE TRIGGER audit_no_DELETE BEFORE DELETE ON audit BEGIN SELECT 1; END"
    file = changed(tmp_path, "DROP TRIGGER audit_no_DELETE", other)
    assert strange(file, REVISIONS[-1]) == ["the trigger 'audit_no_DELETE' is another one"]


def test_a_look_up_that_is_an_ordinary_table_is_another_one(tmp_path: Path) -> None:
    other = "CREATE TABLE chunk_terms (term)"
    file = changed(tmp_path, "DROP TABLE chunk_terms", other)
    assert strange(file, REVISIONS[-1]) == ["the table 'chunk_terms' is another one"]
