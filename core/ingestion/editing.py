"""A person changes what a chunk says, or keeps it from being found; and undoes either.

    embed the new words -> rows, full text and vectors' rows in one transaction -> Chroma

A process killed before Chroma knows leaves the chunks marked; the next owner of the workspace feeds them
(`core.repair`). The page's own text is never changed: it stays the source.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.errors import BadInput, Conflict, NotFound
from core.ingestion.indexing import embedded_text
from storage.errors import Busy
from storage.errors import NotFound as NoRow
from storage.rows import ChunkRow, IndexRow

if TYPE_CHECKING:
    from core.workspace import Workspace

LONGEST = 8_000
"""Characters of an edited chunk: the embedding model reads the first thousand or so, and a prompt has to hold it."""


def edit(ws: "Workspace", chunk_id: int, text: str) -> None:
    """Have a chunk found by, and quoted in, these words instead of its own; its own words undo an edit.

    Raises:
        BadInput: no words, or too many. NotFound: the chunk is gone. Conflict: its document is being indexed.
    """
    text = text.strip()
    if not text:
        raise BadInput("A chunk without words cannot be found.", "Switch it off instead.")
    if len(text) > LONGEST:
        raise BadInput(f"A chunk has at most {LONGEST:,} characters; this has {len(text):,}.", "Shorten it.")
    _change(ws, chunk_id, text, off=False)


def switch(ws: "Workspace", chunk_id: int, *, on: bool) -> None:
    """Keep a chunk from being found, or let it be found again; an edit of its words stays. Raises as `edit` does."""
    row = _row(ws, chunk_id)
    _change(ws, chunk_id, row.edited, off=not on)


def undo(ws: "Workspace", chunk_id: int) -> None:
    """Have a chunk as the document has it. Raises as `edit` does."""
    _change(ws, chunk_id, None, off=False)


def feed(ws: "Workspace", corpus_id: int, rows: Sequence[ChunkRow]) -> None:
    """Tell Chroma of chunks that were changed, and note that it knows."""
    with ws.owing_vectors():
        if index := ws.corpora.active_index(corpus_id):
            _feed_index(ws, index, rows)
        ws.edits.fed(rows)


def _feed_index(ws: "Workspace", index: IndexRow, rows: Sequence[ChunkRow]) -> None:
    for document_id in {row.document_id for row in rows}:
        wanted = {row.id for row in rows if row.document_id == document_id and not row.switched_off}
        for ids, vectors in ws.indexes.of_documents(index.id, [document_id]) if wanted else ():
            mine = [at for at, key in enumerate(ids) if key in wanted]
            if mine:
                ws.vectors.upsert(index.collection, [ids[at] for at in mine], vectors[mine])
    ws.vectors.remove(index.collection, [row.id for row in rows if row.switched_off])


def _change(ws: "Workspace", chunk_id: int, text: str | None, off: bool) -> None:
    try:
        chunk = _row(ws, chunk_id)
        index = ws.corpora.active_index(chunk.corpus_id)
        planned = ws.edits.planned(chunk_id, text, off)
        if not planned or index is None:
            return
        title = ws.corpora.document(chunk.document_id).title
        vectors = ws.embedders.of(index).embed_chunks([embedded_text(title, row) for row in planned])
        known = {row.id: (row.said, vector) for row, vector in zip(planned, vectors, strict=True)}
        feed(ws, chunk.corpus_id, ws.edits.write(chunk_id, text, off, index.id, known))
        ws.index_changes.catch_up(chunk.corpus_id)
        ws.wake()
    except Busy as error:
        raise Conflict(f"Nothing was changed: {error}.", "Try again when it is ready.") from error
    except NoRow as error:
        raise NotFound("This chunk is gone: its document was indexed anew or deleted.", "Open it again.") from error


def _row(ws: "Workspace", chunk_id: int) -> ChunkRow:
    try:
        return ws.corpora.chunk(chunk_id)
    except NoRow as error:
        raise NotFound("This chunk is gone: its document was indexed anew or deleted.", "Open it again.") from error
