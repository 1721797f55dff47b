"""What SQLite's full-text tables need when they are damaged: it is noticed, harms no row, and is cleared away.

FTS5 keeps an index in five ordinary tables of its own (data, idx, content, docsize, config). SQLite's check of a file
(`PRAGMA integrity_check`) does not ask whether what stands in them fits together, and a table where it does not may be
neither read, nor written, nor dropped. Everything in it comes from rows elsewhere, so nothing is lost with it.
Knows nothing of what a table is for.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from storage.database import DAMAGED
from storage.errors import Damaged

PARTS = ("data", "idx", "content", "docsize", "config")
PASSING = ("BUSY", "LOCKED", "NOMEM", "READONLY", "INTERRUPT", "IOERR", "FULL", "CANTOPEN", "PROTOCOL")
"""What SQLite reports when it is the disk, the memory or another writer, and not what stands in a table."""
HELD = "SELECT count(*), min(id), max(id) FROM {table}_docsize"
STORED = "SELECT min(id), max(id) FROM {table}_content"
KNOWN = "SELECT count(*) FROM {table}_config WHERE k = 'version' AND v IN (4, 5)"
HEADS = "SELECT count(*) FROM {table}_data WHERE id IN (1, 10) AND length(block) > 0"  # averages, structure
# A part of the index is a run of ids; stepping from run to run reads a few pages of the table and not all.
SEGMENTS = """
    WITH RECURSIVE segments(id) AS (
        SELECT min(id) >> 37 FROM {table}_data WHERE id >= 1 << 37 UNION ALL
        SELECT (SELECT min(id) >> 37 FROM {table}_data WHERE id >= (segments.id + 1) << 37) FROM segments
        WHERE segments.id IS NOT NULL
    )
    SELECT count(*) FROM segments WHERE id IS NOT NULL AND id NOT IN (SELECT segid FROM {table}_idx)
"""
LOST = """
    SELECT 1 FROM temp.held_words a WHERE NOT EXISTS
    (SELECT 1 FROM temp.held_words b WHERE b.term = a.term AND b.doc = a.doc AND b.cnt = a.cnt) LIMIT 1
"""


@contextmanager
def telling(table: str) -> Iterator[None]:
    """Raises Damaged for what SQLite says of a damaged table; other errors stay what they are."""
    try:
        yield
    except DatabaseError as error:
        if not _is_damage(error):
            raise
        raise Damaged(table) from error


@contextmanager
def reading(session: Session, table: str) -> Iterator[None]:
    """Read a table inside; raises Damaged, also when that is known already, and has it known from then on."""
    if table in session.info[DAMAGED]:
        raise Damaged(table)
    # A connection that remembers a damaged table tries to open it before it notices that there is another since.
    session.execute(text("SELECT 1 FROM sqlite_master LIMIT 1"))
    try:
        with telling(table):
            yield
    except Damaged:
        session.info[DAMAGED].add(table)
        raise


def written(session: Session, act: Callable[[], object]) -> bool:
    """Do what changes a full-text table; False when it is damaged: then that was undone, and the rest stands.

    Args:
        act: statements of one row each. One of several has a savepoint of SQLite's own, and where FTS5 fails at its
            end, SQLite undoes the whole transaction.
    """
    session.flush()
    connection = session.connection()
    connection.exec_driver_sql("SAVEPOINT look_up")
    try:
        act()
        connection.exec_driver_sql("SAVEPOINT filled")  # FTS5 writes now what it would have kept for the commit
    except DatabaseError as error:
        if not _is_damage(error):
            raise
        connection.exec_driver_sql("ROLLBACK TO look_up")
        connection.exec_driver_sql("RELEASE look_up")
        return False
    connection.exec_driver_sql("RELEASE look_up")
    return True


def agrees(session: Session, table: str, rows: int | None = None) -> bool:
    """A quick look: whether a table holds that many rows, and its own tables fit together as far as counts tell."""
    held, first, last = session.execute(text(HELD.format(table=table))).one()
    if rows not in (None, held) or tuple(session.execute(text(STORED.format(table=table))).one()) != (first, last):
        return False
    counts = (session.execute(text(each.format(table=table))).scalar_one() for each in (KNOWN, HEADS, SEGMENTS))
    known, heads, unlisted = counts
    session.execute(text(f"SELECT rowid FROM {table} WHERE {table} MATCH 'a' LIMIT 1")).first()
    return known == 1 and unlisted == 0 and (heads == 2 or not held)


def check(session: Session, table: str) -> None:
    """Have SQLite hold a table's index against its content, which takes a transaction that may write.

    Its errors, when they differ, are those of a damaged table (`telling`).
    """
    session.execute(text(f"INSERT INTO {table}({table}) VALUES ('integrity-check')"))


def finds_all(session: Session, table: str) -> bool:
    """Whether each word that the index holds is found by it, which `check` does not ask; 20 microseconds a word."""
    session.execute(text(f"CREATE VIRTUAL TABLE temp.held_words USING fts5vocab(main, {table}, row)"))
    lost = session.execute(text(LOST)).first()
    session.execute(text("DROP TABLE temp.held_words"))
    return lost is None and agrees(session, table)


def drop(session: Session, table: str) -> None:
    """Take a table away, whatever state it is in.

    One that cannot be opened cannot be dropped either. Then its line in the schema is deleted, as SQLite provides for
    (`PRAGMA writable_schema`, `RESET` reads the schema anew), and what were its own tables are dropped as any other.
    """
    if written(session, lambda: session.execute(text(f"DROP TABLE IF EXISTS {table}"))):
        return
    session.execute(text("PRAGMA writable_schema = ON"))
    try:
        session.execute(text("DELETE FROM sqlite_master WHERE type = 'table' AND name = :table"), {"table": table})
    finally:
        session.execute(text("PRAGMA writable_schema = RESET"))
    for part in PARTS:
        session.execute(text(f"DROP TABLE IF EXISTS {table}_{part}"))


def _is_damage(error: DatabaseError) -> bool:
    """Whether it is what stands in the table; a question that is no FTS5 expression is not (no caller sends one)."""
    name = getattr(error.orig, "sqlite_errorname", "").removeprefix("SQLITE_")
    ours = isinstance(error.orig, sqlite3.DatabaseError) and not str(error.orig).startswith("fts5: syntax")
    return ours and not name.startswith(PASSING)
