"""Runs migrations on the connection that `Database.open` gives; its transaction is the caller's.

To write a new one after changing `storage/tables.py`: `python -m storage.migrations "what changes"`.
"""

from typing import Any, Literal

from alembic import context

from storage.tables import Table, UtcDateTime


def plain_type(kind: str, item: object, _context: Any) -> str | Literal[False]:
    """Write our own column types as what they are in the database, so that old migrations need no code of ours."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Table.metadata,
    render_as_batch=True,
    render_item=plain_type,
    transactional_ddl=True,
    # Full-text tables are no rows of ours: lexical.py makes them.
    include_name=lambda name, kind, _parents: kind != "table" or name in Table.metadata.tables,
)
context.run_migrations()
