"""Full-text search over chunks: words in, chunk ids and BM25 scores out.

The full-text table is a look-up fed from the rows of `chunks` and `documents`, and can be rebuilt
from them at any time. Everything that only SQLite's FTS5 can do is in this file and in `words.py`;
PostgreSQL's side is `lexical_postgres.py`, and `lexical(database)` chooses.
Knows nothing of vectors, fusion or passages.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Protocol

from sqlalchemy import bindparam, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from storage.database import Database
from storage.hits import Hit as Hit
from storage.words import Stemmer, content_words

# Own content, so that a deletion knows every word it has to take out of the index.
CREATE = (
    "CREATE VIRTUAL TABLE chunk_text USING fts5"
    "(corpus, title, heading, text, tokenize = 'porter unicode61 remove_diacritics 2')",
    "CREATE VIRTUAL TABLE chunk_terms USING fts5vocab(chunk_text, 'row')",
)
ADD = """
    INSERT INTO chunk_text(rowid, corpus, title, heading, text)
    SELECT c.id, 'c' || c.corpus_id, d.title || ' ' || d.name, c.heading, c.header || ' ' || coalesce(c.edited, c.text)
    FROM chunks c JOIN documents d ON d.id = c.document_id WHERE NOT c.switched_off AND d.status {which}
"""
# The corpus is asked of the rows, best match first, and not of the full text: there it would be a word that every
# chunk holds, walked through and counted anew by each search. Only `count` and `idf` ask for that word.
SEARCH = """
    SELECT t.rowid, -t.rank FROM chunk_text t
    WHERE t.chunk_text MATCH :query AND t.rank MATCH :weights
    AND EXISTS (SELECT 1 FROM chunks c WHERE c.id = t.rowid AND c.corpus_id = :corpus AND c.cut = :cut)
    ORDER BY t.rank LIMIT :limit
"""
COUNT = "SELECT count(*) FROM chunk_text WHERE chunk_text MATCH :query"
WEIGHTS = "bm25(0.0, 1.0, 1.0, 1.0)"  # corpus, title, heading, text
TERMS = 16  # words of a question that are looked up
POSTINGS = 10_000  # places looked up for them in all, which bounds the time a search takes in a big index
AT_ONCE = 500
STEP = 500  # pages of the index that one step of `forget` writes: some tens of milliseconds
UNFORGOTTEN = "PRAGMA user_version"  # removals whose words may still be in the index; part of the transaction


class Numbered(Protocol):
    """Anything that names a row of `chunks`."""

    @property
    def id(self) -> int:
        """The row's id."""
        ...


def create_statements(dialect: str) -> list[str]:
    """The statements that create the full-text tables in an empty database.

    Args:
        dialect: SQLAlchemy's name of the database, "sqlite" or "postgresql".

    Raises:
        NotImplementedError: full-text search is not built for that database.
    """
    if dialect == "postgresql":
        from storage.lexical_postgres import CREATE as POSTGRES

        return list(POSTGRES)
    if dialect != "sqlite":
        raise NotImplementedError(f"Full-text search is built for SQLite and PostgreSQL, not for {dialect}.")
    return list(CREATE)


def lexical(database: Database) -> "Lexical":
    """What searches a database by words: one class for each kind of database, with the same methods and scores."""
    if database.dialect == "postgresql":
        from storage.lexical_postgres import PostgresLexical

        return PostgresLexical(database)
    return Lexical(database)


