"""A person can be forgotten: their name goes from the audit log, which stays whole and says what was done to it."""

import re
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from storage import audit, people
from storage.audit import Audit
from storage.corpora import Corpora
from storage.database import Database
from storage.errors import Busy, NotFound
from storage.seal import read_seal
from storage.tables import AuditEntry

NAME = "zqjane"
TURNS = (NAME, "omar", NAME, "omar", "omar")


@pytest.fixture
def log(database: Database, monkeypatch: pytest.MonkeyPatch) -> Audit:
    """Five entries by two people in turns; it is Omar's process now."""
    for number, name in enumerate(TURNS):
        monkeypatch.setattr(audit, "user", lambda name=name: name)
        Corpora(database).create(f"corpus {number}", "legal")
    monkeypatch.setattr(people, "user", lambda: "omar")
    return Audit(database)


def test_a_forgotten_name_is_in_no_entry_and_the_log_is_whole_and_says_so(log: Audit, database: Database) -> None:
    before = log.newest(1)[0].sha256
    assert people.people(database) == {NAME: 2, "omar": 3}
    assert people.forget(database, NAME) == 2
    assert people.people(database) == {"omar": 4}
    found = log.verify()
    assert (found.whole, found.entries) == (True, len(TURNS) + 1)
    told = log.newest(1)[0]
    assert (told.action, told.actor) == (people.ACTION, "omar")
    assert told.detail == {"entries": 2, "first": 1, "newest_before": before}
    assert read_seal(database.seal or Path()) == (told.number, told.sha256)
    actors = [row.actor for row in reversed(log.newest(10))]
    assert actors == [people.FORGOTTEN, "omar", people.FORGOTTEN, "omar", "omar", "omar"]


def test_what_was_done_before_and_to_what_is_as_it_was(log: Audit, database: Database) -> None:
    kept = ("number", "at", "through", "action", "subject", "subject_id", "corpus_id", "name_sha256", "detail")
    before = [[getattr(row, name) for name in kept] for row in log.newest(10)]
    people.forget(database, NAME)
    assert [[getattr(row, name) for name in kept] for row in log.newest(10)[1:]] == before


def test_the_database_refuses_changes_again_afterwards(log: Audit, database: Database) -> None:
    people.forget(database, NAME)
    for statement in ("UPDATE audit SET actor = 'another'", "DELETE FROM audit"):
        with pytest.raises(DBAPIError, match="only ever added"), database.write() as session:
            session.execute(text(statement))
    assert log.verify().whole


def test_who_forgets_themselves_is_not_named_by_that(
    log: Audit, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "user", lambda: NAME)
    monkeypatch.setattr(audit, "user", lambda: NAME)
    people.forget(database, NAME)
    assert log.newest(1)[0].actor == people.FORGOTTEN
    assert NAME not in str(log.newest(10))


def test_nobody_of_that_name_is_said_and_changes_nothing(log: Audit, database: Database) -> None:
    for name in ("somebody", people.FORGOTTEN, ""):
        with pytest.raises(NotFound):
            people.forget(database, name)
    assert log.count() == len(TURNS)


def test_a_log_that_was_tampered_with_is_left_as_it_is(log: Audit, database: Database) -> None:
    """Chaining it anew would make the forgery whole."""
    with database.write() as session, people._changeable(session):
        session.execute(text("UPDATE audit SET action = 'deleted' WHERE number = 2"))
    with pytest.raises(Busy, match="entry 2 was changed"):
        people.forget(database, NAME)
    assert people.people(database)[NAME] == 2
    assert not log.verify().whole


def test_a_failure_on_the_way_changes_nothing(log: Audit, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(people, "note", fails)
    with pytest.raises(OSError, match="No space"):
        people.forget(database, NAME)
    assert people.people(database)[NAME] == 2
    assert log.verify().whole
    with pytest.raises(DBAPIError, match="only ever added"), database.write() as session:
        session.execute(text("DELETE FROM audit"))


def test_the_name_is_in_no_byte_of_an_sqlite_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Database.open(f"sqlite:///{tmp_path / 'rows.db'}")
    monkeypatch.setattr(audit, "user", lambda: NAME)
    for number in range(300):
        Corpora(opened).create(f"corpus {number}", "legal")
    monkeypatch.setattr(people, "user", lambda: "omar")
    monkeypatch.setattr(audit, "user", lambda: "omar")
    people.forget(opened, NAME)
    holding = [path.name for path in tmp_path.iterdir() if re.search(NAME.encode(), path.read_bytes())]
    assert holding == []
    with opened.read() as session:
        assert session.scalars(select(AuditEntry.actor).distinct()).all() == [people.FORGOTTEN, "omar"]
    opened.close()
