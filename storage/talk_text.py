"""Full-text search over questions and answers.

A look-up fed from the rows of `messages`; what it still holds of a message that is gone finds nothing, and
`sweep` takes it out. Everything that only SQLite's FTS5 can do is here, as it is in `lexical.py` for chunks.
"""

import re
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

CREATE = (
    "CREATE VIRTUAL TABLE message_text USING fts5(text, tokenize = 'porter unicode61 remove_diacritics 2')",
    "INSERT INTO message_text(rowid, text) SELECT id, text FROM messages WHERE status <> 'streaming'",
)
SEARCH = """
    SELECT m.conversation_id, m.id, snippet(message_text, 0, '', '', '…', 14)
    FROM message_text JOIN messages m ON m.id = message_text.rowid JOIN conversations c ON c.id = m.conversation_id
    WHERE message_text MATCH :query AND c.corpus_id = :corpus ORDER BY rank LIMIT :limit
"""
WORD = re.compile(r"[^\W_]+")


class FoundMessage(NamedTuple):
    """A message that holds every word looked for, and some of its text around them."""

    conversation_id: int
    message_id: int | None
    excerpt: str


def create_statements(dialect: str) -> list[str]:
    """The statements that create the full-text table and fill it from the messages there are.

    Raises:
        NotImplementedError: full-text search is not built for that database.
    """
    if dialect != "sqlite":
        raise NotImplementedError(f"Full-text search is built for SQLite, not for {dialect}.")
    return list(CREATE)


def put(session: Session, message_id: int, words: str) -> None:
    """Make a message's text findable, in place of what it said before."""
    session.execute(text("DELETE FROM message_text WHERE rowid = :id"), {"id": message_id})
    session.execute(
        text("INSERT INTO message_text(rowid, text) VALUES (:id, :text)"), {"id": message_id, "text": words}
    )


def sweep(session: Session) -> None:
    """Take the words of messages that are gone out of the index, down to the last one."""
    session.flush()
    session.execute(text("DELETE FROM message_text WHERE rowid NOT IN (SELECT id FROM messages)"))
    session.execute(text("INSERT INTO message_text(message_text) VALUES ('optimize')"))


def search(session: Session, corpus_id: int, wanted: str, limit: int) -> list[FoundMessage]:
    """The messages of a corpus's conversations that hold every word (the last one may be unfinished), best first."""
    words = WORD.findall(wanted)
    if not words:
        return []
    query = " AND ".join(f'"{word}"' for word in words) + "*"
    values = {"query": query, "corpus": corpus_id, "limit": limit}
    return [FoundMessage(*row) for row in session.execute(text(SEARCH), values)]
