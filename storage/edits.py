"""Edits of chunks: kept by document name and original words, so that they outlive a new version or a new cut.

Rows, full text and vectors' rows change in one transaction; the chunks changed are marked `unfed` until
whoever calls has told Chroma. Embedding is the caller's: it asks `planned` what will change, embeds that, and
hands the vectors to `write`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import delete, exists, insert, select, update
from sqlalchemy.orm import Session

from storage import audit
from storage.corpora import PENDING, parts
from storage.database import Database
from storage.edit_places import Edit, Elsewhere, Placed, applied, elsewhere, instead, place
from storage.errors import Busy, NotFound
from storage.indexes import cut_of
from storage.lexical import Lexical
from storage.rows import ChunkRow, copied
from storage.tables import Chunk, ChunkEdit, Document, Embedding, Page, now

Vector = np.ndarray[tuple[int], np.dtype[np.float32]]
LOST = "{} was dropped: the words it changed are not in this version"


class ChunkEdits:
    """Every write is one transaction."""

    def __init__(self, database: Database, lexical: Lexical) -> None:
        self._database = database
        self._lexical = lexical

    def planned(self, chunk_id: int, text: str | None, off: bool) -> list[ChunkRow]:
        """The chunks that a change would change, as they would be then.

        Args:
            text: new words, None for the chunk's own. With None and not `off`, what was edited is undone.

        Raises:
            NotFound: the chunk is gone. Busy: a newer version of its document is being indexed.
        """
        with self._database.read() as session:
            return _plan(session, chunk_id, text, off)[2]

    def write(
        self, chunk_id: int, text: str | None, off: bool, index_id: int, vectors: Mapping[int, tuple[str, Vector]]
    ) -> list[ChunkRow]:
        """Make a change; returns the chunks changed, which are now `unfed`.

        Args:
            vectors: for each chunk of `planned` its words and their vector, float32 [dimension].

        Raises:
            NotFound: the chunk is gone. Busy: the document is being indexed, or changed since `planned`.
        """
        with self._database.write() as session:
            dropped, made, rows = _plan(session, chunk_id, text, off)
            if any(row.id not in vectors or vectors[row.id][0] != row.said for row in rows):
                raise Busy("the document was changed in the meantime")
            document = session.get_one(Document, session.get_one(Chunk, chunk_id).document_id)
            session.execute(delete(ChunkEdit).where(ChunkEdit.id.in_(dropped)))
            session.add_all(_row(edit, document) for edit in made)
            for row in rows:
                values = {"edited": row.edited, "switched_off": row.switched_off, "unfed": True}
                session.execute(update(Chunk).where(Chunk.id == row.id).values(**values))
            what = "switched off" if off else "edit undone" if text is None else "edited"
            audit.note(session, what, "chunk", chunk_id, corpus_id=document.corpus_id, document=document.id)
            self._search_again(session, rows)
            _embed_again(session, index_id, {row.id: vectors[row.id][1] for row in rows})
            return rows

    def elsewhere(self, chunk_id: int) -> Elsewhere | None:
        """Whether words of a chunk are replaced by an edit that another chunk shows; None also when it is gone."""
        with self._database.read() as session:
            chunk = session.get(Chunk, chunk_id)
            if chunk is None:
                return None
            placed = _placed(session, chunk.document_id, _edits(session, session.get_one(Document, chunk.document_id)))
            row = copied(ChunkRow, chunk)
            here = [at for at in placed if at.touches(row)]
            return elsewhere(row, _of_its_page(session, row), here) if here else None

    def unfed(self) -> dict[int, list[ChunkRow]]:
        """Chunks whose change Chroma may not know of yet, by corpus."""
        found: dict[int, list[ChunkRow]] = {}
        with self._database.read() as session:
            for row in session.scalars(select(Chunk).where(Chunk.unfed).order_by(Chunk.id)):
                found.setdefault(row.corpus_id, []).append(copied(ChunkRow, row))
        return found

    def fed(self, rows: Sequence[ChunkRow]) -> None:
        """Chroma knows of these chunks as they are in `rows`; one that was changed again since stays unfed."""
        with self._database.write() as session:
            for row in rows:
                same = (Chunk.id == row.id) & (Chunk.switched_off == row.switched_off)
                same &= Chunk.edited.is_(None) if row.edited is None else Chunk.edited == row.edited
                session.execute(update(Chunk).where(same).values(unfed=False))

    def of_corpus(self, corpus_id: int) -> list[list[Any]]:
        """All edits of a corpus: document, words, what stands in their place, whether they are switched off."""
        columns = (ChunkEdit.document_name, ChunkEdit.original, ChunkEdit.text, ChunkEdit.off)
        query = select(*columns).where(ChunkEdit.corpus_id == corpus_id).order_by(ChunkEdit.document_name, ChunkEdit.id)
        with self._database.read() as session:
            return [list(row) for row in session.execute(query)]

    def of_document(self, document_id: int) -> list[Edit]:
        """The edits made in a document, in page order."""
        with self._database.read() as session:
            document = session.get(Document, document_id)
            return sorted(_edits(session, document), key=lambda edit: (edit.page, edit.start)) if document else []

    def _search_again(self, session: Session, rows: Sequence[ChunkRow]) -> None:
        self._lexical.remove(session, [row.id for row in rows], wipe=False)
        self._lexical.add(session, rows)


def apply(session: Session, document_ids: Iterable[int]) -> None:
    """Change the chunks of documents, just stored, as people want them."""
    for document_id in document_ids:
        document = session.get_one(Document, document_id)
        if not (edits := _edits(session, document)):
            continue
        for row in _changed(session, document_id, _placed(session, document_id, edits)):
            values = {"edited": row.edited, "switched_off": row.switched_off}
            session.execute(update(Chunk).where(Chunk.id == row.id).values(**values))


def settle(session: Session, document_ids: Iterable[int]) -> None:
    """Note where edits stand in documents that just became ready, and drop those whose words are gone."""
    for document_id in document_ids:
        document = session.get_one(Document, document_id)
        if not (edits := _edits(session, document)):
            continue
        placed = {at.edit.id: at for at in _placed(session, document_id, edits)}
        for at in placed.values():
            values = {"page": at.page, "start": at.start, "end": at.end}
            session.execute(update(ChunkEdit).where(ChunkEdit.id == at.edit.id).values(**values))
        lost = [edit.id for edit in edits if edit.id not in placed]
        if lost:
            session.execute(delete(ChunkEdit).where(ChunkEdit.id.in_(lost)))
            document.notes = [*document.notes, LOST.format(f"{len(lost)} edit{'s' if len(lost) > 1 else ''}")]


def forget(session: Session, corpus_id: int, names: Iterable[str]) -> None:
    """Delete the edits of documents that are gone: they hold words of theirs."""
    there = exists().where(Document.corpus_id == corpus_id, Document.name == ChunkEdit.document_name)
    for part in parts(sorted(set(names))):
        of_names = (ChunkEdit.corpus_id == corpus_id) & ChunkEdit.document_name.in_(part)
        session.execute(delete(ChunkEdit).where(of_names, ~there))


def _plan(session: Session, chunk_id: int, text: str | None, off: bool) -> tuple[list[int], list[Edit], list[ChunkRow]]:
    """The ids of edits that others take the place of, these others, and the chunks as they will be."""
    chunk = session.get(Chunk, chunk_id)
    if chunk is None:
        raise NotFound(f"chunk {chunk_id}")
    document = session.get_one(Document, chunk.document_id)
    busy = select(Document.id).where(Document.corpus_id == document.corpus_id, Document.name == document.name)
    if session.scalar(busy.where(Document.status.in_(PENDING)).limit(1)) is not None:
        raise Busy("the document is being indexed")
    row = copied(ChunkRow, chunk)
    placed = _placed(session, document.id, _edits(session, document))
    touching = [at for at in placed if at.touches(row)]
    kept = [at for at in placed if not at.touches(row)]
    page = session.scalar(select(Page.text).where(Page.document_id == document.id, Page.number == row.page)) or ""
    made = instead(row, None if text == row.text else text, off, _of_its_page(session, row), touching, page)
    kept += [Placed(edit, edit.page, edit.start, edit.end) for edit in made]
    dropped = [at.edit.id for at in touching if at.edit.id is not None]
    return dropped, made, _changed(session, document.id, kept)


def _of_its_page(session: Session, row: ChunkRow) -> list[ChunkRow]:
    """The chunks of a chunk's page and cut, in order."""
    mine = (Chunk.document_id == row.document_id, Chunk.cut == row.cut, Chunk.page == row.page)
    return [copied(ChunkRow, each) for each in session.scalars(select(Chunk).where(*mine).order_by(Chunk.ordinal))]


