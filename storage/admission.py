"""Decides what an arriving file is: new, unchanged, a duplicate, or a newer version of a document.

One transaction decides for a whole batch and queues the job that will index it, so that two people
dropping the same folder at once get each file once.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session, aliased

from storage import audit
from storage.corpora import PENDING, parts
from storage.jobs import enqueue
from storage.recognising import keyed, same
from storage.tables import Document, SourceItem

PLAIN = "text/plain"
Verdict = Literal["added", "replaced", "unchanged", "duplicate"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file whose content is stored already.

    Attributes:
        line: it is a line of a corpus.jsonl: its name is an id that stands for itself, so the same
            content under another id is no duplicate, and another title or source is a change.
    """

    name: str
    content_sha256: str
    size_bytes: int
    title: str = ""
    source: str = ""
    media_type: str = ""
    added_by: str = ""
    line: bool = False


@dataclass(frozen=True, slots=True)
class Admitted:
    """What became of an arrival.

    `document_id` is the document that holds its content now or soon, `of` that document's name.
    """

    name: str
    verdict: Verdict
    document_id: int
    of: str


@dataclass(slots=True)
class Known:
    """The corpus's documents that matter for a batch; grows while the batch is decided."""

    by_name: dict[str, list[Document]] = field(default_factory=lambda: defaultdict(list))
    by_content: dict[str, Document] = field(default_factory=dict)

    def add(self, document: Document) -> None:
        """Take a document into account."""
        if document not in self.by_name[document.name]:
            self.by_name[document.name].append(document)
        if document.status == "ready" or document.status in PENDING:
            self.by_content.setdefault(document.content_sha256, document)

    def holder(self, sha256: str) -> Document | None:
        """The document that holds a content, redacted or not."""
        return self.by_content.get(sha256) or self.by_content.get(keyed(sha256))


def admit(session: Session, corpus_id: int, arrivals: Sequence[Arrival]) -> tuple[list[Admitted], int | None, set[str]]:
    """Decide for a batch, add its rows and queue its job, in a transaction of the caller's.

    Returns:
        one verdict an arrival, in order; the job's id, None when there is nothing to index; and the
        sha256s of unfinished documents that newer versions pushed aside.
    """
    known = _known(session, corpus_id, arrivals)
    job_id: int | None = None
    decided: list[tuple[Arrival, Verdict, Document]] = []
    aside: list[Document] = []
    for arrival in arrivals:
        verdict, document = _decide(known, arrival)
        if verdict != "duplicate":
            aside += _push_aside(known, arrival.name, keep=document)
        if document is None:
            job_id = job_id or enqueue(session, "index", corpus_id).id
            document = _new(corpus_id, job_id, arrival, _serving(known.by_name[arrival.name]))
            known.add(document)
        decided.append((arrival, verdict, document))
    _write(session, [document for _, _, document in decided], aside)
    for arrival, verdict, row in decided:
        if verdict in ("added", "replaced"):
            audit.note(session, verdict, "document", row.id, name=arrival.name, corpus_id=corpus_id)
    verdicts = [Admitted(arrival.name, verdict, row.id or 0, row.name) for arrival, verdict, row in decided]
    return verdicts, job_id, {row.content_sha256 for row in aside}


def foresee(session: Session, corpus_id: int, arrivals: Sequence[Arrival]) -> list[tuple[Verdict, str]]:
    """What `admit` would decide for a batch, and the name of the document that has each content then; adds nothing."""
    known = _known(session, corpus_id, arrivals)
    decided: list[tuple[Verdict, str]] = []
    for arrival in arrivals:
        verdict, document = _decide(known, arrival)
        if verdict != "duplicate":
            _push_aside(known, arrival.name, keep=document)
        if document is None:
            document = _new(corpus_id, None, arrival, None)
            known.add(document)
        decided.append((verdict, document.name))
    return decided


