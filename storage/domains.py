"""Domains that somebody added: rows of TOML text. What the text means is not known here."""

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError

from storage import audit
from storage.database import Database
from storage.errors import Exists, NotFound
from storage.rows import DomainRow, copied
from storage.tables import Corpus, Domain, now

Rows = list  # the word itself names a method of the class below


class Domains:
    """Reads and writes of `domains`; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self) -> Rows[DomainRow]:
        """All added domains, by title."""
        with self._database.read() as session:
            return [copied(DomainRow, row) for row in session.scalars(select(Domain).order_by(Domain.title, Domain.id))]

    def by_name(self, name: str) -> DomainRow | None:
        """The added domain of that name, if there is one."""
        with self._database.read() as session:
            row = session.scalar(select(Domain).where(Domain.name == name))
            return copied(DomainRow, row) if row else None

    def add(self, name: str, title: str, toml: str) -> DomainRow:
        """Add a domain; raises Exists when there is one of that name."""
        try:
            with self._database.write() as session:
                row = Domain(name=name, title=title, toml=toml)
                session.add(row)
                session.flush()
                audit.note(session, "added", "domain", row.id, name=name)
                return copied(DomainRow, row)
        except IntegrityError as error:
            raise Exists(f"a domain named {name!r}") from error

    def update(self, name: str, title: str, toml: str) -> DomainRow:
        """Change what a domain says; its name stays, since corpora refer to it. Raises NotFound."""
        with self._database.write() as session:
            row = session.scalar(select(Domain).where(Domain.name == name).with_for_update())
            if row is None:
                raise NotFound(f"domain {name}")
            row.title, row.toml, row.updated_at = title, toml, now()
            audit.note(session, "changed", "domain", row.id, name=name)
            session.flush()
            return copied(DomainRow, row)

    def delete(self, name: str) -> None:
        """Delete a domain that no corpus is of.

        Raises:
            NotFound: there is none of that name.
            Exists: there is a corpus of it; nothing was deleted.
        """
        with self._database.write() as session:
            row = session.scalar(select(Domain).where(Domain.name == name).with_for_update())
            if row is None:
                raise NotFound(f"domain {name}")
            if session.scalar(select(exists().where(Corpus.domain == name))):
                raise Exists(f"a corpus of the domain {name!r}")
            audit.note(session, "deleted", "domain", row.id, name=name)
            session.delete(row)
