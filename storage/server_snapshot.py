"""One state of a PostgreSQL database as an SQLite file, taken while others go on writing.

The same file that `snapshot.py` makes of an SQLite database: a workspace is brought back from it in either form.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from storage.database import Database
from storage.moving import pouring


@dataclass(frozen=True, slots=True)
class ServerSnapshot:
    """The rows as they were at one moment, readable until the `with` block of `server_snapshot` ends."""

    connection: Connection

    @property
    def revision(self) -> str:
        """The schema's revision."""
        return str(self.connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())

    @property
    def bytes(self) -> int:
        """About the size of the copy that `write` makes: what the server keeps for these rows."""
        return int(self.connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())

    def column(self, query: str) -> list[str]:
        """The first column of what a query finds."""
        return [str(row[0]) for row in self.connection.execute(text(query))]

    def write(self, file: Path, told: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Copy that state into a new SQLite file, self-contained; `told` hears of bytes copied and in all."""
        size = self.bytes
        database = Database.open(f"sqlite:///{file}")
        try:
            with pouring(self.connection, database, lambda done, total: told(size * done // max(total, 1), size)):
                pass
        finally:
            database.close()
        with closing(sqlite3.connect(file)) as made:
            made.execute("PRAGMA journal_mode = DELETE")  # nothing of it is in a second file


@contextmanager
def server_snapshot(database: Database, at_that_moment: Callable[[ServerSnapshot], None]) -> Iterator[ServerSnapshot]:
    """Hold one state of the rows; `at_that_moment` runs while nobody can change rows, or files that rows name."""
    with database.read() as session:
        with database.write():
            held = ServerSnapshot(session.connection())
            # It waits while the file is written, maybe to a slow disk; it changes nothing, so nobody waits for it.
            session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            assert held.revision  # the first read fixes what is seen
            at_that_moment(held)
        yield held
