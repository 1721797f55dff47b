"""Another embedding model is built beside the one that serves, swapped in at once, swapped back, and dropped."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from core.conversations import files
from core.errors import BadInput, Conflict, EngineFailed, ModelMissing
from core.ingestion import editing, intake, reindexing
from core.ingestion.embedders import Choice
from core.ingestion.embedding import Embedder
from core.settings import Settings
from core.workspace import Workspace
from storage.errors import WrongDimension
from storage.rows import IndexRow
from tests.core.ingestion.small_model import DIMENSION, small_model
from tests.core.ingestion.swapping import begun, swap_before_ready


def built(ws: Workspace, corpus: int, folder: Path) -> IndexRow:
    index = begun(ws, corpus, folder)
    job = ws.dispatcher.run_one()
    assert job is not None
    assert (job.kind, job.status) == ("reindex", "done")
    return index


def active(ws: Workspace, corpus: int) -> IndexRow:
    index = ws.corpora.active_index(corpus)
    assert index is not None
    return index


def agree(ws: Workspace, index: IndexRow) -> int:
    """Rows and vectors of an index hold every chunk that can be found; returns how many."""
    counts = {
        ws.indexes.count_chunks(index.corpus_id),
        ws.indexes.count_ready(index.id),
        ws.vectors.count(index.collection),
    }
    assert len(counts) == 1
    assert ws.index_changes.count_lacking(index) == 0
    return counts.pop()


def found(ws: Workspace, corpus: int, question: str = "What is the rent of the warehouse?") -> list[str]:
    return [passage.document for passage in ws.retriever.search(corpus, question, 3)]


def test_the_old_index_serves_until_the_swap_and_can_be_swapped_back(ws: Workspace, corpus: int, folder: Path) -> None:
    before = active(ws, corpus)
    other = built(ws, corpus, folder)
    assert active(ws, corpus).id == before.id
    assert (other.dimension, other.active) == (DIMENSION, False)
    assert agree(ws, other) == agree(ws, before)
    reindexing.swap(ws, other.id)
    assert active(ws, corpus).embedding_model.startswith("small@")
    assert set(found(ws, corpus)) == {"lease.md", "notice.md"}
    reindexing.swap(ws, before.id)
    assert active(ws, corpus).id == before.id
    assert found(ws, corpus)[0] == "lease.md"


def test_the_question_is_embedded_with_the_model_of_the_index_that_serves(
    ws: Workspace, corpus: int, folder: Path
) -> None:
    other = built(ws, corpus, folder)
    reindexing.swap(ws, other.id)
    vector = ws.embedders.of(other).embed_one("rent")
    assert vector.shape == (DIMENSION,)
    assert abs(float(np.linalg.norm(vector)) - 1) < 1e-5
    assert ws.retriever.by_meaning(corpus, "rent") == ws.vectors.search(other.collection, vector, 100)


def test_an_index_that_lacks_something_is_not_swapped_in(ws: Workspace, corpus: int, folder: Path) -> None:
    other = begun(ws, corpus, folder)
    with pytest.raises(Conflict, match="chunks are not in it yet"):
        reindexing.swap(ws, other.id)
    assert active(ws, corpus).id != other.id


def test_what_is_added_meanwhile_is_in_both(ws: Workspace, corpus: int, folder: Path) -> None:
    before, other = active(ws, corpus), built(ws, corpus, folder)
    intake.add_files(ws, corpus, [("fees.md", b"# Fees\n\nThe late fee is 30 euro for each week that began.\n")])
    ws.dispatcher.run_one()
    assert "fees.md" in found(ws, corpus, "What is the late fee?")
    ws.dispatcher.run_one()  # the other one catches up
    assert agree(ws, before) == agree(ws, other)
    reindexing.swap(ws, other.id)
    assert "fees.md" in found(ws, corpus, "What is the late fee?")


def test_what_is_deleted_or_changed_meanwhile_is_so_in_both(ws: Workspace, corpus: int, folder: Path) -> None:
    before, other = active(ws, corpus), built(ws, corpus, folder)
    lease, notice = ws.corpora.documents(corpus)
    intake.delete_document(ws, notice.id)
    assert agree(ws, before) == agree(ws, other)
    (chunk, *_) = ws.corpora.chunks(lease.id)
    editing.edit(ws, chunk.id, "The rent is 5,000 euro.")
    with pytest.raises(Conflict, match="not in it yet"):
        reindexing.swap(ws, other.id)
    ws.dispatcher.run_one()
    reindexing.swap(ws, other.id)
    assert agree(ws, other) == agree(ws, before)
    editing.switch(ws, chunk.id, on=False)
    assert found(ws, corpus) == []


def test_a_swap_in_the_middle_of_indexing_leaves_no_document_out(
    ws: Workspace, corpus: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, other = active(ws, corpus), built(ws, corpus, folder)
    swap_before_ready(ws, other.id, monkeypatch)
    intake.add_files(ws, corpus, [("fees.md", b"# Fees\n\nThe late fee is 30 euro for each week that began.\n")])
    job = ws.dispatcher.run_one()
    assert job is not None
    assert job.status == "done"
    assert active(ws, corpus).id == other.id
    assert agree(ws, other) == agree(ws, before)
    assert "fees.md" in found(ws, corpus, "What is the late fee?")


def test_a_wrong_dimension_reaches_neither_rows_nor_questions(
    ws: Workspace, corpus: int, folder: Path, tmp_path: Path
) -> None:
    other = begun(ws, corpus, folder)
    job = ws.jobs.claim("test", 60, datetime.now(UTC), ["reindex"])
    assert job is not None
    rows = ws.index_changes.lacking(other, 1)
    with pytest.raises(WrongDimension):
        ws.index_changes.store(job, other.id, {rows[0].id: rows[0].said}, np.zeros((1, 7), np.float32))
    with pytest.raises(WrongDimension):
        ws.indexes.store(job, other.id, [rows[0].id], np.zeros((1, 7), np.float32))
    ws.jobs.release(job)
    ws.dispatcher.run_one()
    reindexing.swap(ws, other.id)
    ws.embedders.__init__(lambda: ws.embedder)  # type: ignore[misc]  # as after a restart
    kept = tmp_path / "kept"
    folder.rename(kept)
    try:
        with pytest.raises(ModelMissing):
            found(ws, corpus)
        small_model(folder, seed=1, dimension=32)
        with pytest.raises(Conflict, match="other weights"):
            found(ws, corpus)
    finally:
        subprocess.run(["rm", "-r", str(folder)], check=True)
        kept.rename(folder)
    assert set(found(ws, corpus)) == {"lease.md", "notice.md"}


def test_dropping_leaves_nothing_and_the_one_that_serves_cannot_be_dropped(
    ws: Workspace, corpus: int, folder: Path
) -> None:
    before, other = active(ws, corpus), built(ws, corpus, folder)
    reindexing.drop(ws, other.id)
    assert ws.index_changes.other(corpus) is None
    assert other.collection not in ws.vectors.names()
    with pytest.raises(Conflict, match="serves"):
        reindexing.drop(ws, before.id)
    assert agree(ws, before)


def test_the_next_change_makes_room_by_dropping_what_served_before(
    ws: Workspace, corpus: int, folder: Path, tmp_path: Path
) -> None:
    before, second = active(ws, corpus), built(ws, corpus, folder)
    reindexing.swap(ws, second.id)
    third = built(ws, corpus, small_model(tmp_path / "third", seed=2, dimension=32))
    assert {index.id for index in ws.corpora.indexes()} == {second.id, third.id}
    assert before.collection not in ws.vectors.names()


def test_the_estimate_tries_the_model_and_counts_the_chunks(ws: Workspace, corpus: int, folder: Path) -> None:
    told = reindexing.estimate(ws, corpus, Choice("folder", str(folder)))
    assert (told.chunks, told.probed.dimension) == (agree(ws, active(ws, corpus)), DIMENSION)
    assert told.seconds > 0
    with pytest.raises(Conflict, match="is what this corpus is indexed with"):
        reindexing.estimate(ws, corpus, Choice())


def test_what_cannot_be_used_is_refused_with_a_reason(ws: Workspace, corpus: int, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"config\.json is not there"):
        ws.embedders.probe(Choice("folder", str(tmp_path)))
    strange = small_model(tmp_path / "strange", seed=3)
    (strange / "modules.json").write_text('[{"type": "sentence_transformers.models.Dense"}]')
    with pytest.raises(BadInput, match="Dense"):
        ws.embedders.probe(Choice("folder", str(strange)))
    with pytest.raises(EngineFailed, match="does not answer"):
        ws.embedders.probe(Choice("endpoint", "http://127.0.0.1:9/v1", "m"))


def test_people_who_ask_during_a_change_are_always_answered_from_one_index(
    ws: Workspace, corpus: int, folder: Path
) -> None:
    notes = "\n\n".join(f"Note {n}: office {n} pays {n} euro for cleaning its windows each month." for n in range(60))
    intake.add_files(ws, corpus, [("notes.txt", notes.encode())])
    ws.dispatcher.run_one()
    before, over, failures = active(ws, corpus), threading.Event(), []

    def ask() -> None:
        while not over.is_set():
            try:
                assert found(ws, corpus)[0] in {"lease.md", "notice.md", "notes.txt"}
            except (Exception, AssertionError) as error:  # noqa: BLE001
                failures.append(error)

    people = [threading.Thread(target=ask) for _ in range(5)]
    for person in people:
        person.start()
    other = built(ws, corpus, folder)
    for turn in range(6):
        reindexing.swap(ws, (before if turn % 2 else other).id)
    reindexing.swap(ws, other.id)
    reindexing.drop(ws, before.id)
    over.set()
    for person in people:
        person.join()
    assert failures == []
    assert agree(ws, other)


CHILD = """
import sys
from core.ingestion import reindexing
from core.settings import Settings
from core.workspace import Workspace
reindexing.STEP = 2
with Workspace.open(Settings.load(sys.argv[1])) as ws:
    while ws.dispatcher.run_one():
        pass
