"""The audit log: only ever added to, chained, and whatever is done to it behind its back is noticed and named."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from storage.adapters import Adapters
from storage.audit import Audit, acting
from storage.corpora import Corpora
from storage.database import Database
from storage.errors import Exists
from storage.jobs import Jobs
from storage.seal import read_seal

ENTRIES = 6
MOVED_UP = [f"UPDATE audit SET number = {n - 1} WHERE number = {n}" for n in (4, 5, 6)]


@pytest.fixture
def log(database: Database) -> Audit:
    """Six entries."""
    for number in range(ENTRIES):
        Corpora(database).create(f"corpus {number}", "legal")
    return Audit(database)


def tamper(database: Database, *statements: str) -> None:
    """As somebody who may do anything to the database: the triggers are taken away first."""
    sqlite = database.dialect == "sqlite"
    triggers = ("audit_no_UPDATE", "audit_no_DELETE") if sqlite else ("audit_no_change ON audit",)
    with database.write() as session:
        for name in triggers:
            session.execute(text(f"DROP TRIGGER {name}"))
        for statement in statements:
            session.execute(text(statement))


def test_acts_are_told_with_who_what_when_and_which_and_without_names(log: Audit, database: Database) -> None:
    corpus = Corpora(database).by_name("corpus 5")
    assert corpus is not None
    newest = log.newest(1)[0]
    assert (newest.number, newest.action, newest.subject) == (ENTRIES, "created", "corpus")
    assert newest.subject_id == newest.corpus_id == corpus.id
    assert newest.actor
    assert newest.through == "command line"
    assert "corpus 5" not in str(newest)
    assert log.verify().whole
    assert log.verify().entries == ENTRIES


def test_an_act_that_fails_leaves_no_entry_and_an_entry_is_never_without_its_act(
    log: Audit, database: Database
) -> None:
    with pytest.raises(Exists):
        Corpora(database).create("corpus 1", "legal")
    assert log.count() == ENTRIES
    with pytest.raises(RuntimeError), database.write() as session:  # noqa: PT012
        session.execute(text("UPDATE corpora SET name = 'other' WHERE id = 1"))
        raise RuntimeError
    assert log.count() == ENTRIES
    assert log.verify().whole


def test_several_acts_of_one_transaction_are_chained_and_jobs_are_told_apart(log: Audit, database: Database) -> None:
    with acting("job"):
        job = Jobs(database).enqueue("finetune", 1)
    adapter = Adapters(database).begin(1, "grounded", job.id, "embedded")
    Adapters(database).promote(adapter.id, "gate")
    Adapters(database).delete(adapter.id)
    told = [(row.subject, row.action, row.through) for row in reversed(log.newest(3))]
    assert told == [
        ("adapter", "training started", "job"),
        ("adapter", "promoted", "command line"),
        ("adapter", "deleted", "command line"),
    ]
    assert log.verify().entries == ENTRIES + 3


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'another'", "DELETE FROM audit"])
def test_the_database_refuses_to_change_or_delete_an_entry(log: Audit, database: Database, statement: str) -> None:
    with pytest.raises(DBAPIError, match="only ever added"), database.write() as session:
        session.execute(text(statement))
    assert log.verify().whole


@pytest.mark.parametrize(
    ("damage", "first", "why"),
    [
        (["UPDATE audit SET actor = 'another' WHERE number = 3"], 3, "changed"),
        (["UPDATE audit SET detail = '{\"sample\": true}' WHERE number = 2"], 2, "changed"),
        (["UPDATE audit SET at = '2020-01-01 00:00:00.000000' WHERE number = 4"], 4, "changed"),
        (["DELETE FROM audit WHERE number = 3"], 3, "missing"),
        (["DELETE FROM audit WHERE number = 1"], 1, "missing"),
        (
            [
                "UPDATE audit SET number = 99 WHERE number = 3",
                "UPDATE audit SET number = 3 WHERE number = 4",
                "UPDATE audit SET number = 4 WHERE number = 99",
            ],
            3,
            "changed",
        ),
        (["DELETE FROM audit WHERE number = 3", *MOVED_UP], 3, "changed"),
        (["DELETE FROM audit WHERE number > 4"], 5, "cut off"),
        (["DELETE FROM audit"], 1, "cut off"),
    ],
)  # fmt: skip
def test_what_is_done_to_it_is_noticed_and_the_first_broken_entry_named(
    log: Audit, database: Database, damage: list[str], first: int, why: str
) -> None:
    tamper(database, *damage)
    found = log.verify()
    assert not found.whole
    assert found.broken == first
    assert why in found.why


def test_a_chain_that_was_forged_anew_does_not_fit_the_seal(log: Audit, database: Database) -> None:
    before = read_seal(database.seal) if database.seal else None
    assert before is not None
    assert before[0] == ENTRIES
    tamper(database, "DELETE FROM audit")
    database.seal, kept = None, database.seal
    for number in range(ENTRIES):
        Corpora(database).create(f"forged {number}", "legal")
    database.seal = kept
    assert log.verify().broken == ENTRIES
    assert "not the one that was sealed" in log.verify().why


def test_a_seal_that_lags_behind_is_no_damage_and_one_that_cannot_be_read_is(log: Audit, database: Database) -> None:
    assert database.seal is not None
    old = database.seal.read_bytes()
    Corpora(database).create("one more", "legal")
    database.seal.write_bytes(old)
    assert log.verify().whole
    database.seal.write_text("{}")
    assert not log.verify().whole
    database.seal.unlink()
    assert log.verify().whole, "a workspace that was just restored has none"


def test_entries_are_listed_in_pages_and_since_a_moment(log: Audit) -> None:
    assert [row.number for row in log.newest(2, 2)] == [4, 3]
    third = log.newest(1, 3)[0]
    assert [row.number for row in log.newest(9, since=third.at)][-1] <= third.number
    assert log.newest(9, since=log.newest(1)[0].at + timedelta(seconds=1)) == []
