"""Writes a new migration from the difference between `storage/tables.py` and the newest one.

python -m storage.migrations "what changes"
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

from storage.database import MIGRATIONS, Database


def main(message: str) -> None:
    """Compare an empty database at the newest migration with the tables, and write the difference down."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    number = f"{len(list((MIGRATIONS / 'versions').glob('[0-9]*.py'))) + 1:04d}"
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(f"sqlite:///{Path(folder) / 'empty.db'}")
        with database.engine.connect() as connection:
            config.attributes["connection"] = connection
            command.revision(config, message, autogenerate=True, rev_id=number)
        database.close()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
