"""Corpora and what is in them, for reading: lists, pages, chunks, numbers.

Writing a corpus itself is here too; writing documents is `storage/documents.py`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, exists, func, select, tuple_
from sqlalchemy.exc import IntegrityError

from storage import audit
from storage.database import Database
from storage.errors import Exists, NotFound
from storage.rows import ChunkRow, CorpusRow, DocumentRow, IndexRow, NamedRow, PageRow, Statistics, copied
from storage.tables import Chunk, Corpus, Document, Index, Page, Table

Id = TypeVar("Id")
Rows = list  # the word itself names a method of the class below
PENDING = ("queued", "parsing", "embedding")
SORTS: dict[str, Sequence[Any]] = {
    "name": (Document.name,),
    "added": (Document.created_at.desc(),),
    "pages": (Document.page_count.desc(),),
    "chunks": (Document.chunk_count.desc(),),
    "size": (Document.size_bytes.desc(),),
}
CHUNK_COLUMNS: Sequence[Any] = [getattr(Chunk, field.name) for field in fields(ChunkRow)]
# Not a join: SQLite would walk from the ready documents to all their chunks rather than look up more than a few ids.
OF_READY = exists().where(Document.id == Chunk.document_id, Document.status == "ready")
AT_ONCE = 500  # ids in one IN list: databases limit how many parameters a statement may have


class Corpora:
    """Reads see committed rows only; nothing is cached."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, domain: str, sample: bool = False, hidden: bool = False) -> CorpusRow:
        """Add an empty corpus; a hidden one holds the files of one conversation.

        Raises:
            Exists: there is a corpus of that name.
        """
        try:
            with self._database.write() as session:
                corpus = Corpus(name=name, domain=domain, sample=sample, hidden=hidden)
                session.add(corpus)
                session.flush()
                if not hidden:
                    audit.note(session, "created", "corpus", corpus.id, name=name, corpus_id=corpus.id, sample=sample)
                return copied(CorpusRow, corpus)
        except IntegrityError as error:
            raise Exists(f"a corpus named {name!r}") from error

    def list(self, hidden: bool = False) -> Rows[CorpusRow]:
        """The corpora people work with, by name; or the hidden ones, each of one conversation."""
        query = select(Corpus).where(Corpus.hidden.is_(hidden)).order_by(Corpus.name)
        with self._database.read() as session:
            return [copied(CorpusRow, corpus) for corpus in session.scalars(query)]

    def get(self, corpus_id: int) -> CorpusRow:
        """One corpus; raises NotFound."""
        with self._database.read() as session:
            return copied(CorpusRow, _found(session.get(Corpus, corpus_id), "corpus", corpus_id))

    def by_name(self, name: str) -> CorpusRow | None:
        """The corpus of that exact name, if there is one; a hidden one has no name to people."""
        with self._database.read() as session:
            corpus = session.scalar(select(Corpus).where(Corpus.name == name, Corpus.hidden.is_(False)))
            return copied(CorpusRow, corpus) if corpus else None

    def rename(self, corpus_id: int, name: str) -> None:
        """Give a corpus another name; raises NotFound, or Exists when the name is taken."""
        try:
            with self._database.write() as session:
                _found(session.get(Corpus, corpus_id), "corpus", corpus_id).name = name
                audit.note(session, "renamed", "corpus", corpus_id, name=name, corpus_id=corpus_id)
        except IntegrityError as error:
            raise Exists(f"a corpus named {name!r}") from error

    def documents(
        self,
        corpus_id: int,
        *,
        offset: int = 0,
        limit: int = 50,
        search: str = "",
        status: str = "",
        kind: str = "",
        sort: str = "name",
    ) -> Rows[DocumentRow]:
        """Documents of a corpus, a page of them.

        Args:
            search: a part of the name or title.
            status: only that one; "pending" is queued, parsing and embedding.
            kind: only that media type.
            sort: name; or the newest, or those with the most pages, chunks or bytes first (`SORTS`).
        """
        query = select(Document).where(*_matching(corpus_id, search, status, kind)).order_by(*SORTS[sort], Document.id)
        with self._database.read() as session:
            return [copied(DocumentRow, row) for row in session.scalars(query.offset(offset).limit(limit))]

    def count_documents(self, corpus_id: int, *, search: str = "", status: str = "", kind: str = "") -> int:
        """How many documents `documents` would list without a limit."""
        query = select(func.count(Document.id)).where(*_matching(corpus_id, search, status, kind))
        with self._database.read() as session:
            return session.scalar(query) or 0

    def document_ids(self, corpus_id: int, *, search: str = "", status: str = "", kind: str = "") -> Rows[int]:
        """The ids of all documents that `documents` would list without a limit."""
        query = select(Document.id).where(*_matching(corpus_id, search, status, kind)).order_by(Document.id)
        with self._database.read() as session:
            return list(session.scalars(query))

    def media_types(self, corpus_id: int) -> dict[str, int]:
        """The media types of a corpus's documents with how many there are, the most frequent first; "" is not known."""
        count = func.count(Document.id)
        query = select(Document.media_type, count).where(Document.corpus_id == corpus_id).group_by(Document.media_type)
        with self._database.read() as session:
            return {row[0]: row[1] for row in session.execute(query.order_by(count.desc(), Document.media_type))}

    def document(self, document_id: int) -> DocumentRow:
        """One document; raises NotFound."""
        with self._database.read() as session:
            return copied(DocumentRow, _found(session.get(Document, document_id), "document", document_id))

    def contents(self, corpus_id: int) -> dict[str, str]:
        """The hash of each ready document's content, by its name."""
        query = select(Document.name, Document.content_sha256)
        with self._database.read() as session:
            rows = session.execute(query.where(Document.corpus_id == corpus_id, Document.status == "ready"))
            return {row[0]: row[1] for row in rows}

    def names(self, corpus_id: int) -> set[str]:
        """The names of all of a corpus's documents, ready or not."""
        with self._database.read() as session:
            return set(session.scalars(select(Document.name).where(Document.corpus_id == corpus_id)))

    def ids_of_names(self, corpus_id: int, names: Iterable[str]) -> dict[str, Rows[int]]:
        """The documents of these names that serve or will; names that none has are left out."""
        found: dict[str, Rows[int]] = {}
        with self._database.read() as session:
            for part in parts(sorted(set(names))):
                query = select(Document.name, Document.id).where(Document.corpus_id == corpus_id)
                wanted = Document.name.in_(part) & Document.status.in_(("ready", *PENDING))
                for name, document_id in session.execute(query.where(wanted).order_by(Document.id)):
                    found.setdefault(name, []).append(document_id)
        return found

    def documents_by_ids(self, ids: Iterable[int]) -> dict[int, DocumentRow]:
        """Documents by id; those that are gone are left out."""
        found: dict[int, DocumentRow] = {}
        with self._database.read() as session:
            for part in parts(sorted(set(ids))):
                rows = session.scalars(select(Document).where(Document.id.in_(part)))
                found |= {row.id: copied(DocumentRow, row) for row in rows}
        return found

    def names_by_ids(self, ids: Iterable[int]) -> dict[int, NamedRow]:
        """What documents are called, by id; those that are gone are left out."""
        found: dict[int, NamedRow] = {}
        with self._database.read() as session:
            for part in parts(sorted(set(ids))):
                # Columns, not objects: every search reads a hundred.
                query = select(Document.id, Document.name, Document.title).where(Document.id.in_(part))
                found |= {row.id: NamedRow(*row) for row in session.execute(query)}
        return found

    def names_by_corpus(self, ids: Iterable[int]) -> dict[int, set[str]]:
        """The names of documents by their corpus; those that are gone are left out."""
        found: dict[int, set[str]] = {}
        with self._database.read() as session:
            for part in parts(sorted(set(ids))):
                query = select(Document.corpus_id, Document.name).where(Document.id.in_(part))
                for corpus_id, name in session.execute(query):
                    found.setdefault(corpus_id, set()).add(name)
        return found

    def pages(self, document_id: int) -> Rows[PageRow]:
        """All pages of a document, in order."""
        query = select(Page).where(Page.document_id == document_id).order_by(Page.number)
        with self._database.read() as session:
            return [copied(PageRow, page) for page in session.scalars(query)]

    def page(self, document_id: int, number: int) -> PageRow:
        """One page by its number; raises NotFound."""
        query = select(Page).where(Page.document_id == document_id, Page.number == number)
        with self._database.read() as session:
            return copied(PageRow, _found(session.scalar(query), "page", number))

    def scanned(self, document_id: int, number: int) -> Rows[Any] | None:
        """What OCR read off a page, as it was stored; None when it read nothing, or there is no such page."""
        query = select(Page.scanned).where(Page.document_id == document_id, Page.number == number)
        with self._database.read() as session:
            return session.scalar(query)

    def pages_by_keys(self, keys: Iterable[tuple[int, int]]) -> dict[tuple[int, int], PageRow]:
        """Pages by (document id, page number); those that are gone are left out."""
        found: dict[tuple[int, int], PageRow] = {}
        with self._database.read() as session:
            for part in parts(sorted(set(keys))):
                rows = session.scalars(select(Page).where(*_at(Page.document_id, Page.number, part)))
                found |= {(row.document_id, row.number): copied(PageRow, row) for row in rows}
        return found

    def edited_by_keys(self, keys: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Rows[ChunkRow]]:
        """The chunks that a person edited on the pages of these (document id, page number), in order."""
        found: dict[tuple[int, int], Rows[ChunkRow]] = {}
        with self._database.read() as session:
            for part in parts(sorted(set(keys))):
                there = select(Chunk).where(*_at(Chunk.document_id, Chunk.page, part), Chunk.edited.is_not(None))
                for row in session.scalars(there.where(served()).order_by(Chunk.ordinal)):
                    found.setdefault((row.document_id, row.page), []).append(copied(ChunkRow, row))
        return found

    def chunks(self, document_id: int) -> Rows[ChunkRow]:
        """All chunks of a document as the serving index has it cut, in order."""
        query = select(Chunk).where(Chunk.document_id == document_id, served()).order_by(Chunk.ordinal)
        with self._database.read() as session:
            return [copied(ChunkRow, chunk) for chunk in session.scalars(query)]

    def chunks_of_page(self, document_id: int, page: int) -> Rows[ChunkRow]:
        """The chunks of one page, in order, those switched off among them."""
        query = select(Chunk).where(Chunk.document_id == document_id, Chunk.page == page, served())
        query = query.order_by(Chunk.ordinal)
        with self._database.read() as session:
            return [copied(ChunkRow, chunk) for chunk in session.scalars(query)]

    def chunk(self, chunk_id: int) -> ChunkRow:
        """One chunk; raises NotFound."""
        with self._database.read() as session:
            return copied(ChunkRow, _found(session.get(Chunk, chunk_id), "chunk", chunk_id))

    def chunk_at(self, document_id: int, ordinal: int) -> ChunkRow:
        """One chunk by its place in the document, from 0; raises NotFound."""
        query = select(Chunk).where(Chunk.document_id == document_id, Chunk.ordinal == ordinal, served())
        with self._database.read() as session:
            return copied(ChunkRow, _found(session.scalar(query), "chunk", ordinal))

    def chunks_by_ids(self, ids: Iterable[int]) -> dict[int, ChunkRow]:
        """Chunks that may be found, by id: those of ready documents that are on. Look-ups may lag behind the rows."""
        found: dict[int, ChunkRow] = {}
        with self._database.read() as session:
            for part in parts(sorted(set(ids))):
                # Columns, not objects: every search reads some two hundred.
                query = select(*CHUNK_COLUMNS).where(Chunk.id.in_(part), OF_READY, ~Chunk.switched_off)
                found |= {row.id: ChunkRow(*row) for row in session.execute(query)}
        return found

    def active_index(self, corpus_id: int) -> IndexRow | None:
        """The index that serves the corpus; None before anything was indexed."""
        query = select(Index).where(Index.corpus_id == corpus_id, Index.active)
        with self._database.read() as session:
            index = session.scalar(query)
            return copied(IndexRow, index) if index else None

    def indexes(self) -> Rows[IndexRow]:
        """Every index of every corpus."""
        with self._database.read() as session:
            return [copied(IndexRow, index) for index in session.scalars(select(Index).order_by(Index.id))]

    def statistics(self, corpus_id: int) -> Statistics:
        """A corpus in numbers; pages and chunks are those of ready documents."""
        query = select(
            Document.status,
            func.count(Document.id),
            func.sum(Document.page_count),
            func.sum(Document.chunk_count),
            func.max(Document.indexed_at),
        )
        with self._database.read() as session:
            rows = session.execute(query.where(Document.corpus_id == corpus_id).group_by(Document.status)).all()
        by_status = {row[0]: row for row in rows}
        ready = by_status.get("ready")
        count = {status: row[1] for status, row in by_status.items()}
        return Statistics(
            documents=sum(count.values()),
            ready=count.get("ready", 0),
            failed=count.get("failed", 0),
            pending=sum(count.get(status, 0) for status in PENDING),
            pages=ready[2] if ready else 0,
            chunks=ready[3] if ready else 0,
            indexed_at=ready[4] if ready else None,
        )