"""


def test_a_change_that_is_killed_goes_on_where_it_was(settings: Settings, embedder: Embedder, folder: Path) -> None:
    text = "\n\n".join(f"Clause {n}. " + f"The fee of item {n} is {n} euro. " * 12 for n in range(40))
    with Workspace.open(settings, given={"embedder": embedder}) as ws:
        corpus = intake.create_corpus(ws, "fees", "legal").id
        intake.add_files(ws, corpus, [("fees.txt", text.encode())])
        ws.dispatcher.run_one()
        index = begun(ws, corpus, folder)
        total = ws.index_changes.count_lacking(index)
    left = total
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(settings.home)], env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
        with Workspace.open(settings, owner=False) as beside:
            while child.poll() is None and beside.index_changes.count_lacking(index) > max(0, left - 4):
                time.sleep(0.002)
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
            child.wait()
            before, left = left, beside.index_changes.count_lacking(index)
        assert left < before  # what was done was kept
    assert left > 0
    with Workspace.open(settings, given={"embedder": embedder}) as ws:
        job = ws.dispatcher.run_one()
        assert job is not None
        assert (job.status, job.attempt) == ("done", 4)
        assert agree(ws, index) == total
        reindexing.swap(ws, index.id)
        assert found(ws, corpus, "What is the fee of item 7?") == ["fees.txt"] * 3


def attached(ws: Workspace, corpus: int) -> int:
    """The hidden corpus of a conversation with one file of its own, indexed."""
    talk = ws.conversations.create(corpus).id
    files.attach(ws, talk, [("memo.md", b"# Memo\n\nAn extra fee of 77 crowns applies to each parcel.\n")])
    while (job := ws.dispatcher.run_one()) is not None:
        assert job.status == "done", job.error
    hidden = ws.conversations.get(talk).files_corpus_id
    assert hidden is not None
    return hidden


def test_files_of_a_conversation_are_indexed_with_the_model_of_its_corpus(
    ws: Workspace, corpus: int, folder: Path
) -> None:
    reindexing.swap(ws, built(ws, corpus, folder).id)
    mine, its = active(ws, attached(ws, corpus)), active(ws, corpus)
    assert (mine.embedding_model, mine.dimension, mine.embedder) == (its.embedding_model, DIMENSION, its.embedder)
    passages = ws.retriever.search(corpus, "extra fee of a parcel", 3, [mine.corpus_id])
    assert "memo.md" in [passage.document for passage in passages]


def test_files_attached_before_the_model_was_changed_are_still_found_by_meaning(
    ws: Workspace, corpus: int, folder: Path
) -> None:
    """Random weights call everything near: by cosine alone the attached file would come after all of the corpus."""
    more = [(f"note{n}.md", f"# Note {n}\n\nThe number of this note is {n}.\n".encode()) for n in range(8)]
    intake.add_files(ws, corpus, more)
    ws.dispatcher.run_one()
    hidden = attached(ws, corpus)
    reindexing.swap(ws, built(ws, corpus, folder).id)
    assert active(ws, hidden).embedding_model != active(ws, corpus).embedding_model
    (own,) = ws.corpora.documents(hidden)
    chunks = {chunk.id for chunk in ws.corpora.chunks(own.id)}
    ranks = [
        hit.dense_rank for hit in ws.retriever.ranked(corpus, "What does it cost?", [hidden]) if hit.chunk_id in chunks
    ]
    assert ranks == [2]
