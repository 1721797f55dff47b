"""Opens the database, brings its tables up to date, and hands out transactions.

Two databases are known, SQLite (the default) and PostgreSQL. What differs between them is here, in
`postgres.py` and in the full-text modules: how a connection is set up, how a transaction begins, and
who may write at once. It knows no table by name.

On both, a writing transaction is alone: what it reads cannot change before it writes, so no caller has
to think of two people who do the same thing at once.
"""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.orm import Session

from storage import postgres
from storage.errors import Newer, NotFound, Unreachable, Unstorable
from storage.seal import NEWEST, write_seal

PRAGMAS = {
    "journal_mode": "WAL",
    "busy_timeout": 15_000,  # ms a writer waits for another process
    "foreign_keys": "ON",
    "synchronous": "FULL",
    "secure_delete": "ON",
}
MIGRATIONS = Path(__file__).parent / "migrations"
VERSION = "alembic_version"
"""The table in which Alembic keeps the schema's revision."""
DAMAGED = "damaged"
"""Where a session keeps its database's `damaged`."""
BEFORE_UPGRADE = "before-upgrade"
"""The folder beside an SQLite file with a copy of it from before each upgrade; the first deletion takes it away.

On PostgreSQL the copies are tables whose names begin so (`storage.postgres`).
"""


class Database:
    """One engine, shared by all threads. `read` and `write` open one transaction each."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self.dialect = self.engine.dialect.name
        self._reading = self.engine if self.dialect == "sqlite" else postgres.reading(self.engine)
        self._writing = self.engine.execution_options(triptych_write=True)
        self._ownership: postgres.Ownership | None = None
        self._turn = threading.Lock()
        self._inside = threading.local()
        self.damaged: set[str] = set()
        """Look-ups in it that are known to differ from the rows, or not to be readable, until they are made anew."""
        self.seal: Path | None = None
        """Where the newest entry of the audit log is sealed (`storage.audit`); None: nowhere."""

    @classmethod
    def open(cls, url: str, to: str = "head") -> "Database":
        """Open the database of a SQLAlchemy URL, creating it or bringing its tables up to date, or to a revision.

        Safe when several processes do it at once: the migration is one transaction that holds the
        writer's lock, and whoever comes second finds nothing left to do.

        Raises:
            Unreachable: a database server does not answer, or its driver is not installed. Newer: a later version has
                changed its tables.
        """
        database = cls(url)
        try:
            with _unreachable(database):
                database._upgrade(to)
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that sees one state of the database throughout and is rolled back at its end."""
        known = {DAMAGED: self.damaged}
        with _storable(), Session(self._reading, expire_on_commit=False, autoflush=False, info=known) as session:
            yield session

    @contextmanager
    def write(self, *, alone: bool = True) -> Iterator[Session]:
        """A transaction that may write: committed at the end, rolled back when an exception leaves it.

        It takes the writer's lock at its beginning (SQLite's own, an advisory lock on PostgreSQL), so what it
        reads cannot change before it writes. Threads of this process queue for it rather than poll the lock.

        Args:
            alone: False for a transaction that is right beside others, because its statements say in their WHERE
                what they rely on, or lock the rows they read: the job queue's. SQLite has one writer all the same.

        Raises:
            NotFound: a row was added to something that somebody deleted meanwhile; nothing was written.
        """
        alone = alone or self.dialect == "sqlite"
        opened = Session(self._writing, expire_on_commit=False, info={DAMAGED: self.damaged})
        with _storable(), _belonging(), self._queue(alone), opened as session:
            connection = session.connection()  # begins now, not at the first statement
            if alone and self.dialect != "sqlite":
                postgres.be_alone(connection)
            yield session
            session.flush()
            newest = session.info.get(NEWEST)
            session.commit()
            if newest and self.seal:
                write_seal(self.seal, *newest)

    def one_by_one(self, session: Session, key: int) -> None:
        """Wait until no other transaction that named the same number is under way: for those that are not alone."""
        if self.dialect != "sqlite":
            postgres.one_by_one(session.connection(), key)

    @contextmanager
    def _queue(self, alone: bool = True) -> Iterator[None]:
        if getattr(self._inside, "write", False):
            raise RuntimeError("a write transaction inside another would wait for itself")
        with self._turn if alone else nullcontext():
            self._inside.write = True
            try:
                yield
            finally:
                self._inside.write = False

    def clock(self) -> datetime:
        """What time it is on the database server; without a server, here."""
        if self.dialect == "sqlite":
            return datetime.now(UTC)
        with self.read() as session:
            return postgres.clock(session.connection())

    def compact_log(self) -> None:
        """Fold the write-ahead log into the database and empty it: deleted words stay in it until then.

        Nothing on PostgreSQL, whose own vacuum takes deleted rows out in its time.
        """
        if self.dialect != "sqlite":
            return
        with self._queue(), self.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))

    @property
    def file(self) -> Path:
        """The SQLite file. Raises NotImplementedError on a server, whose rows its own tools copy."""
        if self.dialect != "sqlite" or not self.engine.url.database:
            raise NotImplementedError("the rows are on a database server")
        return Path(self.engine.url.database)

    def forget_deleted(self) -> None:
        """Leave nothing of what was deleted: empty the log; copies from before upgrades, which hold it, go as well."""
        if self.dialect == "sqlite":
            shutil.rmtree(self.file.parent / BEFORE_UPGRADE, ignore_errors=True)
        else:
            with self.write() as session:
                postgres.forget_copies(session.connection())
        self.compact_log()

    def own(self) -> None:
        """Be the one that runs jobs on a database server, until `close`; raises Locked when another process is.

        An SQLite file has its workspace's lock (`storage.lock`) and needs no other.
        """
        if self.dialect != "sqlite":
            self._ownership = postgres.Ownership(self.engine)
            self._ownership.acquire()

    def keep_own(self) -> None:
        """Still be that one, or again after the server was restarted; raises Locked when another process is."""
        if self._ownership is not None:
            self._ownership.keep()

    def close(self) -> None:
        """Close every connection; the last one folds the write-ahead log into the database."""
        if self._ownership is not None:
            self._ownership.release()
        self.engine.dispose()

    def _upgrade(self, to: str) -> None:
        if to == "head" and self._newest():
            return  # most often, and then no migration has to be read
        from alembic import command
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self._queue(), _rebuilding(self._writing) as connection, connection.begin():
            if self.dialect != "sqlite":
                postgres.be_alone(connection)
            config.attributes["connection"] = connection
            self._keep_copy(connection, ScriptDirectory.from_config(config).get_current_head())
            command.upgrade(config, to)

    def _newest(self) -> bool:
        """Whether nothing is left to upgrade. A migration under way elsewhere is not seen before it is committed."""
        with self._reading.connect() as connection:
            if not inspect(connection).has_table(VERSION):
                return False
            return list(connection.scalars(text(f"SELECT version_num FROM {VERSION}"))) == [max(known_revisions())]

    def _keep_copy(self, connection: Connection, newest: str | None) -> None:
        """Copy rows whose tables are about to be changed; a new database has nothing to lose. Raises Newer."""
        from alembic.migration import MigrationContext

        revision = MigrationContext.configure(connection).get_current_revision()
        if revision and revision not in known_revisions():
            raise Newer(f"schema {revision}")
        if not revision or revision == newest:
            return
        if self.dialect != "sqlite":
            postgres.keep_copy(connection, revision)
            return
        from storage.snapshot import keep_copy

        keep_copy(self.file, self.file.parent / BEFORE_UPGRADE, revision)


