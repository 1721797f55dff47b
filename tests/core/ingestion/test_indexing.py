import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from core.conversations import files
from core.ingestion import intake
from core.ingestion.embedding import Embedder
from core.jobs.runner import run
from core.repair import after_start
from core.settings import Settings
from core.workspace import Workspace
from storage.rows import JobRow


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder()


class Counting:
    """The real embedding model, which also counts the texts it was given and can be made to stumble."""

    def __init__(self, real: Embedder) -> None:
        self.real, self.texts, self.before = real, 0, lambda: None
        self.name, self.dimension = real.name, real.dimension

    def embed_chunks(self, texts: Sequence[str]) -> np.ndarray:
        self.before()
        self.texts += len(texts)
        return self.real.embed_chunks(texts)

    def embed_one(self, text: str) -> np.ndarray:
        return self.real.embed_one(text)


@pytest.fixture
def counting(embedder: Embedder) -> Counting:
    return Counting(embedder)


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(tmp_path / "home", database_url)


@pytest.fixture
def ws(settings: Settings, counting: Counting) -> Iterator[Workspace]:
    with Workspace.open(settings, given={"embedder": counting}) as opened:
        yield opened


@pytest.fixture
def corpus(ws: Workspace) -> int:
    return intake.create_corpus(ws, "contracts", "legal").id


LEASE = b"# Lease\n\nThe monthly rent for the warehouse in Tallinn is 4,200 euro, due on the fifth day.\n"
NOTICE = b"# Notice\n\nEither party may end the agreement with a notice of ninety days in writing.\n"


def agree(ws: Workspace, corpus: int) -> int:
    """Rows, full text and vectors hold the same chunks; returns how many."""
    index = ws.corpora.active_index(corpus)
    assert index is not None
    counts = {
        ws.indexes.count_chunks(corpus),
        ws.indexes.count_ready(index.id),
        ws.lexical.count(corpus),
        ws.vectors.count(index.collection),
    }
    assert len(counts) == 1
    return counts.pop()


def found(ws: Workspace, corpus: int, question: str) -> list[str]:
    return [passage.text for passage in ws.retriever.search(corpus, question, 3)]


def claim(ws: Workspace) -> JobRow:
    job = ws.jobs.claim("test", 60, datetime.now(UTC), ["index"])
    assert job is not None
    return job


def test_dropped_files_become_answerable(ws: Workspace, corpus: int) -> None:
    intake.add_files(ws, corpus, [("lease.md", LEASE), ("notice.md", NOTICE)])
    job = ws.dispatcher.run_one()
    assert job is not None
    assert (job.status, job.progress_done, job.progress_total) == ("done", 2, 2)
    rows = ws.corpora.documents(corpus)
    assert [(row.status, row.page_count) for row in rows] == [("ready", 1), ("ready", 1)]
    assert "4,200 euro" in found(ws, corpus, "What is the rent of the warehouse?")[0]
    assert "ninety days" in found(ws, corpus, "How can the contract be terminated?")[0]
    assert agree(ws, corpus) == sum(row.chunk_count for row in rows)


def test_a_broken_file_fails_alone_with_a_remedy(ws: Workspace, corpus: int) -> None:
    intake.add_files(ws, corpus, [("broken.pdf", b"%PDF-1.7\nnothing of a PDF follows"), ("lease.md", LEASE)])
    ws.dispatcher.run_one()
    by_name = {row.name: row for row in ws.corpora.documents(corpus)}
    assert by_name["lease.md"].status == "ready"
    assert by_name["broken.pdf"].status == "failed"
    assert by_name["broken.pdf"].error
    assert by_name["broken.pdf"].remedy
    agree(ws, corpus)


def test_the_old_version_serves_until_the_new_one_is_ready(ws: Workspace, corpus: int, counting: Counting) -> None:
    intake.add_files(ws, corpus, [("lease.md", LEASE)])
    ws.dispatcher.run_one()
    seen: list[str] = []
    counting.before = lambda: seen.extend(found(ws, corpus, "rent"))
    intake.add_files(ws, corpus, [("lease.md", LEASE.replace(b"4,200", b"5,100"))])
    ws.dispatcher.run_one()
    assert any("4,200" in text for text in seen)
    texts = found(ws, corpus, "What is the rent of the warehouse?")
    assert "5,100" in texts[0]
    assert not any("4,200" in text for text in texts)
    assert agree(ws, corpus) == ws.corpora.documents(corpus)[0].chunk_count


