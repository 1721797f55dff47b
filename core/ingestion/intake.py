"""Files come in, and what else a person does with corpora and documents: the calls behind pages and commands.

Each call leaves rows, full text, vectors and files in agreement, whatever is under way. What files hold
is read later, by the index job. Everything that comes in one `add_files` is decided in one
transaction: killed before it, nothing has happened; after it, the job is sure to run.
"""

import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core import room
from core.errors import BadInput, Conflict, NotFound
from core.finetuning import forgetting, registry
from core.ingestion.arriving import Rejected, Upload, arriving
from core.ingestion.indexing import forget_vectors
from core.ingestion.wiping import leave_no_vectors
from storage.admission import Admitted, Arrival, Verdict
from storage.errors import Exists, Vanished
from storage.errors import NotFound as NoRow
from storage.rows import CorpusRow

if TYPE_CHECKING:
    from core.workspace import Workspace

STORED = 3
"""Bytes on the disk for each that is uploaded: the file, its text in rows and full text, its vectors (twice)."""
PATIENCE_S = 15.0
"""How long a deletion waits for the running step of a job on the same corpus."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What became of the files that came in.

    Attributes:
        accepted: new documents.
        replaced: newer versions of documents; the old ones serve until these are ready.
        unchanged: were there already with the same content.
        duplicates: their content is there under another name, `of`; nothing was added.
        followed: those of the replaced that a source is followed for, which will bring its own file back.
        rejected: not taken.
        job_id: the job that indexes them; None when there is nothing to index.
    """

    accepted: tuple[Admitted, ...] = ()
    replaced: tuple[Admitted, ...] = ()
    unchanged: tuple[Admitted, ...] = ()
    duplicates: tuple[Admitted, ...] = ()
    followed: tuple[Admitted, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    job_id: int | None = None


def add_files(ws: "Workspace", corpus_id: int, uploads: Iterable[Upload], added_by: str = "") -> Intake:
    """Store files and queue what is new among them.

    Raises:
        NotFound: there is no such corpus.
        NoRoom: they may not fit on the disk; nothing was added.
    """
    uploads = list(uploads)
    room.need(ws.home, STORED * sum(map(_size, uploads)), "these files")
    with _there():
        ws.corpora.get(corpus_id)
    arrivals, rejected = _stored(ws, uploads, added_by)
    with _there():
        try:
            verdicts, job_id = ws.documents.admit(corpus_id, arrivals)
        except Vanished:
            arrivals, rejected = _stored(ws, uploads, added_by)
            verdicts, job_id = ws.documents.admit(corpus_id, arrivals)
    ws.wake()

    def of(verdict: Verdict) -> tuple[Admitted, ...]:
        return tuple(admitted for admitted in verdicts if admitted.verdict == verdict)

    replaced = of("replaced")
    followed = _followed(ws, corpus_id, replaced)
    return Intake(of("added"), replaced, of("unchanged"), of("duplicate"), followed, tuple(rejected), job_id)


def _followed(ws: "Workspace", corpus_id: int, replaced: tuple[Admitted, ...]) -> tuple[Admitted, ...]:
    """Those whose older version, which still answers, stands for the file of a source."""
    ids = ws.corpora.ids_of_names(corpus_id, (each.name for each in replaced))
    held = ws.sources.holders(key for of_name in ids.values() for key in of_name)
    return tuple(each for each in replaced if held.keys() & set(ids.get(each.name, ())))


def _stored(ws: "Workspace", uploads: Iterable[Upload], added_by: str) -> tuple[list[Arrival], list[Rejected]]:
    arrivals: list[Arrival] = []
    rejected: list[Rejected] = []
    for upload in uploads:
        with tempfile.TemporaryDirectory(dir=ws.scratch) as folder:
            for item in arriving(ws, upload, Path(folder), added_by):
                if isinstance(item, Arrival):
                    arrivals.append(item)
                else:
                    rejected.append(item)
    return arrivals, rejected


@contextmanager
def _there() -> Iterator[None]:
    try:
        yield
    except NoRow as error:
        raise NotFound("That corpus does not exist any more.", "Choose another one.") from error


def _size(upload: Upload) -> int:
    content = upload[1]
    if isinstance(content, bytes):
        return len(content)
    return content.stat().st_size if content.is_file() else 0


def create_corpus(ws: "Workspace", name: str, domain_name: str, sample: bool = False) -> CorpusRow:
    """Create an empty corpus.

    Raises:
        BadInput: the name is empty. Conflict: it is taken. NotFound: there is no such domain.
    """
    name = " ".join(name.split())
    if not name:
        raise BadInput("A corpus needs a name.", "Give it one, such as the project its files belong to.")
    try:
        return ws.corpora.create(name, ws.domains.get(domain_name).name, sample)
    except Exists as error:
        raise Conflict(f"There is a corpus called {name!r} already.", "Choose another name.") from error


def load_sample(ws: "Workspace", domain_name: str) -> int:
    """Add a domain's sample corpus, or what of it is missing, and return its id; indexing begins at once."""
    chosen = ws.domains.get(domain_name)
    if not chosen.sample_corpus:
        raise BadInput(f"The domain {chosen.title!r} has no sample.", "Make a corpus and add your own files.")
    corpus = ws.corpora.by_name(chosen.sample_corpus) or create_corpus(ws, chosen.sample_corpus, chosen.name, True)
    files = sorted(path for path in chosen.sample_folder.rglob("*") if path.is_file())
    add_files(ws, corpus.id, [(path.relative_to(chosen.sample_folder).as_posix(), path) for path in files])
    return corpus.id


def retry(ws: "Workspace", document_id: int) -> int | None:
    """Queue a failed or cancelled document again; returns the job, None when it is neither."""
    try:
        job_id = ws.documents.retry(document_id)
    except NoRow as error:
        raise NotFound("This document was deleted.", "Add the file again.") from error
    ws.wake()
    return job_id


def retry_all(ws: "Workspace", corpus_id: int, document_ids: Iterable[int]) -> int:
    """Queue those of a corpus's documents that failed or were cancelled again, in one job; returns how many."""
    count, _ = ws.documents.retry_all(corpus_id, document_ids)
    ws.wake()
    return count


def read_again(ws: "Workspace", corpus_id: int, document_ids: Iterable[int]) -> int:
    """Read the kept files of a corpus's ready documents anew, in one job; returns how many.

    They serve until the new reading is ready; edits of their chunks are kept where their words still stand. Documents
    whose file was not kept, for personal data, are left out, and those of which a newer version is under way.
    """
    count, _ = ws.documents.read_again(corpus_id, set(document_ids))
    ws.wake()
    return count


def cancel_all(ws: "Workspace", document_ids: Iterable[int]) -> int:
    """Stop those of the documents that are queued or under way; returns how many. Older versions go on serving."""
    return len(ws.documents.cancel(sorted(set(document_ids))))


def cancel(ws: "Workspace", document_id: int) -> bool:
    """Stop a document that is queued or under way; False when it was neither. An older version goes on serving."""
    return document_id in ws.documents.cancel([document_id])


def cancel_job(ws: "Workspace", job_id: int) -> None:
    """Stop a job and the documents of it that are not ready."""
    ws.jobs.request_cancel(job_id)
    ws.documents.cancel([document.id for document in ws.documents.batch(job_id)])
    ws.wake()


def delete_document(ws: "Workspace", document_id: int, *, erase: bool = False) -> None:
    """Delete a document from rows, full text, vectors and files. Does nothing when it is gone already."""
    delete_documents(ws, [document_id], erase=erase)


def delete_documents(ws: "Workspace", document_ids: Iterable[int], *, erase: bool = False) -> None:
    """Delete documents of one corpus from rows, full text, vectors and files; those that are gone are left out.

    Args:
        erase: what was made of them goes too (`storage.traces`): examples, gold questions, the words of answers, and
            their words beside the weights of adapters. The adapters themselves stay.
    """
    ids = list(document_ids)
    there = ws.corpora.names_by_corpus(ids)
    if not there:
        return
    corpus_id = next(iter(there))
    if erase:
        names, examples = ws.documents.names_that_go(ids), ws.documents.examples_that_go(ids)
        for each in names.keys() | examples.keys():  # answers of another corpus may use a file of a conversation
            forgetting.forget(ws, each, names.get(each, set()), examples.get(each, set()))
    gone = ws.documents.delete(ids, erase)
    forget_vectors(ws, corpus_id, list(gone.chunk_ids))
    if gone.chunk_ids:
        with ws.owing_vectors():
            leave_no_vectors(ws, corpus_id)


def delete_corpus(ws: "Workspace", corpus_id: int) -> None:
    """Delete a corpus with documents, conversations, jobs, adapters, vectors and files.

    The rows go first and at once, so that a kill leaves all of it or none; what is not in rows follows when the
    running steps of its jobs, which find themselves gone, have ended. After a kill the next start takes that away.
    """
    running = {job.id for job in ws.jobs.list(corpus_id, ["running"], limit=1000)}
    attached = [talk.files_corpus_id for talk in ws.conversations.list(corpus_id) if talk.files_corpus_id is not None]
    collections = [index.collection for index in ws.corpora.indexes() if index.corpus_id == corpus_id]
    learned = registry.folders(ws, corpus_id)
    ws.documents.delete_corpus(corpus_id)
    for files in attached:
        delete_corpus(ws, files)
    _until_ended(ws, running)
    for folder in learned:  # they hold the corpus's words, in examples and in weights
        shutil.rmtree(folder, ignore_errors=True)
    for collection in collections:
        ws.vectors.drop(collection)
    if collections:
        ws.vectors.leave_nothing()


def _until_ended(ws: "Workspace", jobs: set[int]) -> None:
    """Wait until none of these jobs is at work in this process any more, or too long."""
    until = time.monotonic() + PATIENCE_S
    while ws.running and jobs & ws.dispatcher.at_work() and time.monotonic() < until:
        time.sleep(0.05)
