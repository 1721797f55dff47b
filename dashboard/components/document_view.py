"""A document beside the page: one page of its text at a time, with the cited words marked.

Opened by the address (`document`, `page`, `mark`, and `marked`, the page of the mark once one has turned to another),
so a link, a refresh and the back button work.
"""

from contextlib import suppress

import streamlit as st

from dashboard import resources, state
from dashboard.components import attention, figures, omissions, page_view, quotes
from dashboard.components.safe_text import label
from storage.errors import NotFound
from storage.rows import DocumentRow, PageRow


def show_if_open(corpus_id: int, also: int | None = None) -> None:
    """Open the drawer when the address names a document of this corpus, or of the one searched together with it."""
    attention.give_back()
    if document := opened(corpus_id, also):
        title = label(document.title or document.name, 70)
        st.dialog(title, width=720, position="right", icon=":material/description:", on_dismiss=state.close_document)(
            _viewer
        )(document)


def ahead() -> None:
    """Have the page that the address names drawn while everything that stands before it is."""
    place = state.place()
    if place.document_id is not None and state.page_as() == "picture":
        with suppress(NotFound):
            document = resources.workspace().corpora.document(place.document_id)
            resources.workspace().pictures.ahead(document, place.page or 1)


def opened(corpus_id: int, also: int | None = None) -> DocumentRow | None:
    """The document that the address names, if it is in one of these corpora; says so when it is gone."""
    place = state.place()
    if place.document_id is None:
        return None
    try:
        document = resources.workspace().corpora.document(place.document_id)
    except NotFound:
        document = None
    if document is None or document.corpus_id not in (corpus_id, also):
        st.toast("That document was deleted since.", icon=":material/link_off:")
        state.close_document()
        return None
    return document


def _viewer(document: DocumentRow) -> None:
    """The page the address names, and the way to the others."""
    place = state.place()
    if place.document_id != document.id:
        st.rerun()  # a quote of another document was asked for: the drawer's title is the page's to change
    pages = resources.workspace().corpora
    number = place.page or 1
    st.caption(facts(document))
    paging(document, number)
    try:
        page = pages.page(document.id, number)
    except NotFound:
        st.warning("The document has no such page.", icon=":material/find_in_page:")
        return
    mark = within(place.mark, page)
    quotes.show(document, page, mark)
    if not page.text.strip():
        st.info("There is no text on this page. If it is a scan, it needs OCR first.", icon=":material/scan:")
    _edited(document, number, mark)
    page_view.show(document, page, [mark] if mark else [], key=f"page-{document.id}-{number}")
    left_out(document, number)
    omissions.show(document)


def facts(document: DocumentRow) -> str:
    """Name, pages, chunks and age on one line."""
    said = [
        label(document.name, 80),
        figures.count(document.page_count, "page"),
        figures.count(document.chunk_count, "chunk"),
    ]
    return " · ".join([*said, f"indexed {figures.ago(document.indexed_at)}"])


def paging(document: DocumentRow, number: int) -> None:
    """Previous and next, and the way to any page."""
    if document.page_count <= 1:
        return
    # The key names the page, so that a citation on another page moves the widget too.
    key = f"goto-{document.id}-{number}"
    default = min(number, document.page_count)
    st.pagination(document.page_count, default=default, key=key, on_change=_turn, args=(document.id, key))


def _turn(document_id: int, key: str) -> None:
    state.turn_page(document_id, st.session_state[key])


def within(mark: tuple[int, int] | None, page: PageRow) -> tuple[int, int] | None:
    """The mark, unless it reaches beyond the page's text."""
    return mark if mark and mark[1] <= len(page.text) else None


def left_out(document: DocumentRow, number: int) -> None:
    """What parsing left out of a page on purpose; page 0 is the document as a whole."""
    for dropped in document.dropped:
        if dropped.get("page") == number:
            what, why = label(str(dropped["what"]), 80), label(str(dropped["why"]), 120)
            st.caption(f":material/content_cut: left out: {what} ({why})")


def _edited(document: DocumentRow, number: int, mark: tuple[int, int] | None) -> None:
    """Whether the marked words were changed by a person: then these are what was searched and quoted."""
    for chunk in resources.workspace().corpora.chunks_of_page(document.id, number) if mark else ():
        if mark and chunk.edited is not None and chunk.start < mark[1] and chunk.end > mark[0]:
            st.caption(f":material/edit: edited by you; searched and quoted as: {label(chunk.edited, 400)}")