def parts(items: Sequence[Id]) -> Iterator[Sequence[Id]]:
    """Cut a list of ids into parts that fit one statement."""
    return (items[at : at + AT_ONCE] for at in range(0, len(items), AT_ONCE))


def served() -> ColumnElement[bool]:
    """Of the chunks of a corpus, those that its serving index finds."""
    serving = select(Index.cut).where(Index.corpus_id == Chunk.corpus_id, Index.active).scalar_subquery()
    return Chunk.cut == func.coalesce(serving, 0)


def _at(document_id: Any, page: Any, keys: Sequence[tuple[int, int]]) -> tuple[ColumnElement[bool], ...]:
    """Of rows that stand on a page, those on one of these."""
    # SQLite reads every page for pairs of values; each column by itself leads it to the index.
    near = document_id.in_({key for key, _ in keys}), page.in_({number for _, number in keys})
    return tuple_(document_id, page).in_(keys), *near


def _found(row: Table | None, noun: str, key: object) -> Any:
    if row is None:
        raise NotFound(f"{noun} {key}")
    return row


def _matching(corpus_id: int, search: str, status: str, kind: str = "") -> Iterator[ColumnElement[bool]]:
    yield Document.corpus_id == corpus_id
    if search:
        yield Document.name.icontains(search, autoescape=True) | Document.title.icontains(search, autoescape=True)
    if status:
        yield Document.status.in_(PENDING) if status == "pending" else Document.status == status
    if kind:
        yield Document.media_type == kind
