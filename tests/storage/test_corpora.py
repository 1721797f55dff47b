"""Rows of chunks by id: which may be found, and that looking them up does not grow with the corpus."""

from typing import Any

import pytest
from sqlalchemy import event

from storage import corpora
from storage.corpora import Corpora
from storage.database import Database
from storage.tables import Chunk, Corpus, Document


def add(database: Database, name: str, texts: list[str], status: str = "ready", off: bool = False) -> list[int]:
    with database.write() as session:
        corpus = Corpus(name=name, domain="legal")
        session.add(corpus)
        session.flush()
        document = Document(corpus_id=corpus.id, name=name, content_sha256=name, size_bytes=1, status=status)
        session.add(document)
        session.flush()
        place = {"corpus_id": corpus.id, "document_id": document.id, "page": 1, "kind": "paragraph"}
        chunks = [
            Chunk(**place, ordinal=at, start=at, end=at + 1, text=text, switched_off=off)
            for at, text in enumerate(texts)
        ]
        session.add_all(chunks)
        session.flush()
        return [chunk.id for chunk in chunks]


def test_only_chunks_of_ready_documents_that_are_on_may_be_found(database: Database) -> None:
    ready, off = add(database, "ready", ["one", "two"]), add(database, "off", ["three"], off=True)
    waiting = add(database, "waiting", ["four"], status="embedding")
    found = Corpora(database).chunks_by_ids([*waiting, *off, *reversed(ready), 999])
    assert {key: row.text for key, row in found.items()} == dict(zip(ready, ["one", "two"], strict=True))
    assert Corpora(database).chunks_by_ids([]) == {}


def test_more_chunks_than_one_statement_takes_are_found(database: Database) -> None:
    ids = add(database, "long", [str(number) for number in range(1200)])
    assert list(Corpora(database).chunks_by_ids(ids)) == ids


def test_edited_chunks_of_pages_are_found_once_however_many_are_asked_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpora, "AT_ONCE", 2)
    ids = [*add(database, "a", ["a 1", "a 2"]), *add(database, "b", ["b 1", "b 2"])]
    with database.write() as session:
        chunks = [session.get_one(Chunk, each) for each in ids]
        for chunk in chunks:
            chunk.page, chunk.edited = chunk.ordinal + 1, f"{chunk.text} in other words"
        first, second = chunks[0].document_id, chunks[-1].document_id
    keys = [(first, 2), (second, 1), (second, 2)]
    found = Corpora(database).edited_by_keys(keys)
    assert {key: [row.edited for row in rows] for key, rows in found.items()} == {
        (first, 2): ["a 2 in other words"],
        (second, 1): ["b 1 in other words"],
        (second, 2): ["b 2 in other words"],
    }
    assert Corpora(database).edited_by_keys([]) == {}


def test_many_chunks_are_looked_up_by_id_and_not_through_all_ready_documents(sqlite_url: str) -> None:
    database = Database.open(sqlite_url)
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, values))

    event.listen(database.engine, "before_cursor_execute", note)
    Corpora(database).chunks_by_ids(range(1, 201))
    event.remove(database.engine, "before_cursor_execute", note)
    [(statement, values)] = asked
    with database.engine.connect() as connection:
        steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    database.close()
    assert steps[0] == "SEARCH chunks USING INTEGER PRIMARY KEY (rowid=?)"
    assert steps[-1] == "SEARCH documents USING INTEGER PRIMARY KEY (rowid=?)"