def test_a_job_that_stumbled_goes_on_without_embedding_again(ws: Workspace, corpus: int, counting: Counting) -> None:
    text = "\n\n".join(
        f"Clause {number} says that item {number} is delivered on day {number}. " * 8 for number in range(400)
    )
    intake.add_files(ws, corpus, [("long.txt", text.encode())])
    job, calls = claim(ws), iter([None, RuntimeError("out of memory")])

    def stumble() -> None:
        if (error := next(calls, None)) is not None:
            raise error

    counting.before = stumble
    run(ws, job, threading.Event())
    assert counting.texts > 0
    assert ws.jobs.get(job.id).status == "running"  # until its lease runs out
    ws.jobs.requeue_abandoned()
    done = ws.dispatcher.run_one()
    assert done is not None
    assert done.status == "done"
    assert counting.texts == agree(ws, corpus) == ws.corpora.documents(corpus)[0].chunk_count


def test_a_document_cancelled_while_it_is_embedded_leaves_nothing(
    ws: Workspace, corpus: int, counting: Counting
) -> None:
    took = intake.add_files(ws, corpus, [("lease.md", LEASE), ("notice.md", NOTICE)])
    lease = next(row.document_id for row in took.accepted if row.name == "lease.md")
    counting.before = lambda: intake.cancel(ws, lease) and None
    ws.dispatcher.run_one()
    assert {row.name: row.status for row in ws.corpora.documents(corpus)} == {
        "lease.md": "cancelled",
        "notice.md": "ready",
    }
    assert ws.corpora.chunks(lease) == []
    agree(ws, corpus)


def test_a_document_deleted_while_it_is_embedded_leaves_nothing(ws: Workspace, corpus: int, counting: Counting) -> None:
    took = intake.add_files(ws, corpus, [("lease.md", LEASE)])
    counting.before = lambda: intake.delete_document(ws, took.accepted[0].document_id)
    ws.dispatcher.run_one()
    assert ws.corpora.documents(corpus) == []
    assert agree(ws, corpus) == 0


def test_a_cancelled_job_ends_and_so_do_its_documents(ws: Workspace, corpus: int, counting: Counting) -> None:
    took = intake.add_files(ws, corpus, [("lease.md", LEASE)])
    assert took.job_id is not None
    ws.jobs.request_cancel(took.job_id)
    job = ws.dispatcher.run_one()
    assert job is not None
    assert job.status == "cancelled"
    assert [row.status for row in ws.corpora.documents(corpus)] == ["cancelled"]
    assert counting.texts == 0


def test_a_worker_that_lost_its_lease_writes_nothing_more(ws: Workspace, corpus: int, counting: Counting) -> None:
    intake.add_files(ws, corpus, [("lease.md", LEASE)])
    job = claim(ws)

    def lose() -> None:
        counting.before = lambda: None
        ws.jobs.requeue_abandoned()
        claim(ws)

    counting.before = lose
    run(ws, job, threading.Event())
    row = ws.corpora.documents(corpus)[0]
    assert (row.status, row.progress_done) == ("embedding", 0)
    assert agree(ws, corpus) == 0


def test_a_job_that_never_gets_anywhere_is_given_up(ws: Workspace, corpus: int, counting: Counting) -> None:
    def fail() -> None:
        raise RuntimeError("the model dies of this text")

    counting.before = fail
    intake.add_files(ws, corpus, [("lease.md", LEASE)])
    for _ in range(6):
        ws.jobs.requeue_abandoned()
        ws.dispatcher.run_one()
    job, row = ws.jobs.list(corpus)[0], ws.corpora.documents(corpus)[0]
    assert job.status == row.status == "failed"
    assert "5 attempts" in job.error
    assert "5 attempts" in row.error
    counting.before = lambda: None
    assert intake.retry(ws, row.id) is not None
    ws.dispatcher.run_one()
    assert ws.corpora.documents(corpus)[0].status == "ready"


def test_look_ups_that_differ_from_the_rows_are_made_anew_at_the_start(
    settings: Settings, counting: Counting, embedder: Embedder
) -> None:
    with Workspace.open(settings, given={"embedder": counting}) as ws:
        corpus = intake.create_corpus(ws, "contracts", "legal").id
        intake.add_files(ws, corpus, [("lease.md", LEASE), ("notice.md", NOTICE)])
        ws.dispatcher.run_one()
        index, texts = ws.corpora.active_index(corpus), counting.texts
        assert index is not None
        chunk_ids = [chunk.id for row in ws.corpora.documents(corpus) for chunk in ws.corpora.chunks(row.id)]
        ws.vectors.remove(index.collection, chunk_ids[:1])
        ws.vectors.upsert("corpus-99-nobody", [1], np.ones((1, 384), np.float32))
        with ws.database.write() as session:
            ws.lexical.remove(session, chunk_ids[:1])
    with Workspace.open(settings, given={"embedder": counting}) as ws:
        agree(ws, corpus)
        assert ws.vectors.names() == [index.collection]
        assert counting.texts == texts


