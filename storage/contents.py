"""What parsing and chunking made of a document, and how it becomes rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import delete, func, insert, update
from sqlalchemy.orm import Session

from storage import audit, edits
from storage.corpora import parts
from storage.tables import Chunk, Document, Page


@dataclass(frozen=True, slots=True)
class PageText:
    """A page to be stored; fields as in the table `pages`."""

    number: int
    label: str
    text: str
    blocks: Mapping[str, Any] | None = None
    scanned: Sequence[Any] | None = None


@dataclass(frozen=True, slots=True)
class ChunkText:
    """A chunk to be stored; fields as in the table `chunks`."""

    ordinal: int
    page: int
    start: int
    end: int
    kind: str
    heading: str
    header: str
    text: str
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Content:
    """What parsing and chunking made of a document; `title` counts only where it has none yet, or when `redacted`.

    `redacted`: personal data was replaced, so that the original must not be kept.
    """

    document_id: int
    title: str
    media_type: str
    pages: Sequence[PageText]
    chunks: Sequence[ChunkText]
    notes: Sequence[str] = ()
    dropped: Sequence[Mapping[str, Any]] = ()
    flags: Sequence[Mapping[str, Any]] = ()
    redacted: bool = False


def store(session: Session, corpus_id: int | None, contents: Sequence[Content]) -> None:
    """Replace whatever pages and chunks documents have, and set them to `embedding`."""
    clear(session, [content.document_id for content in contents])
    pages = [asdict(page) | {"document_id": content.document_id} for content in contents for page in content.pages]
    places = [{"document_id": content.document_id, "corpus_id": corpus_id} for content in contents]
    chunks = [asdict(row) | place for content, place in zip(contents, places, strict=True) for row in content.chunks]
    if pages:
        session.execute(insert(Page), pages)
    if chunks:
        session.execute(insert(Chunk), chunks)
    edits.apply(session, [content.document_id for content in contents])
    for content in contents:
        session.execute(update(Document).where(Document.id == content.document_id).values(**_described(content)))
        if content.redacted:
            audit.note(session, "redacted", "document", content.document_id, corpus_id=corpus_id)


def clear(session: Session, document_ids: Iterable[int]) -> None:
    """Delete the pages and chunks of documents, and with them their vectors' rows."""
    for part in parts(sorted(document_ids)):
        session.execute(delete(Chunk).where(Chunk.document_id.in_(part)))
        session.execute(delete(Page).where(Page.document_id.in_(part)))


def _described(content: Content) -> dict[str, Any]:
    return {
        "status": "embedding",
        "title": content.title if content.redacted else func.coalesce(func.nullif(Document.title, ""), content.title),
        "original_removed": content.redacted,
        "media_type": content.media_type,
        "notes": list(content.notes),
        "dropped": [dict(item) for item in content.dropped],
        "flags": [dict(item) for item in content.flags],
        "page_count": len(content.pages),
        "chunk_count": len(content.chunks),
        "progress_done": 0,
        "progress_total": len(content.chunks),
    }
