"""Full-text search over chunks: words in, chunk ids and BM25 scores out.

The full-text table is a look-up fed from the rows of `chunks` and `documents`, and can be rebuilt
from them at any time. A damaged one harms no row: a write makes it anew and goes on, a search raises Damaged.
Everything that only SQLite's FTS5 can do is in this file, in `fts5.py` and in `words.py`;
PostgreSQL's side is `lexical_postgres.py`, and `lexical(database)` chooses.
Knows nothing of vectors, fusion or passages.
"""

import logging
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Protocol

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from storage import fts5
from storage.database import Database
from storage.errors import Damaged
from storage.hits import Hit as Hit
from storage.rarity import Counts, rarity
from storage.words import Stemmer, searched

log = logging.getLogger(__name__)
TABLE = "chunk_text"
# Own content, so that a deletion knows every word it has to take out of the index.
CREATE = (
    "CREATE VIRTUAL TABLE chunk_text USING fts5"
    "(corpus, title, heading, text, tokenize = 'porter unicode61 remove_diacritics 2')",
    "CREATE VIRTUAL TABLE chunk_terms USING fts5vocab(chunk_text, 'row')",
)
INSERT = "INSERT INTO chunk_text(rowid, corpus, title, heading, text)"
TEXTS = """
    SELECT c.id, 'c' || c.corpus_id, d.title || ' ' || d.name, c.heading, c.header || ' ' || coalesce(c.edited, c.text)
    FROM chunks c JOIN documents d ON d.id = c.document_id WHERE NOT c.switched_off AND d.status {which}
"""
# The corpus is asked of the rows, best match first, and not of the full text: there it would be a word that every
# chunk holds, walked through and counted anew by each search. Only `_number` asks for that word.
SEARCH = """
    SELECT id, sum(score) AS total FROM ({words}) GROUP BY id ORDER BY total DESC, id LIMIT :most
"""
WORD = """
    SELECT t.rowid AS id, -t.rank * :weight{at} AS score FROM chunk_text t
    WHERE t.chunk_text MATCH :word{at} AND t.rank MATCH :columns
"""
WITHIN = "SELECT id FROM chunks WHERE id IN :ids AND corpus_id = :corpus AND cut = :cut"
MENTIONS = """
    SELECT coalesce(c.edited, c.text) FROM chunk_text t JOIN chunks c ON c.id = t.rowid
    WHERE t.chunk_text MATCH :query AND c.corpus_id = :corpus AND c.cut = :cut ORDER BY t.rowid LIMIT :limit
"""
EVERY = "SELECT count(*) FROM chunk_text_docsize"  # a row a chunk, and a short one
# Where the full text is damaged, the rows say how many chunks of a corpus hold some letters: {held} counts for words.
ROWS = """
    SELECT count(*){held} FROM (
        SELECT
            lower(d.title || ' ' || d.name || ' ' || c.heading || ' ' || c.header || ' ' || coalesce(c.edited, c.text))
            AS said
        FROM chunks c JOIN documents d ON d.id = c.document_id
        WHERE c.corpus_id = :corpus AND NOT c.switched_off AND d.status = 'ready'
    )
"""
COUNT = "SELECT count(*) FROM chunk_text WHERE chunk_text MATCH :query"
ANY = "SELECT 1 FROM chunk_text WHERE chunk_text MATCH :query LIMIT 1"
COLUMNS = "bm25(0.0, 1.0, 1.0, 1.0)"  # what corpus, title, heading and text count
SOME = 4  # times as many as are wanted: enough to look at where most of what is held is of one corpus
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
        wanted = text(TEXTS.format(which="IS NOT NULL AND c.id IN :ids")).bindparams(bindparam("ids", expanding=True))
        chunk_ids = [row.id for row in rows]

        def add() -> None:
            for ids in _parts(chunk_ids):
                if found := session.execute(wanted, {"ids": ids}).all():
                    session.connection().exec_driver_sql(f"{INSERT} VALUES (?, ?, ?, ?, ?)", [*map(tuple, found)])

        if not fts5.written(session, add):
            self._make_anew(session)
            _take_out(session, chunk_ids)
            add()

    def remove(self, session: Session, chunk_ids: Collection[int], wipe: bool = True) -> None:
        """Take chunks out of what can be found; with `wipe` their words leave the file with the next `forget`."""
        if not fts5.written(session, lambda: _take_out(session, chunk_ids)):
            self._make_anew(session)
            _take_out(session, chunk_ids)
        if chunk_ids and wipe:  # a deletion alone leaves the words in older segments until they happen to be merged
            session.execute(text(f"{UNFORGOTTEN} = {_unforgotten(session) + 1}"))

    def forget(self) -> bool:
        """Write the index anew without the words of removed chunks, down to the last; True if there were any.

        In short transactions, so that others write in between; killed, it begins again at its next call. A
        damaged index is made anew instead; may raise Damaged.
        """
        try:
            with fts5.telling(TABLE):
                return self._forget()
        except Damaged:
            return self.rebuild()

    def _forget(self) -> bool:
        with self._database.read() as session:
            removals = begun_with = _unforgotten(session)
            if removals and not fts5.agrees(session, TABLE):
                raise Damaged(TABLE)  # what was removed may still be in it
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

    def rebuild(self) -> bool:
        """Make the table anew from the rows of ready documents, whatever state it is in: one transaction.

        Returns True if words of removed chunks went with the old one. Raises Damaged when it could not be taken away.
        """
        with fts5.telling(TABLE), self._database.write() as session:
            removals = _unforgotten(session)
            self._make_anew(session)
            session.execute(text(f"{UNFORGOTTEN} = 0"))
        self._database.damaged.discard(TABLE)
        return bool(removals)

    def _make_anew(self, session: Session) -> None:
        log.warning("the full text is made anew from the rows")
        session.execute(text("DROP TABLE IF EXISTS chunk_terms"))
        fts5.drop(session, TABLE)
        for statement in create_statements(self._database.dialect):
            session.execute(text(statement))
        session.execute(text(INSERT + TEXTS.format(which="= 'ready'")))

    def agrees(self, wanted: Mapping[int, int]) -> bool:
        """A quick look, for a start: whether it can be read, and holds that many chunks of each corpus."""
        try:
            with self._database.read() as session, fts5.telling(TABLE):
                held = fts5.agrees(session, TABLE, sum(wanted.values()))
                return held and all(_number(session, _query(each)) == number for each, number in wanted.items())
        except Damaged:
            return False

    def in_step(self) -> bool:
        """Whether the table holds exactly the words of the chunks that should be found, and its index those."""
        wanted = TEXTS.format(which="= 'ready'")
        held = "SELECT rowid, corpus, title, heading, text FROM chunk_text"
        try:
            with fts5.telling(TABLE), self._database.write() as session:
                fts5.check(session, TABLE)
            with fts5.telling(TABLE), self._database.read() as session:  # takes longer, and keeps no writer waiting
                if not fts5.finds_all(session, TABLE):
                    return False
                more = session.execute(text(f"SELECT 1 FROM ({held} EXCEPT {wanted}) LIMIT 1")).first()
                less = session.execute(text(f"SELECT 1 FROM ({wanted} EXCEPT {held}) LIMIT 1")).first()
        except Damaged:
            return False
        return more is None and less is None

    def search(
        self, corpus_id: int, question: str, limit: int, cut: int = 0, counts: Counts | None = None
    ) -> list[Hit]:
        """The chunks of one cut of a corpus that share words with a question, best first.

        Scores are BM25 (k1 1.2, b 0.75) over stemmed words; stop words do not count, and of a long question only
        its rarest words do. How rare a word is, the corpus says, so that what others hold changes no order here;
        which of many words are looked up, and how long a text is, is held against all. What had to be counted is
        noted in `counts`. Raises Damaged.
        """
        with self._database.read() as session, fts5.reading(session, TABLE):
            words = self._rarest(session, searched(question))
            if not words:
                return []
            weights = self._weights(session, corpus_id, words, counts or Counts())
            if not weights:
                return []
            found: list[Hit] = []
            for most in (SOME * limit, -1):
                hits = _scored(session, weights, most)
                there = _within(session, [hit.chunk_id for hit in hits], corpus_id, cut)
                found = [hit for hit in hits if hit.chunk_id in there]
                if len(found) >= limit or len(hits) < most:
                    break
        return found[:limit]

    def _weights(self, session: Session, corpus_id: int, words: Sequence[str], counts: Counts) -> dict[str, float]:
        """What FTS5's score of each word is multiplied with: how rare it is here, for how rare it is anywhere."""
        every = int(session.execute(text(EVERY)).scalar_one())
        mine, found = _counted(session, corpus_id, words)
        counts.note(mine, found)
        here = {word: n for word, n in found.items() if n}
        anywhere = {word: _number(session, _any_of([word])) for word in here}
        if every < max(mine, *anywhere.values(), 0):
            raise Damaged(TABLE)  # its own tables do not fit together
        return {word: rarity(mine, n) / _rarity_of_fts5(every, anywhere[word]) for word, n in here.items()}

    def mentions(self, corpus_id: int, word: str, limit: int, cut: int = 0) -> list[str]:
        """The texts of the first chunks of one cut of a corpus that hold a word, oldest first.

        Where a document brings a word in, it says what it means. Nothing is scored or sorted, so a word that all
        chunks hold takes no longer than another. Raises Damaged.
        """
        values = {"query": _query(corpus_id, [word]), "corpus": corpus_id, "cut": cut, "limit": limit}
        with self._database.read() as session, fts5.reading(session, TABLE):
            return list(session.scalars(text(MENTIONS), values))

    def count(self, corpus_id: int) -> int:
        """How many chunks of a corpus the full text holds, of whatever cut; raises Damaged."""
        with self._database.read() as session, fts5.reading(session, TABLE):
            return _number(session, _query(corpus_id))

    def held(self, corpus_id: int, words: Collection[str]) -> set[str]:
        """Those of some words that a corpus holds; the first chunk with one decides, so that none is counted."""
        try:
            with self._database.read() as session, fts5.reading(session, TABLE):
                return {
                    word for word in words if session.execute(text(ANY), {"query": _query(corpus_id, [word])}).first()
                }
        except Damaged:
            return {word for word, n in self._counted_in_rows(corpus_id, sorted(set(words)))[1].items() if n}

    def idf(self, corpus_id: int, words: Collection[str], counts: Counts | None = None) -> dict[str, float]:
        """How rare each word is in a corpus, see `rarity`.

        Words are stemmed like the text; a word that no chunk holds has the highest value. While the full text is
        damaged the rows are counted whose letters hold a word or its stem, which is nearly the same. What `counts`
        knows is not counted again, and what is counted is noted there.
        """
        counts = counts or Counts()
        if missing := counts.missing(words):
            counts.note(*self._total_and_found(corpus_id, missing, counts.total))
        return {word: rarity(counts.total or 0, counts.holding[word]) for word in words}

    def _total_and_found(self, corpus_id: int, words: Sequence[str], total: int | None) -> tuple[int, dict[str, int]]:
        try:
            with self._database.read() as session, fts5.reading(session, TABLE):
                return _counted(session, corpus_id, words, total)
        except Damaged:
            return self._counted_in_rows(corpus_id, sorted(set(words)))

    def _counted_in_rows(self, corpus_id: int, words: Sequence[str]) -> tuple[int, dict[str, int]]:
        stems = self._stemmer.stems(words)
        held = "".join(f", coalesce(sum(instr(said, :word{at}) > 0), 0)" for at in range(len(words)))
        letters = {f"word{at}": _letters(word, stems.get(word, "")) for at, word in enumerate(words)}
        with self._database.read() as session:
            total, *counts = session.execute(text(ROWS.format(held=held)), letters | {"corpus": corpus_id}).one()
        return int(total), dict(zip(words, map(int, counts), strict=True))

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