def renew(session: Session, corpus_id: int, document_ids: Collection[int]) -> tuple[list[Document], int | None]:
    """Queue newer versions of ready documents with the same content; what was taken from sources stands by them.

    Left out are those whose file is not kept, and those of which a newer version is under way.

    Returns: the new rows, and the job that indexes them; None when there are none.
    """
    renewed: list[Document] = []
    job_id: int | None = None
    newer = aliased(Document)
    under_way = exists().where(newer.replaces_id == Document.id, newer.status.in_(PENDING))
    for part in parts(sorted(document_ids)):
        wanted = Document.id.in_(part) & (Document.corpus_id == corpus_id) & (Document.status == "ready")
        query = select(Document).where(wanted, ~Document.original_removed, ~under_way).order_by(Document.id)
        for old in session.scalars(query.with_for_update()).all():
            job_id = job_id or enqueue(session, "index", corpus_id).id
            title = old.title if old.media_type == PLAIN else ""  # a line of a corpus.jsonl cannot say it itself
            like = Arrival(
                old.name, old.content_sha256, old.size_bytes, title, old.source, old.media_type, old.added_by
            )
            new = _new(corpus_id, job_id, like, old)
            session.add(new)
            session.flush()
            held = SourceItem.document_id == old.id
            session.execute(update(SourceItem).where(held).values(document_id=new.id))
            renewed.append(new)
    return renewed, job_id


def _known(session: Session, corpus_id: int, arrivals: Sequence[Arrival]) -> Known:
    known = Known()
    for part in parts(arrivals):
        names = Document.name.in_([arrival.name for arrival in part])
        hashes = [arrival.content_sha256 for arrival in part]
        contents = Document.content_sha256.in_([*hashes, *map(keyed, hashes)])
        query = select(Document).where(Document.corpus_id == corpus_id, names | contents)
        for document in session.scalars(query.order_by(Document.id)):
            known.add(document)
    return known


def _decide(known: Known, arrival: Arrival) -> tuple[Verdict, Document | None]:
    versions = known.by_name[arrival.name]
    pending = [row for row in versions if row.status in PENDING]
    serving = _serving(versions)
    for row in (pending[-1] if pending else None, serving):
        if row is not None and _same(row, arrival):
            return "unchanged", row
    holder = known.holder(arrival.content_sha256)
    if not pending and not serving and not arrival.line and holder is not None:
        return "duplicate", holder
    return ("replaced" if pending or serving else "added"), None


def _same(row: Document, arrival: Arrival) -> bool:
    named_the_same = not arrival.line or (arrival.title in ("", row.title) and arrival.source == row.source)
    return same(row.content_sha256, arrival.content_sha256) and named_the_same


def _serving(versions: Sequence[Document]) -> Document | None:
    return next((row for row in versions if row.status == "ready"), None)


def _push_aside(known: Known, name: str, keep: Document | None) -> list[Document]:
    """Take the versions of a document that do not serve and are not wanted any more out of what is known."""
    aside = [row for row in known.by_name[name] if row.status != "ready" and row is not keep]
    known.by_name[name] = [row for row in known.by_name[name] if row not in aside]
    for row in aside:
        if known.by_content.get(row.content_sha256) is row:
            del known.by_content[row.content_sha256]
    return aside


def _new(corpus_id: int, job_id: int | None, arrival: Arrival, serving: Document | None) -> Document:
    return Document(
        corpus_id=corpus_id,
        job_id=job_id,
        name=arrival.name,
        content_sha256=arrival.content_sha256,
        size_bytes=arrival.size_bytes,
        title=arrival.title,
        source=arrival.source,
        media_type=arrival.media_type,
        added_by=arrival.added_by,
        status="queued",
        replaces_id=serving.id if serving else None,
    )


def _write(session: Session, decided: Sequence[Document], aside: Sequence[Document]) -> None:
    gone = [row for row in aside if row.id is not None]
    for part in parts([row.id for row in gone]):
        session.execute(delete(Document).where(Document.id.in_(part)))
    session.add_all(row for row in decided if row.id is None and row not in aside)
    session.flush()
