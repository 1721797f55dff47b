"""A change of an index that is begun again, or dropped, while the first is still being built."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.domains import ChunkingPolicy
from core.ingestion import reindexing
from core.ingestion.embedders import Choice
from core.workspace import Workspace
from storage.indexes import Vectors
from storage.rows import IndexRow, JobRow
from tests.core.ingestion.swapping import begun


def at_each_store(
    ws: Workspace, do: Callable[[], object], monkeypatch: pytest.MonkeyPatch, after: bool = False
) -> list[int]:
    """Do something once, right before (or after) vectors are stored; returns the indexes stored for, as it grows."""
    real, stored = ws.index_changes.store, []

    def store(job: JobRow, index_id: int, said: dict[int, str], vectors: Vectors) -> bool:
        stored.append(index_id)
        assert len(stored) < 20, "it never ends"
        if len(stored) == 1 and not after:
            do()
        there = real(job, index_id, said, vectors)
        if len(stored) == 1 and after:
            do()
        return there

    monkeypatch.setattr(ws.index_changes, "store", store)
    return stored


def test_a_second_change_ends_the_first_that_is_still_building_and_is_built(
    ws: Workspace, corpus: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, small = begun(ws, corpus, folder), ChunkingPolicy("section", 200, 300)
    second: list[IndexRow] = []
    stored = at_each_store(
        ws,
        lambda: second.append(reindexing.begin(ws, corpus, ws.embedders.probe(Choice()), small)),
        monkeypatch,
    )
    ended, done = ws.dispatcher.run_one(), ws.dispatcher.run_one()
    assert ended is not None
    assert done is not None
    assert (ended.status, done.status) == ("cancelled", "done")
    assert stored.count(first.id) == 1
    assert ws.jobs.waiting() == 0
    assert first.collection not in ws.vectors.names()
    reindexing.swap(ws, second[0].id)
    assert ws.vectors.count(second[0].collection) == ws.indexes.count_ready(second[0].id) > 0


@pytest.mark.parametrize("after", [False, True])
def test_dropping_an_index_that_is_being_filled_leaves_no_vectors(
    ws: Workspace, corpus: int, folder: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    index = begun(ws, corpus, folder)
    at_each_store(ws, lambda: reindexing.drop(ws, index.id), monkeypatch, after)
    while ws.dispatcher.run_one() is not None:
        pass
    assert index.collection not in ws.vectors.names()
    assert ws.jobs.waiting() == 0


def test_dropping_an_index_while_its_documents_are_cut_ends_its_job(
    ws: Workspace, corpus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = ChunkingPolicy("section", 200, 300)
    index = reindexing.begin(ws, corpus, ws.embedders.probe(Choice()), small)
    real, cut = ws.cuts.pages, []

    def pages(document_id: int) -> object:
        if not cut:
            cut.append(document_id)
            reindexing.drop(ws, index.id)
        return real(document_id)

    monkeypatch.setattr(ws.cuts, "pages", pages)
    while ws.dispatcher.run_one() is not None:
        pass
    assert index.collection not in ws.vectors.names()
    assert cut
    assert ws.cuts.leftover(corpus, 10) == []
    assert ws.jobs.waiting() == 0


def test_beginning_the_same_change_again_keeps_what_was_built(
    ws: Workspace, corpus: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begun(ws, corpus, folder)
    stored = at_each_store(ws, lambda: begun(ws, corpus, folder), monkeypatch)
    jobs = [ws.dispatcher.run_one(), ws.dispatcher.run_one()]
    assert [job and job.status for job in jobs] == ["done", "done"]
    assert stored == [first.id]
    assert ws.vectors.count(first.collection) == ws.indexes.count_ready(first.id) > 0
