"""One state of a database as an SQLite file of its own, taken while others go on writing.

SQLite's online backup copies the pages that one read transaction sees; in WAL mode that keeps no writer waiting.
From a database server the rows are copied (`server_snapshot.py`). Knows nothing of what is done with the copy.
"""

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from storage.database import Database

PAGES = 4_096  # pages (of 4 kB) copied between two reports of progress


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The rows as they were at one moment, readable until the `with` block of `snapshot` ends."""

    connection: sqlite3.Connection

    @property
    def revision(self) -> str:
        """The schema's revision."""
        return str(self.connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])

    @property
    def bytes(self) -> int:
        """The size of the copy that `write` makes."""
        pages, size = (self.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        return int(pages) * int(size)

    def column(self, query: str) -> list[str]:
        """The first column of what a query finds."""
        return [str(row[0]) for row in self.connection.execute(query)]

    def write(self, file: Path, told: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Copy that state into a new file, self-contained; `told` hears of bytes copied and in all."""
        size = int(self.connection.execute("PRAGMA page_size").fetchone()[0])
        with closing(sqlite3.connect(file)) as target:
            self.connection.backup(
                target, pages=PAGES, progress=lambda _, left, total: told((total - left) * size, total * size)
            )
            target.execute("PRAGMA journal_mode = DELETE")  # nothing of it is in a second file


class Held(Protocol):
    """The rows as they were at one moment, wherever they are."""

    @property
    def revision(self) -> str:
        """The schema's revision."""
        ...

    @property
    def bytes(self) -> int:
        """About the size of the copy that `write` makes."""
        ...

    def column(self, query: str) -> list[str]:
        """The first column of what a query finds."""
        ...

    def write(self, file: Path, told: Callable[[int, int], None] = ...) -> None:
        """Copy that state into a new SQLite file; `told` hears of bytes copied and in all."""
        ...


def contents(state: Held) -> list[str]:
    """The sha256 of every upload that a document needs."""
    return state.column("SELECT DISTINCT content_sha256 FROM documents WHERE NOT original_removed ORDER BY 1")


def adapter_folders(state: Held) -> list[str]:
    """The folders of adapters whose training is over."""
    return state.column("SELECT folder FROM adapters WHERE status <> 'training' AND folder <> ''")


@contextmanager
def snapshot(database: Database, at_that_moment: Callable[[Held], None]) -> Iterator[Held]:
    """Hold one state of the rows; `at_that_moment` runs while nobody can change rows, or files that rows name."""
    if database.dialect != "sqlite":
        from storage.server_snapshot import server_snapshot

        with server_snapshot(database, at_that_moment) as state:
            yield state
        return
    connection = sqlite3.connect(database.file, isolation_level=None, check_same_thread=False)
    with closing(connection):
        with database.write():
            connection.execute("BEGIN")
            held = Snapshot(connection)
            assert held.revision  # the first read fixes what is seen
            at_that_moment(held)
        yield held


def keep_copy(database_file: Path, folder: Path, revision: str) -> Path:
    """Copy a database beside itself before its tables are changed; whole or absent. Returns `folder/<revision>.db`.

    The caller's transaction has written nothing yet.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept, aside = folder / f"{re.sub(r'[^0-9a-z]', '', revision)}.db", folder / f".writing-{os.getpid()}"
    aside.unlink(missing_ok=True)
    with closing(sqlite3.connect(database_file)) as source:
        Snapshot(source).write(aside)
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    aside.replace(kept)
    return kept


def integrity(database_file: Path) -> list[str]:
    """What SQLite finds wrong with a database file: damaged pages, rows that name rows that are not there."""
    try:
        with closing(sqlite3.connect(f"file:{database_file}?mode=ro", uri=True)) as connection:
            told = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(20)")]
            found = [line for lines in told for line in lines.splitlines() if not line.startswith("***")]
            broken = connection.execute("PRAGMA foreign_key_check").fetchmany(20)
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [line for line in found if line != "ok"] + [
        f"a row of {row[0]} names a missing row of {row[2]}" for row in broken
    ]
