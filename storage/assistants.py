"""How each corpus is answered: its base model, its usual mode, how evidence is shown. One row a corpus at most."""

from typing import Any

from sqlalchemy import select

from storage import audit
from storage.database import Database
from storage.errors import NotFound
from storage.rows import AssistantRow, copied
from storage.tables import Assistant, BaseModel, Corpus


class Assistants:
    """A corpus without a row has the defaults; nothing is cached."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, corpus_id: int) -> AssistantRow:
        """The assistant of a corpus. A corpus that is gone has the defaults too."""
        with self._database.read() as session:
            row = session.scalar(select(Assistant).where(Assistant.corpus_id == corpus_id))
            return copied(AssistantRow, row) if row else AssistantRow(corpus_id)

    def list(self) -> list[AssistantRow]:
        """Those that were ever changed."""
        with self._database.read() as session:
            rows = session.scalars(select(Assistant).order_by(Assistant.corpus_id))
            return [copied(AssistantRow, row) for row in rows]

    def choose_base_model(self, corpus_id: int, base_model_id: int | None) -> AssistantRow:
        """Answer this corpus with that base model; None is the embedded one. Raises NotFound."""
        return self._set(corpus_id, base_model_id=base_model_id)

    def choose_mode(self, corpus_id: int, mode: str) -> AssistantRow:
        """The mode a new conversation begins in. Raises NotFound."""
        return self._set(corpus_id, mode=mode)

    def choose_reading(self, corpus_id: int, reading: str) -> AssistantRow:
        """How evidence is shown to the base model: "auto", "quote", "words" or "passages". Raises NotFound."""
        return self._set(corpus_id, reading=reading)

    def choose_refusal(self, corpus_id: int, below: float | None) -> AssistantRow:
        """Refuse what is less probably answered than that, 0..1; None is the domain's threshold. Raises NotFound."""
        return self._set(corpus_id, refuse_below=below)

    def choose_retraining(self, corpus_id: int, days: int, share: int) -> AssistantRow:
        """Train its adapters again every so many days, and once so many percent changed; 0 is off. Raises NotFound."""
        return self._set(corpus_id, retrain_days=days, retrain_share=share)

    def _set(self, corpus_id: int, **changed: Any) -> AssistantRow:
        with self._database.write() as session:
            if session.get(Corpus, corpus_id) is None:
                raise NotFound(f"corpus {corpus_id}")
            chosen = changed.get("base_model_id")
            if chosen is not None and session.get(BaseModel, chosen) is None:
                raise NotFound(f"base model {chosen}")
            row = session.scalar(select(Assistant).where(Assistant.corpus_id == corpus_id))
            if row is None:
                row = Assistant(corpus_id=corpus_id)
                session.add(row)
            for column, value in changed.items():
                setattr(row, column, value)
            session.flush()
            audit.note(session, "changed", "settings", row.id, corpus_id=corpus_id, **changed)
            return copied(AssistantRow, row)
