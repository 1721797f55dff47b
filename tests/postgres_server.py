"""A PostgreSQL server of the tests' own: in a temporary folder, on a socket, gone when they end.

`make test` installs Debian's package where it may; any installation that `pg_config` or the usual folders
show will do. The server refuses to be root's, so it runs as another user where the tests are root's.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import create_engine, text

from storage.database import Database
from storage.postgres import OWNER

# What is written need not survive the machine: a test's database is thrown away.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=200")


def programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`, the newest there is; None when there is none."""
    found = [Path(path).resolve() for path in [shutil.which("initdb")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: -int(path.parts[-3]))
    return next((path.parent for path in found if (path.parent / "pg_ctl").exists()), None)


class Server:
    """A running server; `create` makes a database in it."""

    def __init__(self) -> None:
        self._bin = programs()
        self._folder = Path(tempfile.mkdtemp(prefix="triptych-pg-", dir="/tmp"))  # a socket's path must be short
        self._user = _another_user() if os.geteuid() == 0 else None
        if self._user:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        self._run("initdb", "-D", "data", "-U", "triptych", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        socket = ["listen_addresses=", f"unix_socket_directories={self._folder}", *FAST]
        options = " ".join(f"-c {option}" if not option.endswith("=") else f"-c {option}''" for option in socket)
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")
        self._admin = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        self._template()
        self._made = 0

    def url(self, database: str) -> str:
        """How a database is named to SQLAlchemy."""
        return f"postgresql+psycopg://triptych@/{database}?host={self._folder}"

    def create(self, empty: bool = False, like: str = "") -> str:
        """A new database with all tables, without any, or with what another one holds (its URL); returns its URL."""
        self._made += 1
        name = f"test{self._made}"
        template = _name(like) if like else "template0" if empty else "migrated"
        self._do(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Throw a database away, whoever still uses it."""
        self._do(f"DROP DATABASE {_name(url)} WITH (FORCE)")

    def stop(self) -> None:
        """End the server and delete its folder."""
        self._admin.dispose()
        self._run("pg_ctl", "-D", "data", "-m", "immediate", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _template(self) -> None:
        self._do("CREATE DATABASE migrated")
        Database.open(self.url("migrated")).close()

    def _do(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))

    def _run(self, program: str, *arguments: str) -> None:
        assert self._bin is not None
        command: Sequence[str] = [str(self._bin / program), *arguments]
        user = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []} if self._user else {}
        done = subprocess.run(
            command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **user
        )
        assert done.returncode == 0, done.stderr


def end_owner(database: Database) -> None:
    """End the connection of who owns a database, as a restart of its server does."""
    with database.engine.connect() as connection:
        connection.execute(text(END), {"lock": OWNER})


END = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = :lock
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def _name(url: str) -> str:
    return url.split("/")[3].split("?")[0]


def _another_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("there is no user that PostgreSQL could run as")
