"""Chroma: what goes in is found by cosine, what is taken out is not, and rows can make it anew."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from chroma_server import Chroma

from storage.errors import Unreachable
from storage.vectors import DROPPED, Floats, Vectors


@pytest.fixture(params=["folder", "server"])
def vectors(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Vectors]:
    where = tmp_path / "vectors" if request.param == "folder" else request.getfixturevalue("chroma_url")
    opened = Vectors(where)
    yield opened
    opened.close()


def some(count: int, dimension: int = 16, seed: int = 0) -> Floats:
    made = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_the_nearest_comes_first_with_its_cosine(vectors: Vectors) -> None:
    data = some(50)
    vectors.upsert("one", list(range(1, 51)), data)
    hits = vectors.search("one", data[6], 5)
    assert hits[0].chunk_id == 7
    exact = np.sort(data @ data[6])[::-1][:5]
    assert [hit.score for hit in hits] == pytest.approx(exact.tolist(), abs=1e-4)


def test_a_collection_that_is_not_there_is_an_empty_one(vectors: Vectors) -> None:
    assert vectors.search("new", some(1)[0], 5) == []
    assert vectors.count("new") == 0
    vectors.drop("never")


def test_removed_vectors_are_not_found(vectors: Vectors) -> None:
    data = some(10)
    vectors.upsert("one", list(range(10)), data)
    vectors.remove("one", [3, 99])
    vectors.remove("one", [])
    assert vectors.count("one") == 9
    assert 3 not in {hit.chunk_id for hit in vectors.search("one", data[3], 10)}


def test_asking_for_more_than_there_are_gives_all_there_are(vectors: Vectors) -> None:
    data = some(10)
    vectors.upsert("one", list(range(10)), data)
    assert {hit.chunk_id for hit in vectors.search("one", data[0], 100)} == set(range(10))
    vectors.remove("one", list(range(1, 10)))
    assert [hit.chunk_id for hit in vectors.search("one", data[0], 100)] == [0]
    vectors.remove("one", [0])
    assert vectors.search("one", data[0], 100) == []
    assert vectors.search("one", data[0], 0) == []


def test_the_same_id_again_replaces_its_vector(vectors: Vectors) -> None:
    data = some(2)
    vectors.upsert("one", [1], data[:1])
    vectors.upsert("one", [1], data[1:])
    assert vectors.count("one") == 1
    assert vectors.search("one", data[1], 1)[0].score == pytest.approx(1, abs=1e-4)


def test_collections_do_not_mix(vectors: Vectors) -> None:
    vectors.upsert("one", [1], some(1))
    vectors.upsert("two", [2], some(1, seed=1))
    assert [hit.chunk_id for hit in vectors.search("one", some(1, seed=1)[0], 5)] == [1]
    vectors.drop("one")
    assert vectors.names() == ["two"]


def test_more_than_one_batch_is_taken(vectors: Vectors) -> None:
    count = vectors._most + 10
    vectors.upsert("one", list(range(count)), some(count, 4))
    assert vectors.count("one") == count
    vectors.remove("one", list(range(count - 1)))
    assert vectors.count("one") == 1


def test_what_was_stored_is_there_after_opening_again(tmp_path: Path) -> None:
    data = some(20)
    first = Vectors(tmp_path / "v")
    first.upsert("one", list(range(20)), data)
    first.close()
    second = Vectors(tmp_path / "v")
    assert second.search("one", data[4], 1)[0].chunk_id == 4
    second.probe("one")
    second.close()


def test_rebuilding_replaces_everything(vectors: Vectors) -> None:
    data = some(6)
    vectors.upsert("one", [100], data[:1])
    vectors.rebuild("one", [([1, 2], data[:2]), ([3], data[2:3])])
    assert sorted(hit.chunk_id for hit in vectors.search("one", data[0], 10)) == [1, 2, 3]


def test_probing_an_empty_collection_finds_nothing(vectors: Vectors) -> None:
    with pytest.raises(RuntimeError):
        vectors.probe("empty")


def test_threads_may_write_and_search_at_once(vectors: Vectors) -> None:
    data = some(200)

    def work(at: int) -> int:
        vectors.upsert("one", list(range(at, at + 20)), data[at : at + 20])
        return vectors.search("one", data[at], 1)[0].chunk_id

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(0, 200, 20))) == list(range(0, 200, 20))
    assert vectors.count("one") == 200


def test_a_collection_that_another_process_made_anew_is_found_again(chroma_url: str) -> None:
    here, there = Vectors(chroma_url), Vectors(chroma_url)
    data = some(4)
    here.upsert("one", [1, 2], data[:2])
    assert there.count("one") == 2
    here.rebuild("one", [([3], data[2:3])])
    assert [hit.chunk_id for hit in there.search("one", data[2], 5)] == [3]
    here.close()
    there.close()


def test_a_server_that_does_not_answer_is_named() -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9/triptych"):
        Vectors("http://127.0.0.1:9/triptych")
    with pytest.raises(Unreachable, match="must look like"):
        Vectors("localhost:8000")


def test_a_server_that_went_away_is_named_at_the_next_search(tmp_path: Path) -> None:
    server = Chroma(tmp_path / "chroma")
    vectors = Vectors(server.url("short"))
    vectors.upsert("one", [1], some(1))
    server.stop()
    with pytest.raises(Unreachable, match="does not answer"):
        vectors.search("one", some(1)[0], 1)


def test_a_new_collection_writes_no_memory_that_it_was_handed(tmp_path: Path) -> None:
    """Chroma writes room for a hundred vectors as it comes from the allocator, with whatever was there before."""
    vectors = Vectors(tmp_path / "v")
    for number in range(6):
        vectors.upsert(
            f"corpus-{number}", range(120), np.random.default_rng(number).normal(size=(120, 384)).astype("f4")
        )
        vectors.drop(f"corpus-{number}")
        vectors.upsert(f"other-{number}", [1], np.ones((1, 384), "f4"))
    vectors.leave_nothing()
    written = [path.read_bytes() for name in ("data_level0.bin", "length.bin") for path in tmp_path.rglob(name)]
    assert written
    assert all(not any(data) for data in written)
    vectors.close()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="OPEN FILES WERE NOT COUNTED: that needs Linux")
def test_collections_that_were_dropped_are_not_kept_open_for_ever(tmp_path: Path) -> None:
    """Each deletion makes a corpus's collection anew, and Chroma kept the files and the vectors of every old one."""
    vectors, ids = Vectors(tmp_path / "vectors"), [1, 2, 3]
    three = np.eye(3, 8, dtype=np.float32)
    vectors.upsert("corpus-1", ids, three)
    open_files = []
    for _ in range(3 * DROPPED):
        vectors.rebuild("corpus-1", [(ids, three)])
        vectors.leave_nothing()
        assert [hit.chunk_id for hit in vectors.search("corpus-1", three[1], 1)] == [2]
        open_files.append(len(list(Path("/proc/self/fd").iterdir())))
    assert max(open_files[DROPPED:]) <= max(open_files[:DROPPED]) + 8
    vectors.close()


def test_searching_while_what_was_deleted_is_driven_out_harms_nothing(tmp_path: Path) -> None:
    """It did: Chroma's SQLite and Python's do not see each other's locks, and the file was malformed in a second."""
    vectors, data, ended = Vectors(tmp_path / "vectors"), some(200), Event()
    for name in ("kept", "changed"):
        vectors.upsert(name, range(200), data)

    def search() -> None:
        while not ended.is_set():
            assert vectors.count("kept") == 200
            assert vectors.search("kept", data[7], 5)[0].chunk_id == 7
            assert len(vectors.stored("kept", range(50))) == 50

    with ThreadPoolExecutor(3) as people:
        searching = [people.submit(search) for _ in range(3)]
        try:
            for _ in range(60):
                vectors.rebuild("changed", [(range(200), data)])
                vectors.leave_nothing()
        finally:
            ended.set()
        for each in searching:
            each.result()
    vectors.close()
    with closing(sqlite3.connect(tmp_path / "vectors" / "chroma.sqlite3")) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
