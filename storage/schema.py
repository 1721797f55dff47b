"""Whether an SQLite file's tables are those that this version makes: for a file that comes from elsewhere.

A file is more than rows: a trigger is a statement that runs when somebody else writes, a view is a table that says what
its maker likes. So what has a name is compared with what the migrations make, in a new file, of the same revision.
Look-ups are compared by name only; they are made anew from the rows when they do not fit.
"""

import re
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from storage.database import Database

LOOK_UPS = ("chunk_text", "chunk_terms", "message_text")
FOLDER = re.compile(r"[A-Za-z0-9_-]*")
"""What adapters call their folders: their number, or as importing and endpoints do."""
Part = tuple[str, str]
"""Its kind ("table", "index", "trigger", "view") and its name."""


def strange(file: Path, revision: str) -> list[str]:
    """What a file has that none of that revision has, or lacks, in words; [] when it is as it should be.

    Args:
        file: an SQLite file that nobody writes to.
        revision: what it is said to be, one of `database.known_revisions`.
    """
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as given:
            said = [row[0] for row in given.execute("SELECT version_num FROM alembic_version")]
            found = _parts(given)
    except sqlite3.DatabaseError as error:
        return [str(error)]
    if said != [revision]:
        return [f"its tables are not of revision {revision}"]
    wanted = _made(revision)
    return [
        *(f"the {kind} {name[:80]!r} is no part of it" for kind, name in sorted(found.keys() - wanted.keys())),
        *(f"the {kind} {name!r} is missing" for kind, name in sorted(wanted.keys() - found.keys())),
        *(
            f"the {kind} {name!r} is another one"
            for kind, name in sorted(found.keys() & wanted.keys())
            if found[kind, name] != wanted[kind, name]
        ),
    ]


def leading_out(file: Path) -> list[str]:
    """Folders of adapters that lie elsewhere than in a workspace, in words: deleting one would delete that.

    Args:
        file: as `strange` takes it, of the newest revision.
    """
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as given:
        names = [str(name) for (name,) in given.execute("SELECT folder FROM adapters")]
    return [f"the adapter's folder {name[:80]!r} leads elsewhere" for name in names if not FOLDER.fullmatch(name)]


def _made(revision: str) -> dict[Part, object]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "as-made.db"
        Database.open(f"sqlite:///{file}", to=revision).close()
        with closing(sqlite3.connect(file)) as made:
            return _parts(made)


def _parts(connection: sqlite3.Connection) -> dict[Part, object]:
    """Everything that has a name, by kind and name, with what it is."""
    parts: dict[Part, object] = {}
    for kind, name, statement in connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall():
        if name.startswith("sqlite_"):  # SQLite's own: nobody else may use such a name
            continue
        if kind != "table":
            parts[kind, name] = re.sub(r'[\s"]+', " ", statement or "").strip()
        elif name.startswith(LOOK_UPS):
            parts[kind, name] = (statement or "").split("(")[0].upper().replace('"', "").replace("'", "").split()
        else:
            parts[kind, name] = connection.execute("SELECT * FROM pragma_table_xinfo(?)", (name,)).fetchall()
    return parts
