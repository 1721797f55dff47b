"""Opens the database, brings its tables up to date, and hands out transactions.

Everything that differs between SQLite and other databases is here (and in `lexical.py`): the
pragmas, how a transaction begins, and the queue in front of SQLite's single writer. It knows no
table by name.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.orm import Session

PRAGMAS = {
    "journal_mode": "WAL",
    "busy_timeout": 15_000,  # ms a writer waits for another process
    "foreign_keys": "ON",
    "synchronous": "FULL",
    "secure_delete": "ON",
}
MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """One engine, shared by all threads. `read` and `write` open one transaction each."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self.dialect = self.engine.dialect.name
        self._writing = self.engine.execution_options(triptych_write=True)
        self._turn = threading.Lock()
        self._writer: int | None = None

    @classmethod
    def open(cls, url: str) -> "Database":
        """Open the database of a SQLAlchemy URL, creating it or bringing its tables up to date.

        Safe when several processes do it at once: the migration is one transaction that holds the
        writer's lock, and whoever comes second finds nothing left to do.
        """
        database = cls(url)
        try:
            database._upgrade()
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that sees one state of the database throughout and is rolled back at its end."""
        with Session(self.engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that may write: committed at the end, rolled back when an exception leaves it.

        On SQLite it takes the writer's lock at its beginning, so what it reads cannot change before
        it writes. Threads of this process queue for it rather than poll the file's lock.
        """
        with self._queue(), Session(self._writing, expire_on_commit=False) as session, session.begin():
            session.connection()  # begins now, not at the first statement
            yield session

    @contextmanager
    def _queue(self) -> Iterator[None]:
        if self.dialect != "sqlite":
            yield
            return
        if self._writer == threading.get_ident():
            raise RuntimeError("a write transaction inside another would wait for itself")
        with self._turn:
            self._writer = threading.get_ident()
            try:
                yield
            finally:
                self._writer = None

    def compact_log(self) -> None:
        """Fold the write-ahead log into the database and empty it: deleted words stay in it until then."""
        if self.dialect != "sqlite":
            return
        with self._queue(), self.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))

    def close(self) -> None:
        """Close every connection; the last one folds the write-ahead log into the database."""
        self.engine.dispose()

    def _upgrade(self) -> None:
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self._queue(), self._writing.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _engine(url: str) -> Engine:
    """An engine of which every connection is set up for many threads and for surviving a kill."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    # A connection for each thread that asks at once: a page that waits for one is a page that hangs.
    engine = create_engine(url, pool_size=8, max_overflow=-1)
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _set_pragmas(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: `_begin` does (SQLAlchemy's pysqlite notes).
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={PRAGMAS['busy_timeout']}")  # the next ones may have to wait
    for name, value in PRAGMAS.items():
        connection.execute(f"PRAGMA {name}={value}")


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("triptych_write") else "BEGIN")