def test_a_damaged_vector_folder_is_made_anew_after_an_unclean_end(settings: Settings, counting: Counting) -> None:
    with Workspace.open(settings, given={"embedder": counting}) as ws:
        corpus = intake.create_corpus(ws, "contracts", "legal").id
        intake.add_files(ws, corpus, [("lease.md", LEASE)])
        ws.dispatcher.run_one()
    (settings.home / "vectors" / "chroma.sqlite3").write_bytes(b"no database at all" * 300)
    (settings.home / "owner.lock").write_text('{"pid": 1, "command": "triptych run", "host": "", "port": 0}')
    with Workspace.open(settings, given={"embedder": counting}) as ws:
        assert agree(ws, corpus) > 0


CANARY = "Xylophonquartz"


@pytest.mark.parametrize("what", ["document", "corpus", "new version"])
def test_what_was_deleted_is_in_no_byte_of_the_workspace(ws: Workspace, corpus: int, what: str) -> None:
    secret = f"# Secret\n\nThe code word of the vault is {CANARY}. It must never be told to anybody at all.\n".encode()
    intake.add_files(ws, corpus, [("secret.md", secret), ("lease.md", LEASE)])
    ws.dispatcher.run_one()
    assert holding(ws.home, CANARY)
    row = next(row for row in ws.corpora.documents(corpus) if row.name == "secret.md")
    if what == "document":
        intake.delete_document(ws, row.id)
    elif what == "corpus":
        intake.delete_corpus(ws, corpus)
    else:
        intake.add_files(ws, corpus, [("secret.md", b"# Secret\n\nThere is no code word any more.\n")])
        ws.dispatcher.run_one()
    assert holding(ws.home, CANARY) == []
    if what == "corpus":
        assert ws.vectors.names() == []
    else:
        agree(ws, corpus)


def holding(home: Path, word: str) -> list[Path]:
    """Files that hold a word in any letter case or in UTF-16."""
    forms = [word.lower().encode(), word.lower().encode("utf-16-le")]
    files = [path for path in home.rglob("*") if path.is_file()]
    return [path for path in files if any(form in path.read_bytes().lower() for form in forms)]


def test_a_workspace_in_order_is_left_alone_at_its_start(ws: Workspace, corpus: int, counting: Counting) -> None:
    intake.add_files(ws, corpus, [("lease.md", LEASE)])
    ws.dispatcher.run_one()
    before = ws.corpora.documents(corpus)
    after_start(ws)
    assert ws.corpora.documents(corpus) == before
    agree(ws, corpus)


def test_a_corpus_is_deleted_whole_or_not_at_all_wherever_the_deletion_is_cut_short(
    ws: Workspace, settings: Settings, corpus: int, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its jobs were once cancelled first: a kill after that left the corpus there, with its documents cancelled."""
    talk = ws.conversations.create(corpus).id
    files.attach(ws, talk, [("own.md", b"# Own\n\nA file of this conversation alone.\n")])
    intake.add_files(ws, corpus, [("lease.md", LEASE)])
    while ws.dispatcher.run_one():
        pass
    job = intake.add_files(ws, corpus, [("more.md", b"# More\n\nThis waits to be indexed.\n")]).job_id
    assert job is not None
    with monkeypatch.context() as cut:
        cut.setattr(ws.documents, "delete_corpus", cut_short)
        with pytest.raises(RuntimeError, match="cut short"):
            intake.delete_corpus(ws, corpus)
    assert not ws.jobs.get(job).cancel_requested
    assert [row.status for row in ws.corpora.documents(corpus)] == ["ready", "queued"]
    with monkeypatch.context() as cut:
        cut.setattr(ws.vectors, "drop", cut_short)
        with pytest.raises(RuntimeError, match="cut short"):
            intake.delete_corpus(ws, corpus)
    assert [row.id for row in ws.corpora.list()] == []
    ws.close()
    with Workspace.open(settings, given={"embedder": counting}) as again:
        assert again.corpora.list(hidden=True) == []
        assert again.vectors.names() == []
        assert again.jobs.waiting() == 0


def cut_short(*_: object) -> None:
    raise RuntimeError("cut short")


def test_a_corpus_that_is_deleted_while_it_is_indexed_leaves_no_job_and_no_vectors(
    ws: Workspace, corpus: int, counting: Counting
) -> None:
    reached, go_on = threading.Event(), threading.Event()
    counting.before = lambda: (reached.set(), go_on.wait(30))  # type: ignore[func-returns-value]
    intake.add_files(ws, corpus, [("lease.md", LEASE)])
    ws.dispatcher.start()
    assert reached.wait(60)
    deleting = threading.Thread(target=intake.delete_corpus, args=(ws, corpus))
    deleting.start()
    while ws.corpora.list():  # the rows go at once; the vectors when the step has ended
        time.sleep(0.01)
    assert deleting.is_alive()
    go_on.set()
    deleting.join()
    assert ws.dispatcher.at_work() == set()
    assert ws.vectors.names() == []
    assert ws.jobs.list() == []
