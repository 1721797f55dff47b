"""Full-text search over questions and answers.

A look-up fed from the rows of `messages`; what it still holds of a message that is gone finds nothing, and
`sweep` takes it out. Whatever state it is in, a message is stored: a damaged table is made anew when a write meets it,
and what cannot be indexed at all is not found, and no more. What FTS5 and PostgreSQL's tsvector do for it is here, as
it is in `lexical.py` and `lexical_postgres.py` for chunks; words are cut and stemmed alike.
"""

import logging
import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from storage import fts5
from storage.database import DAMAGED
from storage.errors import Damaged
from storage.lexical_postgres import quoted, vector
from storage.words import Stemmer

log = logging.getLogger(__name__)
TABLE = "message_text"
WANTED = "SELECT id, text FROM messages WHERE status <> 'streaming'"
GONE = "SELECT rowid FROM message_text WHERE rowid NOT IN (SELECT id FROM messages)"
CREATE = (
    "CREATE VIRTUAL TABLE message_text USING fts5(text, tokenize = 'porter unicode61 remove_diacritics 2')",
    "INSERT INTO message_text(rowid, text) SELECT id, text FROM messages WHERE status <> 'streaming'",
)
SEARCH = """
    SELECT m.conversation_id, m.id, snippet(message_text, 0, '', '', '…', 14)
    FROM message_text JOIN messages m ON m.id = message_text.rowid JOIN conversations c ON c.id = m.conversation_id
    WHERE message_text MATCH :query AND c.corpus_id = :corpus AND c.comparison_id IS NULL ORDER BY rank LIMIT :limit
"""
WORD = re.compile(r"[^\W_]+")


POSTGRES = (
    """CREATE TABLE message_text (
        message_id integer PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE, words tsvector NOT NULL)""",
    "CREATE INDEX ix_message_text_words ON message_text USING gin (words)",
)
POSTGRES_PUT = """
    INSERT INTO message_text (message_id, words) VALUES (:id, CAST(:words AS tsvector))
    ON CONFLICT (message_id) DO UPDATE SET words = excluded.words
"""
POSTGRES_SEARCH = """
    SELECT m.conversation_id, m.id, m.text
    FROM message_text t JOIN messages m ON m.id = t.message_id JOIN conversations c ON c.id = m.conversation_id
    WHERE t.words @@ CAST(:query AS tsquery) AND c.corpus_id = :corpus AND c.comparison_id IS NULL
    ORDER BY ts_rank(t.words, CAST(:query AS tsquery)) DESC, m.id LIMIT :limit
"""
AROUND = 7  # words of an excerpt on each side of the one that was found


class FoundMessage(NamedTuple):
    """A message that holds every word looked for, and some of its text around them."""

    conversation_id: int
    message_id: int | None
    excerpt: str


def create_statements(dialect: str) -> list[str]:
    """The statements that create the full-text table and fill it from the messages there are (a new database has none).

    Raises:
        NotImplementedError: full-text search is not built for that database.
    """
    if dialect == "postgresql":
        return list(POSTGRES)
    if dialect != "sqlite":
        raise NotImplementedError(f"Full-text search is built for SQLite and PostgreSQL, not for {dialect}.")
    return list(CREATE)


def put(session: Session, message_id: int, words: str) -> None:
    """Make a message's text findable, in place of what it said before; the message is stored even if that fails."""
    if _on_postgres(session):
        _put_on_postgres(session, message_id, words)
        return

    def act() -> None:
        session.execute(text("DELETE FROM message_text WHERE rowid = :id"), {"id": message_id})
        values = {"id": message_id, "text": words}
        session.execute(text("INSERT INTO message_text(rowid, text) VALUES (:id, :text)"), values)

    if not fts5.written(session, act):
        _mend(session)


def refill(session: Session) -> None:
    """Make every message findable whose text is whole, in a database where none is yet."""
    for id_, words in session.execute(text(WANTED)).all():
        put(session, id_, words)


def rebuild(session: Session) -> None:
    """Make every message findable anew, and nothing else, whatever state the table is in; raises Damaged."""
    session.flush()
    if _on_postgres(session):
        session.execute(text("DELETE FROM message_text"))
        refill(session)
        return
    with fts5.telling(TABLE):
        _make_anew(session)


