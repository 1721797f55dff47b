"""Comparisons: one question, answered in several ways side by side, and the vote on it. Rows in, rows out.

Each panel is a conversation of one question that belongs to its comparison; lists of conversations leave it out.
"""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from storage import audit, talk_text, traces
from storage.database import Database
from storage.errors import NotFound
from storage.rows import ComparisonRow, PanelRow, VoteRow, copied
from storage.tables import Comparison, Conversation, now

Rows = list  # the word itself names a method of the class below


class Comparisons:
    """All writes are one transaction each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self, corpus_id: int, question: str, panels: Sequence[tuple[str, str, str]], blind: bool
    ) -> ComparisonRow:
        """A comparison with one empty panel for each mode, variant and name of that variant, in their order."""
        with self._database.write() as session:
            row = Comparison(corpus_id=corpus_id, question=question, blind=blind)
            session.add(row)
            session.flush()
            same = {"corpus_id": corpus_id, "title": question[:80], "comparison_id": row.id}
            for mode, variant, name in panels:
                session.add(Conversation(mode=mode, variant=variant, variant_name=name, **same))
            session.flush()
            audit.note(session, "begun", "comparison", row.id, corpus_id=corpus_id, panels=len(panels), blind=blind)
            return _row(session, row)

    def get(self, comparison_id: int) -> ComparisonRow:
        """One comparison; raises NotFound."""
        with self._database.read() as session:
            return _row(session, _found(session, comparison_id))

    def list(self, corpus_id: int, limit: int = 20) -> Rows[ComparisonRow]:
        """The newest comparisons of a corpus."""
        query = select(Comparison).where(Comparison.corpus_id == corpus_id).order_by(Comparison.id.desc()).limit(limit)
        with self._database.read() as session:
            return [_row(session, row) for row in session.scalars(query)]

    def vote(self, comparison_id: int, choice: str) -> None:
        """Say which panel was best: its key, "tie" or "bad"; a later vote replaces it. Raises NotFound."""
        with self._database.write() as session:
            row = _found(session, comparison_id)
            row.choice, row.voted_at = choice, now()
            audit.note(session, "voted on", "comparison", comparison_id, corpus_id=row.corpus_id)

    def votes(self, corpus_id: int) -> Rows[VoteRow]:
        """All votes of a corpus, oldest first."""
        query = select(Comparison).where(Comparison.corpus_id == corpus_id, Comparison.choice != "")
        with self._database.read() as session:
            rows = [_row(session, row) for row in session.scalars(query.order_by(Comparison.id))]
        return [
            VoteRow(
                row.question,
                row.choice,
                tuple(panel.key for panel in row.panels),
                row.blind,
                row.voted_at,
                {panel.key: panel.name for panel in row.panels if panel.name},
                row.id,
            )
            for row in rows
        ]

    def examples_of(self, comparison_id: int) -> Rows[int]:
        """The examples that were made of a comparison's answers."""
        with self._database.read() as session:
            return traces.of_messages(session, traces.messages_of_comparison(session, comparison_id))

    def made_of(self, comparison_id: int) -> traces.Traces:
        """How much was made of a comparison's answers that deleting it leaves, unless it is erased with it."""
        with self._database.read() as session:
            return traces.count_of_messages(session, traces.messages_of_comparison(session, comparison_id))

    def delete(self, comparison_id: int, erase: bool = False) -> None:
        """Take a comparison and its panels away, with the vote on it, down to the full text and the write-ahead log.

        With `erase` what was made of its answers goes as well: examples, gold questions, the words that evaluations
        copied from those, and what a judge said of the answers.
        """
        with self._database.write() as session:
            if erase:
                traces.erase_of_messages(session, traces.messages_of_comparison(session, comparison_id))
                traces.forget_judged(session, comparison_id)
            if (row := session.get(Comparison, comparison_id)) is not None:
                audit.note(session, "deleted", "comparison", comparison_id, corpus_id=row.corpus_id)
            session.execute(delete(Conversation).where(Conversation.comparison_id == comparison_id))
            session.execute(delete(Comparison).where(Comparison.id == comparison_id))
            talk_text.sweep(session)
        self._database.forget_deleted()


def _found(session: Session, comparison_id: int) -> Comparison:
    row = session.get(Comparison, comparison_id)
    if row is None:
        raise NotFound(f"comparison {comparison_id}")
    return row


def _row(session: Session, row: Comparison) -> ComparisonRow:
    columns = (Conversation.id, Conversation.mode, Conversation.variant, Conversation.variant_name)
    query = select(*columns).where(Conversation.comparison_id == row.id)
    panels = tuple(PanelRow(*found) for found in session.execute(query.order_by(Conversation.id)))
    return copied(ComparisonRow, row, panels=panels)
