"""The people in the audit log, and how one is taken out of it: the only change that is ever made to an entry.

A person is known here by their name on the operating system, and by nothing else: there are no accounts. Forgetting
one puts `FORGOTTEN` in that name's place and chains the entries from there anew. What was done, when and to what stays,
and a new entry says that it happened, from which entry on, and what the newest hash was before: whoever keeps hashes
elsewhere can tell this from a forgery. A log that is not whole is left alone, or forgetting would hide what was done.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from storage.audit import called, chain, digest, note, user, verified
from storage.database import Database
from storage.errors import Busy, NotFound
from storage.rows import AuditRow, copied
from storage.seal import NEWEST, read_seal
from storage.tables import AuditEntry

FORGOTTEN = "a forgotten person"
ACTION = "person forgotten"


def people(database: Database) -> dict[str, int]:
    """By name, how many entries of the audit log are theirs; who was forgotten is not among them."""
    query = select(AuditEntry.actor, func.count(AuditEntry.number)).group_by(AuditEntry.actor)
    with database.read() as session:
        rows = session.execute(query.where(AuditEntry.actor != FORGOTTEN).order_by(AuditEntry.actor))
        return {row[0]: row[1] for row in rows}


def forget(database: Database, name: str) -> int:
    """Put `FORGOTTEN` in the place of a person's name, in one transaction; returns in how many entries it stood.

    Where it is the person themselves who does it, the entry about it is a forgotten person's as well. What they do
    later is told with their name again.

    Raises:
        NotFound: no entry is theirs. Busy: the log is not whole, `args[0]` says why; nothing was changed.
    """
    with database.write() as session:
        theirs = select(AuditEntry.number).where(AuditEntry.actor == name).order_by(AuditEntry.number)
        numbers = session.scalars(theirs).all() if name != FORGOTTEN else []
        if not numbers:
            raise NotFound(f"nobody called {name} is in the audit log")
        found = verified(chain(session), read_seal(database.seal) if database.seal else None)
        if not found.whole:
            raise Busy(found.why)
        before = session.scalars(select(AuditEntry.sha256).order_by(AuditEntry.number.desc()).limit(1)).one()
        with _changeable(session):
            session.info[NEWEST] = _chained_anew(session, numbers[0], name)
        with called(FORGOTTEN if name == user() else user()):
            note(session, ACTION, "workspace", entries=len(numbers), first=numbers[0], newest_before=before)
        if database.seal:  # it names a hash that is about to be no more: none for a moment is better than a wrong one
            database.seal.unlink(missing_ok=True)
    database.forget_deleted()
    return len(numbers)


def _chained_anew(session: Session, first: int, name: str) -> tuple[int, str]:
    """Write the entries from `first` on without the name; the newest one's number and hash."""
    number, before = first, session.get_one(AuditEntry, first).previous
    for row in chain(session, first - 1):
        changed = copied(AuditRow, row, actor=FORGOTTEN if row.actor == name else row.actor, previous=before)
        number, before = row.number, digest(changed)
        values = {"actor": changed.actor, "previous": changed.previous, "sha256": before}
        session.execute(update(AuditEntry).where(AuditEntry.number == number).values(values))
    return number, before


@contextmanager
def _changeable(session: Session) -> Iterator[None]:
    """The log's triggers are off inside this transaction; an error takes back that too."""
    if session.get_bind().dialect.name != "sqlite":
        session.execute(text("ALTER TABLE audit DISABLE TRIGGER audit_no_change"))
        yield
        session.execute(text("ALTER TABLE audit ENABLE TRIGGER audit_no_change"))
        return
    known = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'")
    triggers = session.execute(known).all()
    for trigger in triggers:
        session.execute(text(f'DROP TRIGGER "{trigger.name}"'))
    yield
    for trigger in triggers:
        session.execute(text(trigger.sql))
