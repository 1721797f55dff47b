"""Answers: written while they stream, finished in one transaction, with what they stand on and what people thought.

An answer is a row from its first word on, so a refresh, a second tab or a killed server loses nothing
that had arrived.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from storage import audit, talk_text
from storage.corpora import served
from storage.database import Database
from storage.edit_places import said_at
from storage.errors import NotFound
from storage.rows import ChunkRow, CitationRow, FeedbackRow, MessageRow, PassageRow, copied
from storage.tables import (
    Chunk,
    Conversation,
    Document,
    Feedback,
    Message,
    MessageCitation,
    MessagePassage,
    Page,
    Table,
)

LOOKED_UP = {"document", "title", "page_label", "text", "quote"}
"""Of a passage also `edited`, which its citations know."""


class Answers:
    """All writes are one transaction each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def message(self, message_id: int) -> MessageRow:
        """One question or answer; raises NotFound."""
        with self._database.read() as session:
            return copied(MessageRow, found(session, Message, message_id))

    def write_partial(self, message_id: int, text: str) -> None:
        """Keep what has arrived of an answer; nothing happens when it is no longer streaming."""
        with self._database.write() as session:
            streaming = (Message.id == message_id) & (Message.status == "streaming")
            session.execute(update(Message).where(streaming).values(text=text))

    def finish_answer(
        self,
        message_id: int,
        text: str,
        status: str = "done",
        refused: bool = False,
        quoted_until: int = 0,
        timings: dict[str, Any] | None = None,
        context: dict[str, Any] | None = None,
        passages: Sequence[PassageRow] = (),
        citations: Sequence[CitationRow] = (),
        error: str = "",
        base_model: str | None = None,
        searched_for: str = "",
    ) -> None:
        """Write an answer's final state with what it stands on, in one transaction; raises NotFound.

        A document deleted in the meantime is left out of its passages and citations.
        """
        with self._database.write() as session:
            message = found(session, Message, message_id)
            message.text, message.status, message.refused, message.error = text, status, refused, error
            message.quoted_until, message.timings, message.context = quoted_until, timings or {}, context or {}
            message.base_model = message.base_model if base_model is None else base_model
            message.searched_for = searched_for
            talk_text.put(session, message_id, text)
            there = _existing(session, {row.document_id for row in passages} | {row.document_id for row in citations})
            for kind, rows in ((MessagePassage, passages), (MessageCitation, citations)):
                session.execute(delete(kind).where(kind.message_id == message_id))
                session.add_all(kind(message_id=message_id, **_values(row, there)) for row in rows)

    def passages(self, message_id: int) -> list[PassageRow]:
        """What was retrieved for an answer, best first, with the words as they stand on the page now.

        One that was cited as a person had edited it has the person's words, as they are now.
        """
        edited = select(MessageCitation.passage_rank).where(MessageCitation.message_id == message_id)
        edited = edited.where(MessageCitation.edited)
        with self._database.read() as session:
            ranks = set(session.scalars(edited))
            rows = session.execute(_with_places(MessagePassage, message_id).order_by(MessagePassage.rank))
            return [
                copied(PassageRow, row, **_names(document), page_label=page.label if page else "",
                       text=_words(session, page, row.start, row.end, row.rank in ranks), edited=row.rank in ranks)
                for row, document, page in rows
            ]  # fmt: skip

    def citations(self, message_id: int) -> list[CitationRow]:
        """An answer's sentences and the places that support them, in order.

        Words that a person had put there are quoted as they are now, all of them; "" once that edit was undone.
        """
        with self._database.read() as session:
            rows = session.execute(_with_places(MessageCitation, message_id).order_by(MessageCitation.sentence_start))
            return [
                copied(CitationRow, row, document=document.name if document else "",
                       page_label=page.label if page else "",
                       quote=_words(session, page, row.quote_start, row.quote_end, row.edited))
                for row, document, page in rows
            ]  # fmt: skip

    def timed(self, limit: int = 200) -> list[tuple[str, str, dict[str, Any]]]:
        """Mode, author and timings of the newest whole answers of all conversations, the newest first."""
        query = select(Message.mode, Message.base_model, Message.timings)
        query = query.where(Message.role == "assistant", Message.status == "done").order_by(Message.id.desc())
        with self._database.read() as session:
            rows = session.execute(query.limit(limit)).all()
        return [(row[0], row[1], row[2]) for row in rows if row[2].get("total_s")]

    def give_feedback(self, message_id: int, verdict: str, corrected_answer: str = "") -> FeedbackRow:
        """Store thumbs (`up` or `down`) and perhaps a better answer; replaces what was given before."""
        with self._database.write() as session:
            talk = found(session, Conversation, found(session, Message, message_id).conversation_id)
            feedback = session.scalar(select(Feedback).where(Feedback.message_id == message_id))
            feedback = feedback or Feedback(message_id=message_id)
            feedback.verdict, feedback.corrected_answer = verdict, corrected_answer
            session.add(feedback)
            session.flush()
            corrected = bool(corrected_answer)
            audit.note(session, "judged", "answer", message_id, corpus_id=talk.corpus_id, conversation=talk.id,
                       verdict=verdict, corrected=corrected)  # fmt: skip
            return copied(FeedbackRow, feedback)

    def feedback(self, message_id: int) -> FeedbackRow | None:
        """What was given for an answer, if anything."""
        with self._database.read() as session:
            feedback = session.scalar(select(Feedback).where(Feedback.message_id == message_id))
            return copied(FeedbackRow, feedback) if feedback else None

    def mark_interrupted(self) -> int:
        """At start-up: answers that were streaming when the server went away. Returns how many."""
        with self._database.write() as session:
            streaming = session.scalars(select(Message).where(Message.status == "streaming")).all()
            for message in streaming:
                message.status = "interrupted"
                talk_text.put(session, message.id, message.text)
            return len(streaming)


def found(session: Session, kind: type[Table], key: int) -> Any:
    """A row by its id; raises NotFound."""
    row = session.get(kind, key)
    if row is None:
        raise NotFound(f"{kind.__name__.lower()} {key}")
    return row


def _existing(session: Session, document_ids: set[int | None]) -> set[int]:
    return set(session.scalars(select(Document.id).where(Document.id.in_(document_ids - {None}))))


def _values(row: PassageRow | CitationRow, there: set[int]) -> dict[str, Any]:
    looked_up = LOOKED_UP | {"edited"} if isinstance(row, PassageRow) else LOOKED_UP
    values = {name: getattr(row, name) for name in row.__slots__ if name not in looked_up}
    return values | {"document_id": row.document_id if row.document_id in there else None}


def _names(document: Document | None) -> dict[str, str]:
    return {"document": document.name if document else "", "title": document.title if document else ""}


def _words(session: Session, page: Page | None, start: int | None, end: int | None, edited: bool) -> str:
    """The words at a place: the page's own, or what a person has put there."""
    if page is None or start is None or end is None:
        return ""
    if not edited:
        return page.text[start:end]
    here = (Chunk.document_id == page.document_id) & (Chunk.page == page.number) & Chunk.edited.is_not(None)
    chunks = session.scalars(select(Chunk).where(here, served()).order_by(Chunk.ordinal))
    return said_at((copied(ChunkRow, chunk) for chunk in chunks), start, end)


def _with_places(kind: Any, message_id: int) -> Any:
    place = (Page.document_id == kind.document_id) & (Page.number == kind.page)
    query = select(kind, Document, Page).outerjoin(Document, Document.id == kind.document_id).outerjoin(Page, place)
    return query.where(kind.message_id == message_id)
