"""The audit log: who did what, when, and to which document, corpus or adapter; never a word of what they hold.

Entries are numbered without a gap and chained: each holds the sha256 of its own fields and of the entry before. An
entry is written in the transaction of the act itself, so neither is without the other. Rows cannot be changed or
deleted through the database (triggers; `storage.people` alone forgets a person, and says so); who changes the file all
the same breaks the chain, and `verify` names the first entry that does not fit. The newest number and hash also stand
in a small file (the seal), so that entries cut off at the end are noticed. Who can write all of it can forge all of it:
keep the newest hash elsewhere.

Told is what people do and what comes of it: made, changed, judged, deleted, taken out, steered. Not told, because an
entry of each would bury the others, are questions and answers (a conversation keeps them with their time; that it was
begun, exported and deleted is told), how something is looked at (pinned, a branch shown, a conversation's mode), the
steps of a job (its beginning is told, what people do to it, and the documents that come and go by it), and what is
made anew from rows. `tests/storage/test_told.py` holds the list, with a reason for each.

Of names only the sha256 is kept: a name would outlive its document, and deleting is to leave nothing. Whoever lists the
log looks the name up by the id while the thing exists.
"""

import getpass
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.database import Database
from storage.rows import AuditRow, copied
from storage.seal import NEWEST, read_seal
from storage.tables import AuditEntry, now

FIRST = "0" * 64
"""Stands for the hash before the first entry."""
AT_ONCE = 1_000
_through: ContextVar[str] = ContextVar("through", default="")
_actor: ContextVar[str] = ContextVar("actor", default="")
_usual = "command line"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of reading the whole chain: how many entries fit, and the first that does not (None: all do)."""

    entries: int
    broken: int | None = None
    why: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing was changed."""
        return not self.why


class Audit:
    """Reads the log of a database, and adds entries for acts that change no row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self, limit: int, offset: int = 0, since: datetime | None = None) -> list[AuditRow]:
        """Entries, the newest first."""
        query = select(AuditEntry).order_by(AuditEntry.number.desc()).offset(offset).limit(limit)
        query = query.where(AuditEntry.at >= since) if since else query
        with self._database.read() as session:
            return [copied(AuditRow, row) for row in session.scalars(query)]

    def count(self) -> int:
        """How many entries there are."""
        with self._database.read() as session:
            return session.scalar(select(func.count(AuditEntry.number))) or 0

    def record(self, action: str, subject: str, subject_id: int | None = None, **more: Any) -> None:
        """Add an entry in a transaction of its own; arguments as in `note`."""
        with self._database.write() as session:
            note(session, action, subject, subject_id, **more)

    def verify(self) -> Verdict:
        """Read the whole chain and hold it against the seal; names the first entry that does not fit."""
        with self._database.read() as session:
            return verified(chain(session), read_seal(self._database.seal) if self._database.seal else None)


def usually(through: str) -> None:
    """What acts of this process come through from now on: "dashboard" or "command line"."""
    global _usual
    _usual = through


def acting(through: str) -> AbstractContextManager[None]:
    """Acts inside come through something else, such as a job."""
    return _holding(_through, through)


def called(actor: str) -> AbstractContextManager[None]:
    """Acts inside are told under another name than that of the user of this process."""
    return _holding(_actor, actor)


@contextmanager
def _holding(variable: ContextVar[str], value: str) -> Iterator[None]:
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


def note(
    session: Session,
    action: str,
    subject: str,
    subject_id: int | None = None,
    *,
    name: str = "",
    corpus_id: int | None = None,
    **detail: int | bool | str | None,
) -> None:
    """Add an entry inside the transaction of the act.

    Args:
        subject: what was acted on: corpus, document, chunk, conversation, answer, comparison, votes, examples, gold
            questions, adapter, evaluation, consideration, index, job, base model, domain, settings, source, workspace.
        name: what it is called now; only its sha256 is kept.
        detail: numbers and words of ours (a mode, a kind); nothing that a person or a document said.
    """
    last = session.info.get(NEWEST) or _last(session)
    entry = AuditEntry(
        number=(last[0] if last else 0) + 1,
        at=now(),
        actor=_actor.get() or user(),
        through=_through.get() or _usual,
        action=action,
        subject=subject,
        subject_id=subject_id,
        corpus_id=corpus_id,
        name_sha256=hashlib.sha256(name.encode()).hexdigest() if name else "",
        detail=dict(detail),
        previous=last[1] if last else FIRST,
    )
    entry.sha256 = digest(copied(AuditRow, entry, sha256=""))
    session.add(entry)
    session.info[NEWEST] = entry.number, entry.sha256


def digest(row: AuditRow) -> str:
    """The hash of an entry: over that of the entry before and its own fields as canonical JSON."""
    fields = {name: getattr(row, name) for name in AuditRow.__slots__ if name not in ("sha256", "at")}
    fields["at"] = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def verified(chain: Iterable[AuditRow], sealed: tuple[int, str] | None) -> Verdict:
    """Hold entries against each other, and against the seal where there is one."""
    number, before, at_seal = 0, FIRST, ""
    for row in chain:
        number += 1
        if row.number != number:
            return Verdict(number - 1, number, f"entry {number} is missing")
        if row.sha256 != digest(row):
            return Verdict(number - 1, number, f"entry {number} was changed")
        if row.previous != before:
            return Verdict(number - 1, number, f"entry {number} does not follow on the one before it")
        before = row.sha256
        at_seal = before if sealed and number == sealed[0] else at_seal
    if sealed and sealed[0] > number:
        return Verdict(number, number + 1, f"entries {number + 1} to {sealed[0]} were cut off")
    if sealed and sealed[1] != at_seal:
        return Verdict(number, sealed[0], f"entry {sealed[0]} is not the one that was sealed")
    return Verdict(number)


def _last(session: Session) -> tuple[int, str] | None:
    row = session.execute(
        select(AuditEntry.number, AuditEntry.sha256).order_by(AuditEntry.number.desc()).limit(1)
    ).first()
    return (row[0], row[1]) if row else None


def chain(session: Session, after: int = 0) -> Iterator[AuditRow]:
    """The entries behind a number, in their order, some at a time."""
    while True:
        query = select(AuditEntry).where(AuditEntry.number > after).order_by(AuditEntry.number).limit(AT_ONCE)
        rows = [copied(AuditRow, row) for row in session.scalars(query)]
        if not rows:
            return
        yield from rows
        after = rows[-1].number
        session.expire_all()


@cache
def user() -> str:
    """The person's name on this machine, as the operating system has it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"user {os.getuid()}"
