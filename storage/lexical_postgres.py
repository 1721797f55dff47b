"""Full-text search on PostgreSQL: the same words, stems and scores as `lexical.py` gives on SQLite.

    chunk_text: one row a chunk; `words` is a tsvector of stems with their places, under a GIN index

Words are cut and stemmed by FTS5's English stemmer (`storage/words.py`) on both databases, and scored by
BM25 with its constants: `ts_rank` knows neither how rare a word is nor how long a text, and the fusion with
meaning counts words as a share of the best match, so scores have to mean the same. `corpus` is a stem too,
one that no text has, so that one index finds words within a corpus.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate, islice
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from storage.hits import Hit
from storage.lexical import AT_ONCE, POSTINGS, TABLE, TERMS, Lexical, Numbered
from storage.rarity import Counts, rarity
from storage.words import searched

CREATE = (
    """CREATE TABLE chunk_text (
        chunk_id integer PRIMARY KEY REFERENCES chunks (id) ON DELETE CASCADE,
        corpus_id integer NOT NULL, length integer NOT NULL, words tsvector NOT NULL)""",
    "CREATE INDEX ix_chunk_text_words ON chunk_text USING gin (words)",
    "CREATE INDEX ix_chunk_text_corpus_id ON chunk_text (corpus_id) INCLUDE (length)",
)
TEXTS = """
    SELECT c.id, c.corpus_id,
        d.title || ' ' || d.name || ' ' || c.heading || ' ' || c.header || ' ' || coalesce(c.edited, c.text)
    FROM chunks c JOIN documents d ON d.id = c.document_id WHERE NOT c.switched_off AND {which} ORDER BY c.id
"""
INSERT = "INSERT INTO chunk_text (chunk_id, corpus_id, length, words) VALUES (:id, :corpus, :length, :words ::tsvector)"
SIZE = "SELECT count(*), coalesce(avg(length), 0)::double precision FROM chunk_text WHERE corpus_id = :corpus"
COUNT = "SELECT count(*) FROM chunk_text WHERE words @@ :query ::tsquery"
SEARCH = """
    SELECT t.chunk_id, sum(
        s.idf * cardinality(w.positions) * 2.2
        / (cardinality(w.positions) + 1.2 * (0.25 + 0.75 * t.length / :average))) AS score
    FROM chunk_text t JOIN chunks c ON c.id = t.chunk_id AND c.cut = :cut CROSS JOIN LATERAL unnest(t.words) AS w
    JOIN unnest(CAST(:stems AS text[]), CAST(:idfs AS double precision[])) AS s(stem, idf) ON s.stem = w.lexeme
    WHERE t.words @@ :query ::tsquery GROUP BY t.chunk_id ORDER BY score DESC, t.chunk_id LIMIT :limit
"""
MENTIONS = """
    SELECT coalesce(c.edited, c.text) FROM chunk_text t JOIN chunks c ON c.id = t.chunk_id AND c.cut = :cut
    WHERE t.words @@ :query ::tsquery ORDER BY t.chunk_id LIMIT :limit