def _counted(
    session: Session, corpus_id: int, words: Iterable[str], total: int | None = None
) -> tuple[int, dict[str, int]]:
    """How many chunks the full text holds of a corpus, unless that is known, and how many of them hold each word."""
    held = {word: _number(session, _query(corpus_id, [word])) for word in dict.fromkeys(words)}
    return _number(session, _query(corpus_id)) if total is None else total, held


def _scored(session: Session, weights: Mapping[str, float], most: int) -> list[Hit]:
    """BM25 of the chunks of whatever corpus that hold a word, best first; of all with -1."""
    words = " UNION ALL ".join(WORD.format(at=at) for at in range(len(weights)))
    values: dict[str, object] = {"columns": COLUMNS, "most": most}
    for at, (word, weight) in enumerate(weights.items()):
        values |= {f"word{at}": _any_of([word]), f"weight{at}": weight}
    return [Hit(*row) for row in session.execute(text(SEARCH.format(words=words)), values)]


def _within(session: Session, chunk_ids: Sequence[int], corpus_id: int, cut: int) -> set[int]:
    """Those of one cut of a corpus."""
    statement = text(WITHIN).bindparams(bindparam("ids", expanding=True))
    values = {"corpus": corpus_id, "cut": cut}
    return {found for ids in _parts(chunk_ids) for found in session.scalars(statement, values | {"ids": ids})}


def _rarity_of_fts5(total: int, holding: int) -> float:
    """What FTS5's bm25() multiplies a word with: its own formula, never below 1e-6."""
    return max(1e-6, math.log((total - holding + 0.5) / (holding + 0.5)))


def _query(corpus_id: int, words: Sequence[str] = ()) -> str:
    """An FTS5 expression; words are quoted, so nothing in a question is syntax."""
    within = f"corpus : c{int(corpus_id)}"
    return f"{within} AND {_any_of(words)}" if words else within


def _any_of(words: Sequence[str]) -> str:
    any_of = " OR ".join('"' + word.replace("\0", " ").replace('"', '""') + '"' for word in words)
    return f"{{title heading text}} : ({any_of})"


def _letters(word: str, stem: str) -> str:
    """What texts hold of a word in whatever form: its stem, unless that is spelled otherwise (happy: happi)."""
    return stem if stem and word.lower().startswith(stem) else word.lower()


def _take_out(session: Session, chunk_ids: Collection[int]) -> None:
    if values := [{"id": chunk_id} for chunk_id in chunk_ids]:
        session.execute(text("DELETE FROM chunk_text WHERE rowid = :id"), values)


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