@contextmanager
def _rebuilding(engine: Engine) -> Iterator[Connection]:
    """A connection that may take a table away and put a like one in its place without its rows' rows going along.

    SQLite deletes what refers to a dropped table's rows; its own documentation says to switch that off meanwhile, which
    can only be done outside a transaction.
    """
    with engine.connect() as connection:
        sqlite = connection.connection.dbapi_connection if engine.dialect.name == "sqlite" else None
        if sqlite is None:
            yield connection
            return
        sqlite.execute("PRAGMA foreign_keys=OFF")
        try:
            yield connection
        finally:
            sqlite.execute("PRAGMA foreign_keys=ON")


def known_revisions() -> set[str]:
    """Every revision of the schema that can be brought up to date, or is."""
    return {path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py")}


def _engine(url: str) -> Engine:
    """An engine of which every connection is set up for many threads and for surviving a kill."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return postgres.engine(parsed)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    # A connection for each thread that asks at once: a page that waits for one is a page that hangs.
    engine = create_engine(url, pool_size=8, max_overflow=-1, hide_parameters=True)
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


@contextmanager
def _storable() -> Iterator[None]:
    """A text that no database takes is a mistake of who sent it."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise Unstorable("half a surrogate pair") from error
    except StatementError as error:
        if not isinstance(error.orig, Unstorable):
            raise
        raise error.orig from error


@contextmanager
def _belonging() -> Iterator[None]:
    """Who adds to a corpus, a conversation, a job that is gone is told so, whichever of their tables it was."""
    try:
        yield
    except IntegrityError as error:
        # SQLite's and PostgreSQL's name for a foreign key without its row
        kind = getattr(error.orig, "sqlite_errorname", "") or getattr(error.orig, "sqlstate", "")
        if kind not in ("SQLITE_CONSTRAINT_FOREIGNKEY", "23503"):
            raise
        raise NotFound("what this belongs to was deleted meanwhile") from error


@contextmanager
def _unreachable(database: Database) -> Iterator[None]:
    """A server that does not answer is one line for people; what a statement did wrong stays what it is."""
    try:
        yield
    except DBAPIError as error:
        if database.dialect == "sqlite" or (not error.connection_invalidated and error.statement):
            raise
        where = database.engine.url.render_as_string(hide_password=True)
        raise Unreachable(f"the database {where}: {str(error.orig).strip().splitlines()[0]}") from error
