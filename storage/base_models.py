"""Base models people have added, rows in and rows out. What a row means to an engine is core's."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from storage import audit
from storage.database import Database
from storage.errors import Exists, NotFound
from storage.rows import BaseModelRow, CorpusRow, copied
from storage.tables import Assistant, BaseModel, Corpus

Rows = list  # the word itself names a method of the class below


class BaseModels:
    """Reads see committed rows only; nothing is cached. `secret` is kept as it is given: encrypted, or a name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        name: str,
        kind: str,
        location: str,
        *,
        model: str = "",
        window: int = 0,
        options: dict[str, Any] | None = None,
        secret: str = "",
    ) -> BaseModelRow:
        """Add one; raises Exists when the name is taken."""
        row = BaseModel(
            name=name, kind=kind, location=location, model=model, window=window, options=options or {}, secret=secret
        )
        try:
            with self._database.write() as session:
                session.add(row)
                session.flush()
                audit.note(session, "added", "base model", row.id, name=name, kind=kind)
                if secret:
                    audit.note(session, "key stored", "base model", row.id, name=name)
                return copied(BaseModelRow, row)
        except IntegrityError as error:
            raise Exists(f"a base model named {name!r}") from error

    def list(self) -> Rows[BaseModelRow]:
        """All of them, by name."""
        with self._database.read() as session:
            return [copied(BaseModelRow, row) for row in session.scalars(select(BaseModel).order_by(BaseModel.name))]

    def get(self, base_model_id: int) -> BaseModelRow:
        """One base model; raises NotFound."""
        with self._database.read() as session:
            return copied(BaseModelRow, _found(session.get(BaseModel, base_model_id), base_model_id))

    def by_name(self, name: str) -> BaseModelRow | None:
        """The base model of that exact name, if there is one."""
        with self._database.read() as session:
            row = session.scalar(select(BaseModel).where(BaseModel.name == name))
            return copied(BaseModelRow, row) if row else None

    def update(self, base_model_id: int, **changed: Any) -> BaseModelRow:
        """Set columns by name; raises NotFound, or Exists when the new name is taken."""
        try:
            with self._database.write() as session:
                row = _found(session.get(BaseModel, base_model_id), base_model_id)
                for column, value in changed.items():
                    setattr(row, column, value)
                session.flush()
                audit.note(session, "changed", "base model", base_model_id, name=row.name)
                if changed.get("secret"):
                    audit.note(session, "key stored", "base model", base_model_id, name=row.name)
                return copied(BaseModelRow, row)
        except IntegrityError as error:
            raise Exists(f"a base model named {changed.get('name')!r}") from error

    def delete(self, base_model_id: int) -> None:
        """Forget one; the assistants that used it fall back to the embedded one. Raises NotFound."""
        with self._database.write() as session:
            row = _found(session.get(BaseModel, base_model_id), base_model_id)
            audit.note(session, "removed", "base model", base_model_id, name=row.name)
            session.delete(row)

    def used_by(self, base_model_id: int) -> Rows[CorpusRow]:
        """The corpora whose assistant answers with it, by name."""
        query = select(Corpus).join(Assistant, Assistant.corpus_id == Corpus.id)
        query = query.where(Assistant.base_model_id == base_model_id).order_by(Corpus.name)
        with self._database.read() as session:
            return [copied(CorpusRow, row) for row in session.scalars(query)]


def _found(row: BaseModel | None, key: int) -> BaseModel:
    if row is None:
        raise NotFound(f"base model {key}")
    return row
