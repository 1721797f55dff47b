"""What FTS5 keeps for itself is noticed when it does not fit together, and never taken for damage when it does."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import text

from storage import fts5
from storage.conversations import Conversations
from storage.corpora import Corpora
from storage.database import Database
from storage.errors import Damaged
from storage.lexical import TABLE, Lexical
from tests.storage.test_lexical import add, found

WORDS = [f"alpha{n} " + " ".join(f"w{(n * k) % 97}x{k}" for k in range(40)) for n in range(200)]


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database.open(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def lexical(database: Database) -> Lexical:
    return Lexical(database)


def damage(database: Database, statement: str) -> None:
    with closing(sqlite3.connect(database.file)) as outside, outside:
        outside.execute(statement)


def test_an_index_that_is_written_merged_and_forgotten_again_and_again_is_never_taken_for_damaged(
    database: Database, lexical: Lexical
) -> None:
    corpus, there = 0, set[int]()
    for turn in range(12):
        corpus = add(database, lexical, "c", WORDS[: 20 + turn], name=f"{turn}")
        with database.read() as session:
            there = set(session.execute(text("SELECT rowid FROM chunk_text")).scalars())
        with database.write() as session:
            lexical.remove(session, sorted(there)[:: turn % 4 + 2])
        with database.read() as session:
            assert fts5.agrees(session, TABLE)
        if turn % 3 == 0:
            lexical.forget()
        assert lexical.agrees({corpus: lexical.count(corpus)})
    with database.write() as session:
        fts5.check(session, TABLE)
        assert fts5.finds_all(session, TABLE)


def test_a_word_that_the_index_holds_and_does_not_find_is_noticed(database: Database, lexical: Lexical) -> None:
    add(database, lexical, "c", WORDS)
    lexical.rebuild()
    assert lexical.in_step()
    damage(database, "DELETE FROM chunk_text_idx WHERE pgno > (SELECT min(pgno) FROM chunk_text_idx)")
    assert not lexical.in_step()


def test_a_connection_that_remembers_a_damaged_table_finds_the_new_one(database: Database, lexical: Lexical) -> None:
    corpus = add(database, lexical, "c", ["alpha"])
    with database.read() as held:  # a connection of its own for as long as it is open
        held.execute(text("SELECT 1")).all()
        held.rollback()
        damage(database, "DROP TABLE chunk_text_data")
        with pytest.raises(Damaged), fts5.reading(held, TABLE):
            held.execute(text("SELECT rowid FROM chunk_text WHERE chunk_text MATCH 'alpha'")).all()
        held.rollback()
        lexical.rebuild()
        with fts5.reading(held, TABLE):
            assert held.execute(text("SELECT rowid FROM chunk_text WHERE chunk_text MATCH 'alpha'")).all() == [(1,)]
    assert found(lexical, corpus, "alpha") == [1]


def test_a_table_that_cannot_be_opened_is_taken_away_with_all_that_was_its_own(
    database: Database, lexical: Lexical
) -> None:
    add(database, lexical, "c", ["alpha"])
    damage(database, "DELETE FROM chunk_text_config")
    with database.write() as session:
        session.execute(text("DROP TABLE chunk_terms"))
        fts5.drop(session, TABLE)
        left = session.execute(text("SELECT name FROM sqlite_master WHERE name LIKE 'chunk_t%'")).scalars().all()
        session.rollback()
    assert left == []
    with database.read() as session:  # taken back whole with its transaction
        assert len(session.execute(text("SELECT name FROM sqlite_master WHERE name LIKE 'chunk_t%'")).all()) == 7
        assert session.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    lexical.rebuild()
    assert lexical.in_step()


def test_a_message_of_more_words_than_postgresql_indexes_is_stored(postgres_url: str) -> None:
    database = Database.open(postgres_url)
    talks = Conversations(database)
    talk = talks.create(Corpora(database).create("c", "legal").id).id
    long = " ".join(f"{n:08x}{n:08x}{n:08x}" for n in range(60_000))
    talks.add_question(talk, long)
    talks.add_question(talk, "Which vermilion door?")
    assert [row.text for row in talks.messages(talk)] == [long, "Which vermilion door?"]
    assert talks.words_agree()
    assert talks.words_in_step()
    with database.write() as session:
        session.execute(text("DELETE FROM message_text"))
    assert not talks.words_agree()
    talks.rebuild_words()
    assert talks.words_in_step()
    assert len(talks.search(1, "vermilion")) == 1
    database.close()