def _edits(session: Session, document: Document) -> list[Edit]:
    query = select(ChunkEdit).where(ChunkEdit.corpus_id == document.corpus_id, ChunkEdit.document_name == document.name)
    return [copied(Edit, row) for row in session.scalars(query.order_by(ChunkEdit.id))]


def _placed(session: Session, document_id: int, edits: Sequence[Edit]) -> list[Placed]:
    if not edits:
        return []
    rows = session.execute(select(Page.number, Page.text).where(Page.document_id == document_id)).all()
    pages = {row[0]: row[1] for row in rows}
    return [at for edit in edits if (at := place(edit, pages)) is not None]


def _changed(session: Session, document_id: int, placed: Sequence[Placed]) -> list[ChunkRow]:
    """Chunks of a document that are not yet as the edits want them, as they will be."""
    rows = [copied(ChunkRow, row) for row in session.scalars(select(Chunk).where(Chunk.document_id == document_id))]
    wanted: dict[int, tuple[str | None, bool]] = {}
    for cut in {row.cut for row in rows}:  # each has all the words of the document once
        wanted |= applied([row for row in rows if row.cut == cut], placed)
    after = [replace(row, edited=wanted[row.id][0], switched_off=wanted[row.id][1]) for row in rows]
    return [new for new, old in zip(after, rows, strict=True) if new != old]


def _embed_again(session: Session, index_id: int, vectors: Mapping[int, Vector]) -> None:
    """Replace vectors in one index; other indexes will find theirs missing."""
    for part in parts(sorted(vectors)):
        session.execute(delete(Embedding).where(Embedding.chunk_id.in_(part)))
        mine = session.scalars(select(Chunk.id).where(Chunk.id.in_(part), Chunk.cut == cut_of(index_id)))
        rows = [{"chunk_id": key, "index_id": index_id, "vector": vectors[key].astype("<f4").tobytes()} for key in mine]
        if rows:
            session.execute(insert(Embedding), rows)


def _row(edit: Edit, document: Document) -> ChunkEdit:
    return ChunkEdit(
        corpus_id=document.corpus_id,
        document_name=document.name,
        page=edit.page,
        start=edit.start,
        end=edit.end,
        original=edit.original,
        text=edit.text,
        off=edit.off,
        created_at=now(),
    )