def agrees(session: Session) -> bool:
    """A quick look, for a start: whether the table can be read, and holds as many messages as it should."""
    rows = session.execute(text(f"SELECT count(*) FROM ({WANTED}) AS wanted")).scalar_one()
    if _on_postgres(session):
        return bool(session.execute(text("SELECT count(*) FROM message_text")).scalar_one() == rows)
    try:
        with fts5.telling(TABLE):
            return fts5.agrees(session, TABLE, rows)
    except Damaged:
        return False


def in_step(session: Session) -> bool:
    """Whether the table holds exactly the messages that should be found, and its index their words. It has to write."""
    if _on_postgres(session):
        wanted, held = f"SELECT id FROM ({WANTED}) AS wanted", "SELECT message_id FROM message_text"
        return not _differ(session, wanted, held)
    try:
        with fts5.telling(TABLE):
            fts5.check(session, TABLE)
            held = "SELECT rowid, text FROM message_text"
            return fts5.finds_all(session, TABLE) and not _differ(session, WANTED, held)
    except Damaged:
        return False


def sweep(session: Session) -> None:
    """Take the words of messages that are gone out of the index, down to the last one."""
    session.flush()
    if _on_postgres(session):
        return  # they went with their messages

    def act() -> None:
        if gone := session.execute(text(GONE)).scalars().all():
            session.execute(text("DELETE FROM message_text WHERE rowid = :id"), [{"id": each} for each in gone])
        session.execute(text("INSERT INTO message_text(message_text) VALUES ('optimize')"))

    if not fts5.written(session, act) or not agrees(session):
        _mend(session)  # words of what is gone may still be in it


def search(session: Session, corpus_id: int, wanted: str, limit: int) -> list[FoundMessage]:
    """The messages of a corpus's conversations that hold every word (the last one may be unfinished), best first.

    Panels of comparisons are no conversations: a few comparisons would take all the places. Raises Damaged.
    """
    words = WORD.findall(wanted)
    if not words:
        return []
    if _on_postgres(session):
        return _search_postgres(session, corpus_id, wanted, limit)
    query = " AND ".join(f'"{word}"' for word in words) + "*"
    values = {"query": query, "corpus": corpus_id, "limit": limit}
    with fts5.reading(session, TABLE):
        return [FoundMessage(*row) for row in session.execute(text(SEARCH), values)]


def _search_postgres(session: Session, corpus_id: int, wanted: str, limit: int) -> list[FoundMessage]:
    stems = _stemmer().sequences([wanted])[0]
    query = " & ".join(map(quoted, stems)) + ":*"
    rows = session.execute(text(POSTGRES_SEARCH), {"query": query, "corpus": corpus_id, "limit": limit})
    return [FoundMessage(row[0], row[1], _excerpt(row[2], stems)) for row in rows]


def _put_on_postgres(session: Session, message_id: int, words: str) -> None:
    session.flush()
    try:
        with session.begin_nested():
            found = vector([], _stemmer().sequences([words])[0])
            session.execute(text(POSTGRES_PUT), {"id": message_id, "words": found})
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        log.warning("message %d has more words than PostgreSQL indexes, and is not found by them", message_id)
        session.execute(text(POSTGRES_PUT), {"id": message_id, "words": ""})


def _mend(session: Session) -> None:
    """Make the table anew inside a transaction that met its damage; it goes on even if that fails."""
    log.warning("the full text of conversations was damaged; it is made anew from the messages")
    if not fts5.written(session, lambda: _make_anew(session)):
        session.info[DAMAGED].add(TABLE)


def _make_anew(session: Session) -> None:
    fts5.drop(session, TABLE)
    for statement in create_statements("sqlite"):
        session.execute(text(statement))


def _differ(session: Session, wanted: str, held: str) -> bool:
    """Whether two queries find other rows."""
    each_way = (f"SELECT 1 FROM ({one} EXCEPT {other}) AS t LIMIT 1" for one, other in ((wanted, held), (held, wanted)))
    return any(session.execute(text(query)).first() is not None for query in each_way)


def _excerpt(message: str, stems: Sequence[str]) -> str:
    """Some of a message around the first word that was looked for."""
    words = message.split()
    firsts = [found[0] if found else "" for found in _stemmer().sequences(words)]
    at = next((at for at, stem in enumerate(firsts) if stem in stems or stem.startswith(stems[-1])), 0)
    begin, end = max(0, at - AROUND), at + AROUND
    return ("…" if begin else "") + " ".join(words[begin:end]) + ("…" if end < len(words) else "")


def _on_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


@cache
def _stemmer() -> Stemmer:
    return Stemmer()
