"""A document on the corpus page: its pages on the left, on the right the chunks they were cut into.

The current chunk is the one that the address marks (`document`, `page`, `mark`), else the page's first, so walking
through chunks is changing the address. Reads one page and its chunks, however long the document is.
"""

from collections.abc import Sequence

import streamlit as st

from dashboard import resources, state
from dashboard.components import attention, chunk_card, document_view, empty, omissions, page_view
from dashboard.components.safe_text import label
from storage.errors import NotFound
from storage.rows import ChunkRow, DocumentRow, PageRow

WIDTH = 1240
BESIDE = 20
"""Chunks named beside the current one: a text file or a CSV is one page, of hundreds."""
TEXT = 10_000
"""Characters of a page's text before the current chunk, and after it."""


def show_if_open(corpus_id: int) -> None:
    """Open the drawer when the address names a document of this corpus."""
    attention.give_back()
    if document := document_view.opened(corpus_id):
        title = label(document.title or document.name, 90)
        st.dialog(title, width=WIDTH, position="right", icon=":material/description:", on_dismiss=state.close_document)(
            _viewer
        )(document.id)


def _viewer(document_id: int) -> None:
    """The page that the address names, beside its chunks."""
    corpora, place = resources.workspace().corpora, state.place()
    if problem := state.take_problem():
        empty.problem(problem)
    try:
        document = corpora.document(document_id)
    except NotFound:
        empty.gone()
        return
    number = place.page or 1
    st.caption(document_view.facts(document))
    document_view.paging(document, number)
    try:
        page = corpora.page(document.id, number)
    except NotFound:
        st.warning("The document has no such page.", icon=":material/find_in_page:")
        return
    chunks = corpora.chunks_of_page(document.id, number)
    mark = document_view.within(place.mark, page)
    current = chosen(chunks, mark)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _page(document, page, current, mark)
    with right:
        _chunks(document, chunks, current)


def chosen(chunks: Sequence[ChunkRow], mark: tuple[int, int] | None) -> ChunkRow | None:
    """The chunk that holds the beginning of the mark, else the page's first."""
    holding = [chunk for chunk in chunks if mark and chunk.start <= mark[0] < chunk.end]
    return next(iter([*holding, *chunks]), None)


def _page(document: DocumentRow, page: PageRow, current: ChunkRow | None, mark: tuple[int, int] | None) -> None:
    if not page.text.strip():
        st.info("There is no text on this page. If it is a scan, it needs OCR first.", icon=":material/scan:")
    marked = mark or ((current.start, current.end) if current else None)
    page_view.show(document, page, [marked] if marked else [], key=f"page-{document.id}-{page.number}", most=TEXT)
    document_view.left_out(document, page.number)
    document_view.left_out(document, 0)
    for note in document.notes:
        st.caption(f":material/info: {label(note, 240)}")
    omissions.show(document)


def _chunks(document: DocumentRow, chunks: Sequence[ChunkRow], current: ChunkRow | None) -> None:
    if current is None:
        st.caption("Nothing of this page is searched: it has no chunks.")
        return
    _walk(document, current)
    chunk_card.show(current, document.flags)
    first = beside(chunks, current)
    shown = chunks[first : first + BESIDE]
    if len(chunks) > BESIDE:
        _turn(document, chunks, first)
    elif len(chunks) > 1:
        st.caption("Also on this page")
    with st.container(gap="xsmall"):
        for chunk in shown:
            if chunk is current:
                continue
            st.button(
                f"{chunk.ordinal + 1} · {label(chunk.said, 60)}",
                key=f"chunk-{chunk.id}",
                icon=chunk_card.icon(chunk),
                type="tertiary",
                on_click=_go,
                args=(document.id, chunk.ordinal),
            )


def beside(chunks: Sequence[ChunkRow], current: ChunkRow) -> int:
    """Where the `BESIDE` chunks of a page begin among which the current one is."""
    return chunks.index(current) // BESIDE * BESIDE


def _turn(document: DocumentRow, chunks: Sequence[ChunkRow], first: int) -> None:
    """Which chunks of the page are named, and the way to those before and after them."""
    last = min(first + BESIDE, len(chunks)) - 1
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, icon, to in (("Earlier", "expand_less", first - BESIDE), ("Later", "expand_more", first + BESIDE)):
            there = 0 <= to < len(chunks)
            st.button(
                f"{name} chunks",
                key=f"turn-{name}",
                icon=f":material/{icon}:",
                type="tertiary",
                disabled=not there,
                on_click=_go,
                args=(document.id, chunks[to].ordinal if there else 0),
            )
        st.caption(
            f"Also on this page: {chunks[first].ordinal + 1:,} to {chunks[last].ordinal + 1:,} of {len(chunks):,}",
            width="content",
        )


def _walk(document: DocumentRow, current: ChunkRow) -> None:
    """Which chunk of how many, and the way to its neighbours."""
    last = document.chunk_count - 1
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, icon, to in (("Previous", "chevron_left", -1), ("Next", "chevron_right", 1)):
            st.button(
                f"{name} chunk",
                key=f"walk-{name}",
                icon=f":material/{icon}:",
                icon_position="left" if to < 0 else "right",
                disabled=not 0 <= current.ordinal + to <= last,
                on_click=_go,
                args=(document.id, current.ordinal + to),
            )
        st.caption(f"{current.ordinal + 1:,} of {document.chunk_count:,}", width="content")


@state.reported
def _go(document_id: int, ordinal: int) -> None:
    chunk = resources.workspace().corpora.chunk_at(document_id, ordinal)
    state.open_document(document_id, chunk.page, (chunk.start, chunk.end))
