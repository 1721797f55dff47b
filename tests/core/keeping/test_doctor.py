"""The doctor notices every damage, mends what can be made again, and names what a person must decide."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from core.ingestion import intake
from core.keeping.doctor import Finding, examine
from core.workspace import Workspace
from tests.core.keeping.conftest import settings

QUESTIONS = ("How high is the rent of unit 7?", "notice of thirty days", "deposit")
VARIANTS = int(os.environ.get("TRIPTYCH_TORTURE", "10"))


def notes(number: int) -> bytes:
    parts = (
        f"## Unit {n}\n\nThe rent of unit {n} is {100 * n} euro, its deposit {7 * n}; notice {n} days."
        for n in range(12)
    )
    return f"# Building {number}\n\n{chr(10).join(parts)}".encode()


@pytest.fixture(scope="module")
def library_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("library") / "home"
    with Workspace.open(settings(home)) as ws:
        corpus = intake.create_corpus(ws, "Buildings", "legal")
        intake.add_files(ws, corpus.id, [(f"building{number}.md", notes(number)) for number in range(6)])
        job = ws.dispatcher.run_one()
        assert job is not None
        assert job.status == "done"
    return home


@pytest.fixture
def library(library_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(library_home, tmp_path / "library"))


def top(ws: Workspace) -> list[list[int]]:
    """The ten nearest chunks to each question, by vectors alone."""
    corpus = ws.corpora.list()[0].id
    return [[hit.chunk_id for hit in ws.retriever.by_meaning(corpus, question)[:10]] for question in QUESTIONS]


@pytest.fixture(scope="module")
def best(library_home: Path, tmp_path_factory: pytest.TempPathFactory) -> list[list[int]]:
    with Workspace.open(settings(Path(shutil.copytree(library_home, tmp_path_factory.mktemp("best") / "home")))) as ws:
        return top(ws)


def found(findings: list[Finding], what: str) -> Finding:
    return next(each for each in findings if each.what == what)


def truncated(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def zeroed(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes(len(data) - at)


def flipped(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


@pytest.mark.parametrize("number", range(VARIANTS))
def test_a_damaged_file_of_vectors_is_noticed_and_made_anew_from_the_rows(
    number: int, library: Path, best: list[list[int]]
) -> None:
    chance = random.Random(number)
    damages: tuple[Callable[[bytes, random.Random], bytes], ...] = (truncated, zeroed, flipped)
    files = sorted(path for path in (library / "vectors").rglob("*") if path.is_file() and path.stat().st_size)
    file, before = files[number % len(files)], files[number % len(files)].read_bytes()
    data = damages[number % 3](before, chance)
    if data == before:
        data = flipped(before, chance)
    file.write_bytes(data)
    with Workspace.open(settings(library)) as ws:
        assert top(ws) == best
        said = found(examine(ws), "Vectors")
        assert said.state == "repaired", "what the start did is told"
        assert "were made anew from the rows" in said.words
        assert "find what the rows say" in said.words


def killed(home: Path) -> None:
    """As a workspace looks whose owner was killed: there is no seal, and the lock names somebody."""
    (home / "vectors.seal").unlink(missing_ok=True)
    (home / "owner.lock").write_text('{"pid": 1, "command": "killed"}')


@pytest.mark.parametrize("number", range(VARIANTS))
def test_damage_after_a_kill_is_noticed_at_the_start_or_by_the_doctor_and_made_good(
    number: int, library: Path, best: list[list[int]]
) -> None:
    """There is no seal then; what can still be searched is compared with the rows."""
    killed(library)
    chance = random.Random(1000 + number)
    files = sorted(path for path in (library / "vectors").rglob("*") if path.is_file() and path.stat().st_size)
    file = files[number % len(files)]
    file.write_bytes((truncated, zeroed, flipped)[number % 3](file.read_bytes(), chance))
    with Workspace.open(settings(library)) as ws:
        if found(examine(ws), "Vectors").state == "decide":
            assert found(examine(ws, repair=True), "Vectors").state == "repaired"
        assert top(ws) == best


def test_vectors_of_other_chunks_are_noticed_at_the_start_after_a_kill(library: Path, best: list[list[int]]) -> None:
    with Workspace.open(settings(library)) as ws:
        index = ws.corpora.indexes()[0]
        ids, vectors = next(iter(ws.indexes.ready(index.id)))
        ws.vectors.upsert(index.collection, ids, vectors[::-1].copy())
    killed(library)
    with Workspace.open(settings(library)) as ws:
        assert top(ws) == best


def test_beside_another_process_the_vectors_are_not_called_healthy(library: Path) -> None:
    with Workspace.open(settings(library)), Workspace.open(settings(library), owner=False) as beside:
        said = found(examine(beside), "Vectors")
        assert said.state == "not looked at"
        assert "Settings" in said.remedy


def test_vectors_that_are_lost_after_a_kill_are_made_anew(library: Path, best: list[list[int]]) -> None:
    killed(library)
    (library / "vectors" / "chroma.sqlite3").write_bytes(b"not a database at all, whatever it was before")
    with Workspace.open(settings(library)) as ws:
        assert top(ws) == best


def test_a_server_answers_exactly_while_lost_vectors_are_made_anew(library: Path, best: list[list[int]]) -> None:
    killed(library)
    (library / "vectors" / "chroma.sqlite3").write_bytes(b"not a database at all, whatever it was before")
    with Workspace.open(settings(library), serving=True) as ws:
        collection = ws.corpora.indexes()[0].collection
        assert ws.vectors.distrusted == {collection}
        assert ws.vectors.count(collection) == 0
        assert top(ws) == best
        ws.dispatcher.run_one()
        assert ws.vectors.distrusted == set()
        assert ws.vectors.count(collection) == ws.indexes.count_ready(ws.corpora.indexes()[0].id)
        assert top(ws) == best
        assert found(examine(ws), "Vectors").state == "repaired"
        assert [each.what for each in ws.repaired] == ["Vectors"]


def test_unchanged_vectors_are_not_made_anew(library: Path) -> None:
    inode = (library / "vectors" / "chroma.sqlite3").stat().st_ino
    with Workspace.open(settings(library)) as ws:
        assert (library / "vectors" / "chroma.sqlite3").stat().st_ino == inode
        assert ws.repaired == []


def test_a_collection_that_fails_while_it_serves_is_answered_from_the_rows(
    library: Path, best: list[list[int]]
) -> None:
    with Workspace.open(settings(library)) as ws:
        collection = ws.corpora.indexes()[0].collection
        shutil.rmtree(library / "vectors")
        ws.vectors.close()
        with pytest.raises(Exception):  # noqa: B017, PT011  whatever Chroma raises then
            ws.vectors.count(collection)
        assert top(ws) == best


def test_vectors_out_of_step_are_noticed_and_repaired(library: Path, best: list[list[int]]) -> None:
    with Workspace.open(settings(library)) as ws:
        index = ws.corpora.indexes()[0]
        ids, vectors = next(iter(ws.indexes.ready(index.id)))
        ws.vectors.upsert(index.collection, ids, vectors[::-1].copy())  # as many as there should be, each another's
        assert found(examine(ws), "Vectors").state == "decide"
        assert found(examine(ws, repair=True), "Vectors").state == "repaired"
        assert found(examine(ws), "Vectors").state == "healthy"
        assert top(ws) == best


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM chunk_text WHERE rowid = (SELECT min(rowid) FROM chunk_text)",
        "UPDATE chunk_text SET text = 'other words' WHERE rowid = (SELECT min(rowid) FROM chunk_text)",
        "INSERT INTO chunk_text(rowid, corpus, text) VALUES (999999, 'c1', 'left behind')",
        "DELETE FROM chunk_text_data WHERE id > 10",
    ],
)
def test_full_text_out_of_step_is_noticed_and_repaired(library: Path, damage: str) -> None:
    with Workspace.open(settings(library)) as ws:
        corpus = ws.corpora.list()[0].id
        before = ws.lexical.search(corpus, QUESTIONS[0], 10)
        assert found(examine(ws), "Full text").state == "healthy"
        with ws.database.write() as session:
            session.execute(text(damage))
        assert found(examine(ws), "Full text").state == "decide"
        assert found(examine(ws, repair=True), "Full text").state == "repaired"
        assert found(examine(ws), "Full text").state == "healthy"
        assert ws.lexical.search(corpus, QUESTIONS[0], 10) == before


def test_a_stored_file_of_other_bytes_is_named_and_left_alone(library: Path) -> None:
    with Workspace.open(settings(library)) as ws:
        row = ws.corpora.documents(ws.corpora.list()[0].id)[0]
        ws.files.path(row.content_sha256).write_bytes(b"other")
        said = found(examine(ws, repair=True), "Uploads")
        assert said.state == "decide"
        assert row.name in said.words
        assert ws.files.path(row.content_sha256).read_bytes() == b"other"


def test_a_reference_to_a_row_that_is_gone_is_told(library: Path) -> None:
    with Workspace.open(settings(library)) as ws:
        with ws.database.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            connection.exec_driver_sql("UPDATE documents SET corpus_id = 4711 WHERE id = 1")
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        said = found(examine(ws), "Rows")
        assert (said.state, said.remedy) == ("decide", "Restore the newest backup.")
