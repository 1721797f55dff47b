"""Rows from one database into an empty one of the same schema, whatever kind each of them is.

    tables, in the order of their references  ->  counters (ids that were given are not given again)

What a copy of a PostgreSQL workspace is made with, and how a copy gets onto a database server. The full text of chunks
is made anew when the workspace is opened; that of conversations is made here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Table, func, insert, literal, select, text, update

from storage import tables, talk_text
from storage.database import Database
from storage.errors import Exists

AT_ONCE = 500
TABLES: tuple[Table, ...] = tuple(tables.Table.metadata.sorted_tables)


@contextmanager
def pouring(
    source: Connection, database: Database, told: Callable[[int, int], None] = lambda done, total: None
) -> Iterator[None]:
    """Copy all rows into a database that has the tables and no row yet; they are there when the block ends well.

    Args:
        source: sees one state throughout.
        told: hears of rows copied and in all; may raise to end the work.

    Raises:
        Exists: the database holds rows.
    """
    with database.write() as session:
        if any(session.execute(select(literal(1)).select_from(table).limit(1)).first() for table in TABLES):
            raise Exists("the database holds a workspace")
        total = sum(count(source, table) for table in TABLES)
        done = 0
        for table in TABLES:
            for number in _copied(source, session.connection(), table):
                done += number
                told(done, total)
        _set_counters(session.connection(), _counters(source))
        talk_text.refill(session)
        yield


def count(connection: Connection, table: Table) -> int:
    """How many rows a table has."""
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _copied(source: Connection, target: Connection, table: Table) -> Iterator[int]:
    """Copy a table, part by part; a row may name a later one of its own table, so that is told when all are there."""
    own = [column.name for column in table.columns if any(key.column.table is table for key in column.foreign_keys)]
    later: list[tuple[Any, dict[str, Any]]] = []
    order = select(table).order_by(*table.primary_key)
    rows = source.execution_options(yield_per=AT_ONCE).execute(order).mappings()
    for part in rows.partitions(AT_ONCE):
        values = [dict(row) for row in part]
        if own:
            later += [
                (row["id"], {name: row[name] for name in own}) for row in values if any(row[name] for name in own)
            ]
            values = [row | dict.fromkeys(own) for row in values]
        target.execute(insert(table), values)
        yield len(values)
    for id_, names in later:
        target.execute(update(table).where(table.c.id == id_).values(names))


def _counters(connection: Connection) -> dict[str, int]:
    """The highest id that each table ever gave, its row may be gone."""
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text("SELECT name, seq FROM sqlite_sequence"))
        return {str(row[0]): int(row[1]) for row in rows}
    highest = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM "
    return {name: connection.execute(text(highest + own)).scalar_one() for name, own in _sequences(connection)}


def _set_counters(connection: Connection, highest: dict[str, int]) -> None:
    if connection.dialect.name == "sqlite":
        for name, number in highest.items():
            values = {"name": name, "number": number}
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
            connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :number)"), values)
        return
    for name, own in _sequences(connection):
        number = highest.get(name, 0)
        values = {"own": own, "number": max(number, 1), "called": number > 0}
        connection.execute(text("SELECT setval(CAST(:own AS regclass), :number, :called)"), values)


def _sequences(connection: Connection) -> Iterator[tuple[str, str]]:
    """PostgreSQL's sequence of each table that has one."""
    for table in TABLES:
        if "id" in table.c:
            owned = connection.execute(text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": table.name})
            if own := owned.scalar():
                yield table.name, str(own)
