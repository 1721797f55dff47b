"""What only PostgreSQL needs: how it is reached, who writes when, and who owns it.

Reads see one state throughout (repeatable read). Writes queue for one advisory lock, as SQLite's do for its
file, and a writer whose machine went away is ended by the server. Full text is in `lexical_postgres.py`.
"""

import threading
import time
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from storage.errors import Locked, Unreachable, Unstorable

WRITER, OWNER, NUMBERED = 0x747269_01, 0x747269_02, 0x747269_03
"""Advisory locks, by number: the writing transaction's and the owner's ("tri", so that no other program's is hit)."""
KEPT = "before_upgrade_"
PATIENCE_S = 5.0
"""A new owner waits so long for the one before it, which may have been killed a moment ago."""
IDLE_S = 60
"""A transaction in which nothing happens for so long is ended by the server: its machine may be gone."""


def engine(url: URL) -> Engine:
    """An engine for `postgresql://` URLs, whatever driver they name or leave out.

    Raises:
        Unreachable: the driver is not installed.
    """
    options = f"-c idle_in_transaction_session_timeout={IDLE_S}s -c timezone=UTC"
    try:
        made = create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=8,
            hide_parameters=True,  # they are what documents say
            max_overflow=24,
            pool_pre_ping=True,  # a server that was restarted is noticed before a statement is lost
            connect_args={"connect_timeout": 10, "application_name": "triptych", "options": options},
        )
    except ModuleNotFoundError as error:
        raise Unreachable("PostgreSQL: its driver is not installed (pip install 'triptych[postgres]')") from error
    event.listen(made, "connect", _take_any_text)
    return made


def reading(made: Engine) -> Engine:
    """The engine for transactions that see one state of the database throughout."""
    return made.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def be_alone(connection: Connection) -> None:
    """Wait until no other writing transaction is under way; it ends with this one."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": WRITER})


def keep_copy(connection: Connection, revision: str) -> None:
    """Copy every table, `before_upgrade_<revision>_<table>`, in the transaction that is about to change them.

    They stand among the others, where whoever may change those may also make these.
    """
    forget_copies(connection, f"{KEPT}{revision}_")
    for name in inspect(connection).get_table_names():
        if not name.startswith(KEPT):
            connection.execute(text(f'CREATE TABLE "{KEPT}{revision}_{name}" AS TABLE "{name}"'))


def forget_copies(connection: Connection, named: str = KEPT) -> None:
    """Drop the tables whose names begin so: copies from before upgrades."""
    for name in inspect(connection).get_table_names():
        if name.startswith(named):
            connection.execute(text(f'DROP TABLE "{name}"'))


def clock(connection: Connection) -> datetime:
    """What time it is on the server, not when the transaction began."""
    time: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return time


def one_by_one(connection: Connection, key: int) -> None:
    """Wait until no other transaction that named the same number is under way."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock, :key)"), {"lock": NUMBERED, "key": key})


class Ownership:
    """Who runs jobs and answers on a database: one process, whatever machine it is on.

    The server drops the lock when the connection ends, however it ends.
    """

    def __init__(self, made: Engine) -> None:
        self._engine = made
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def acquire(self, patience_s: float = PATIENCE_S) -> None:
        """Become the owner, within so many seconds or not at all; raises Locked.

        The server takes a moment to notice that an owner was killed.
        """
        until = time.monotonic() + patience_s
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            while not connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": OWNER}).scalar():
                if time.monotonic() >= until:
                    who = connection.execute(text(HOLDER), {"lock": OWNER}).scalar()
                    raise Locked(f"another dashboard{f' on {who}' if who else ''} has its database open")
                time.sleep(0.1)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def keep(self) -> None:
        """Be the owner still, or again when the connection was lost, as in a restart of the server; raises Locked."""
        with self._lock:
            try:
                if self._connection is not None:
                    self._connection.execute(text("SELECT 1"))
                    return
            except DBAPIError:
                self._drop()
            self.acquire(patience_s=0)

    def release(self) -> None:
        """Stop being the owner: the next one may begin when this returns."""
        with self._lock, suppress(DBAPIError):  # a server that is gone holds no lock
            if self._connection is not None:
                try:
                    self._connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": OWNER})
                finally:
                    self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()  # what is held with it must not go back to the pool
            self._connection.close()
            self._connection = None


HOLDER = """
    SELECT host(a.client_addr) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = :lock AND l.objsubid = 1
    AND a.datname = current_database()
"""


def refuse_zero(typed: str) -> None:
    """Raise Unstorable for a text that `_take_any_text` would change: what a person typed is kept, or refused."""
    if "\0" in typed:
        raise Unstorable("NUL")


def _take_any_text(connection: Any, _record: object) -> None:
    """Documents hold zero bytes now and then, which PostgreSQL's text cannot: each becomes U+FFFD, in its place."""
    from psycopg.types.string import StrDumper

    class Whole(StrDumper):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd"))

    connection.adapters.register_dumper(str, Whole)