class Lexical:
    """Searches by words. Methods that write join the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stemmer = Stemmer()

    def add(self, session: Session, rows: Iterable[Numbered]) -> None:
        """Make chunks searchable, whose rows exist already; their document's title and name count as theirs."""
        statement = text(ADD.format(which="IS NOT NULL AND c.id IN :ids")).bindparams(bindparam("ids", expanding=True))
        session.flush()
        for ids in _parts([row.id for row in rows]):
            session.execute(statement, {"ids": ids})

    def remove(self, session: Session, chunk_ids: Collection[int], wipe: bool = True) -> None:
        """Take chunks out of what can be found; with `wipe` their words leave the file with the next `forget`."""
        statement = text("DELETE FROM chunk_text WHERE rowid IN :ids").bindparams(bindparam("ids", expanding=True))
        for ids in _parts(chunk_ids):
            session.execute(statement, {"ids": ids})
        if chunk_ids and wipe:  # a deletion alone leaves the words in older segments until they happen to be merged
            session.execute(text(f"{UNFORGOTTEN} = {_unforgotten(session) + 1}"))

    def forget(self) -> bool:
        """Write the index anew without the words of removed chunks, down to the last; True if there were any.

        In short transactions, so that others write in between; killed, it begins again at its next call.
        """
        with self._database.read() as session:
            removals = begun_with = _unforgotten(session)
        pages = -STEP  # negative: take everything in, not only the parts whose turn it is
        while removals:
            with self._database.write() as session:
                more = _merged(session, pages)
                removals = _unforgotten(session)
                pages = STEP
                if not more and removals == begun_with:
                    session.execute(text(f"{UNFORGOTTEN} = 0"))
                    return True
                if not more:  # removed meanwhile: those words are in parts that were not taken in
                    begun_with, pages = removals, -STEP
        return bool(begun_with)

    def rebuild(self) -> None:
        """Make the table anew from the rows of ready documents."""
        with self._database.write() as session:
            for table in ("chunk_terms", "chunk_text"):
                session.execute(text(f"DROP TABLE IF EXISTS {table}"))
            for statement in create_statements(self._database.dialect):
                session.execute(text(statement))
            session.execute(text(ADD.format(which="= 'ready'")))

    def in_step(self) -> bool:
        """Whether the table holds exactly the words of the chunks that should be found, and its index those."""
        wanted = ADD.format(which="= 'ready'").split("SELECT", 1)[1]
        held = "SELECT rowid, corpus, title, heading, text FROM chunk_text"
        try:
            with self._database.write() as session:
                session.execute(text("INSERT INTO chunk_text(chunk_text) VALUES ('integrity-check')"))
                more = session.execute(text(f"SELECT 1 FROM ({held} EXCEPT SELECT {wanted}) LIMIT 1")).first()
                less = session.execute(text(f"SELECT 1 FROM (SELECT {wanted} EXCEPT {held}) LIMIT 1")).first()
        except DatabaseError:
            return False
        return more is None and less is None

    def search(self, corpus_id: int, question: str, limit: int, cut: int = 0) -> list[Hit]:
        """The chunks of one cut of a corpus that share words with a question, best first.

        Scores are BM25 (k1 1.2, b 0.75) over stemmed words; stop words do not count, and of a long
        question only its rarest words do.
        """
        with self._database.read() as session:
            words = self._rarest(session, content_words(question))
            if not words:
                return []
            values = {"query": _any_of(words), "weights": WEIGHTS, "corpus": corpus_id, "cut": cut, "limit": limit}
            return [Hit(*row) for row in session.execute(text(SEARCH), values)]

    def count(self, corpus_id: int) -> int:
        """How many chunks of a corpus the full text holds, of whatever cut."""
        with self._database.read() as session:
            return _number(session, _query(corpus_id))

    def idf(self, corpus_id: int, words: Collection[str]) -> dict[str, float]:
        """Inverse document frequency of each word in a corpus: ln(1 + (N - n + 0.5) / (n + 0.5)).

        Words are stemmed like the text; a word that no chunk holds has the highest value.
        """
        with self._database.read() as session:
            total = _number(session, _query(corpus_id))
            found = {word: _number(session, _query(corpus_id, [word])) for word in set(words)}
        return {word: math.log(1 + (total - n + 0.5) / (n + 0.5)) for word, n in found.items()}

    def _rarest(self, session: Session, words: Sequence[str]) -> list[str]:
        """The words that the fewest chunks hold, of those that any does: as many as TERMS and POSTINGS allow."""
        stems = self._stemmer.stems(words)
        statement = text("SELECT term, doc FROM chunk_terms WHERE term IN :terms")
        statement = statement.bindparams(bindparam("terms", expanding=True))
        rows: Any = session.execute(statement, {"terms": sorted(set(stems.values()))}) if stems else []
        frequency: dict[str, int] = dict(tuple(row) for row in rows)
        one_each = {stem: word for word, stem in stems.items() if stem in frequency}
        rarest = sorted(one_each, key=lambda stem: (frequency[stem], stem))[:TERMS]
        places = accumulate(frequency[stem] for stem in rarest)
        return [
            one_each[stem] for at, (stem, n) in enumerate(zip(rarest, places, strict=True)) if not at or n <= POSTINGS
        ]


def _query(corpus_id: int, words: Sequence[str] = ()) -> str:
    """An FTS5 expression; words are quoted, so nothing in a question is syntax."""
    within = f"corpus : c{int(corpus_id)}"
    return f"{within} AND {_any_of(words)}" if words else within


def _any_of(words: Sequence[str]) -> str:
    any_of = " OR ".join('"' + word.replace("\0", " ").replace('"', '""') + '"' for word in words)
    return f"{{title heading text}} : ({any_of})"


def _unforgotten(session: Session) -> int:
    return int(session.execute(text(UNFORGOTTEN)).scalar_one())


def _merged(session: Session, pages: int) -> bool:
    """Merge that many pages of the index; whether there was anything to merge (SQLite's own way to tell)."""
    changes = text("SELECT total_changes()")
    before = int(session.execute(changes).scalar_one())
    session.execute(text("INSERT INTO chunk_text(chunk_text, rank) VALUES ('merge', :pages)"), {"pages": pages})
    return int(session.execute(changes).scalar_one()) - before >= 2


def _number(session: Session, query: str) -> int:
    return int(session.execute(text(COUNT), {"query": query}).scalar_one())


def _parts(ids: Collection[int]) -> Iterator[list[int]]:
    numbers = list(ids)
    return (numbers[at : at + AT_ONCE] for at in range(0, len(numbers), AT_ONCE))