"""
LONGEST_STEM, LAST_PLACE, MOST_PLACES = 1000, 16_383, 255  # what a tsvector takes: characters, position, per stem


class PostgresLexical(Lexical):
    """Searches by words, in a PostgreSQL database."""

    def add(self, session: Session, rows: Iterable[Numbered]) -> None:
        """Make chunks searchable, whose rows exist already; their document's title and name count as theirs."""
        statement = text(TEXTS.format(which="c.id IN :ids")).bindparams(bindparam("ids", expanding=True))
        session.flush()
        waiting = iter([row.id for row in rows])
        while ids := list(islice(waiting, AT_ONCE)):
            self._insert(session, session.execute(statement, {"ids": ids}).all())

    def remove(self, session: Session, chunk_ids: Collection[int], wipe: bool = True) -> None:
        """Take chunks out; the server's vacuum takes their bytes in its own time, whatever `wipe` says."""
        statement = text("DELETE FROM chunk_text WHERE chunk_id IN :ids").bindparams(bindparam("ids", expanding=True))
        waiting = iter(chunk_ids)
        while ids := list(islice(waiting, AT_ONCE)):
            session.execute(statement, {"ids": ids})

    def forget(self) -> bool:
        """Nothing: the server's vacuum does it in its own time. Returns False."""
        return False

    def rebuild(self) -> bool:
        """Make the table anew from the rows of ready documents: one transaction. Returns False, as `forget` does."""
        with self._database.write() as session:
            session.execute(text("DELETE FROM chunk_text"))
            statement = text(TEXTS.format(which="d.status = 'ready' AND c.id > :after") + " LIMIT :most")
            after = 0
            while rows := session.execute(statement, {"after": after, "most": AT_ONCE}).all():
                self._insert(session, rows)
                after = rows[-1][0]
        self._database.damaged.discard(TABLE)
        return False

    def agrees(self, wanted: Mapping[int, int]) -> bool:
        """Whether it holds that many chunks of each corpus."""
        return all(self.count(corpus_id) == number for corpus_id, number in wanted.items())

    def in_step(self) -> bool:
        """Whether the table has a row for every chunk that should be found, and no other."""
        statement = "SELECT chunk_id FROM chunk_text"
        wanted = (
            "SELECT c.id FROM chunks c JOIN documents d ON d.id = c.document_id "
            "WHERE NOT c.switched_off AND d.status = 'ready'"
        )
        with self._database.read() as session:
            found = text(
                f"SELECT 1 FROM (({statement} EXCEPT {wanted}) UNION ALL ({wanted} EXCEPT {statement})) t LIMIT 1"
            )
            return session.execute(found).first() is None

    def search(
        self, corpus_id: int, question: str, limit: int, cut: int = 0, counts: Counts | None = None
    ) -> list[Hit]:
        """The chunks of one cut of a corpus that share words with a question, best first.

        Scores are BM25 (k1 1.2, b 0.75) over stemmed words; stop words do not count, and of a long
        question only its rarest words do. How rare a word is, the corpus says. What had to be counted is noted
        in `counts`.
        """
        words = self._stemmer.stems(searched(question))
        stems = sorted(set(words.values()))
        with self._database.read() as session:
            total, average = session.execute(text(SIZE), {"corpus": corpus_id}).one()
            frequency = self._frequency(session, corpus_id, stems)
            if counts is not None:
                counts.note(int(total), {word: frequency.get(stem, 0) for word, stem in words.items()})
            kept = _rarest(frequency)
            if not kept:
                return []
            values = {
                "query": _query(corpus_id, kept), "average": average, "cut": cut, "limit": limit, "stems": kept,
                "idfs": [rarity(total, frequency[stem]) for stem in kept],
            }  # fmt: skip
            return [Hit(*row) for row in session.execute(text(SEARCH), values)]

    def mentions(self, corpus_id: int, word: str, limit: int, cut: int = 0) -> list[str]:
        """The texts of the first chunks of one cut of a corpus that hold a word, oldest first."""
        stems = self._stemmer.sequences([word.replace("\0", " ")])[0]
        if not stems:
            return []
        together = " <-> ".join(map(quoted, stems))
        values = {"query": f"{quoted(f'#{int(corpus_id)}')} & ({together})", "cut": cut, "limit": limit}
        with self._database.read() as session:
            return list(session.scalars(text(MENTIONS), values))

    def count(self, corpus_id: int) -> int:
        """How many chunks of a corpus the full text holds, of whatever cut."""
        with self._database.read() as session:
            return int(session.execute(text(SIZE), {"corpus": corpus_id}).one()[0])

    def held(self, corpus_id: int, words: Collection[str]) -> set[str]:
        """Those of some words that a corpus holds."""
        return {word for word, n in self._total_and_found(corpus_id, list(words), 0)[1].items() if n}

    def _total_and_found(self, corpus_id: int, words: Sequence[str], total: int | None) -> tuple[int, dict[str, int]]:
        stems = self._stemmer.stems([word.replace("\0", " ") for word in words])
        with self._database.read() as session:
            if total is None:
                total = int(session.execute(text(SIZE), {"corpus": corpus_id}).one()[0])
            frequency = self._frequency(session, corpus_id, sorted(set(stems.values())))
        return total, {word: frequency.get(stems.get(word.replace("\0", " "), ""), 0) for word in words}

    def _frequency(self, session: Session, corpus_id: int, stems: Sequence[str]) -> dict[str, int]:
        """How many chunks of a corpus hold each stem; those that none holds are left out."""
        counted = {stem: session.execute(text(COUNT), {"query": _query(corpus_id, [stem])}).scalar() for stem in stems}
        return {stem: int(n) for stem, n in counted.items() if n}

    def _insert(self, session: Session, rows: Sequence[Any]) -> None:
        stems = self._stemmer.sequences([row[2] for row in rows])
        values = [
            {"id": row[0], "corpus": row[1], "length": len(found) + 1, "words": vector([f"#{row[1]}"], found)}
            for row, found in zip(rows, stems, strict=True)
        ]
        if values:
            session.execute(text(INSERT), values)


def vector(labels: Sequence[str], stems: Sequence[str]) -> str:
    """A tsvector's text: labels without a place, stems with theirs."""
    places: dict[str, list[int]] = {}
    for at, stem in enumerate(stems, 1):
        if len(stem) <= LONGEST_STEM:
            places.setdefault(stem, []).append(min(at, LAST_PLACE))
    with_places = [f"{quoted(stem)}:{','.join(map(str, _apart(at)))}" for stem, at in places.items()]
    return " ".join([*map(quoted, labels), *with_places])


def quoted(stem: str) -> str:
    """A stem that is nothing but itself inside a tsvector or tsquery."""
    return "'" + stem.replace("\\", "\\\\").replace("'", "''") + "'"


def _apart(places: Sequence[int]) -> list[int]:
    return sorted(set(places))[:MOST_PLACES]


def _query(corpus_id: int, stems: Sequence[str]) -> str:
    return f"{quoted(f'#{int(corpus_id)}')} & ({' | '.join(map(quoted, stems))})"


def _rarest(frequency: Mapping[str, int]) -> list[str]:
    """The stems that the fewest chunks hold: as many as TERMS and POSTINGS allow."""
    rarest = sorted(frequency, key=lambda stem: (frequency[stem], stem))[:TERMS]
    places = accumulate(frequency[stem] for stem in rarest)
    return [stem for at, (stem, n) in enumerate(zip(rarest, places, strict=True)) if not at or n <= POSTINGS]
