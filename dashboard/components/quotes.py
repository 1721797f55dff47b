"""The marked quote of a page: which of its answer's quotes it is, the way to the others, a copy with its reference."""

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from dashboard import resources, state
from dashboard.components import copy_button
from dashboard.components.safe_text import label
from storage.rows import CitationRow, DocumentRow, PageRow, PassageRow

Quote = tuple[int, int, tuple[int, int] | None]
"""A document, one of its pages, and the quote's stretch of the page's text."""


def place(cited: CitationRow) -> Quote | None:
    """Where a citation points; None once its document is deleted."""
    if cited.document_id is None or cited.page is None:
        return None
    if cited.quote_start is None or cited.quote_end is None:
        return cited.document_id, cited.page, None
    return cited.document_id, cited.page, (cited.quote_start, cited.quote_end)


def places(citations: Sequence[CitationRow], passages: Sequence[PassageRow] = ()) -> list[Quote]:
    """The quotes of an answer in its order, then the passages that were found for it, best first; each place once."""
    quoted = [found for cited in citations if (found := place(cited)) is not None]
    read: list[Quote] = [
        (row.document_id, row.page, (row.start, row.end)) for row in passages if row.document_id is not None
    ]
    return list(dict.fromkeys([*quoted, *read]))


def show(document: DocumentRow, page: PageRow, mark: tuple[int, int] | None) -> None:
    """The line above a page: what is marked, previous and next quote, copy; the way back where one has turned away."""
    if mark is None:
        _back(document)
        return
    answer = state.place().answer_id
    all_quotes = _of_answer(answer) if answer is not None else []
    here = (document.id, page.number, mark)
    at = all_quotes.index(here) if here in all_quotes else -1
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if at >= 0 and len(all_quotes) > 1:
            _step("Previous", "chevron_left", "left", all_quotes, at - 1, answer)
            st.caption(f"{at + 1} of {len(all_quotes)}", width="content")
            _step("Next", "chevron_right", "right", all_quotes, at + 1, answer)
        else:
            where = label(page.label) if page.label else f"page {page.number}"
            st.caption(f":material/format_quote: words marked on {where}", width="content")
        copy_button.text(
            reference(document, page, mark, _edited(document, page, mark)),
            "Copy with reference",
            key=f"copy-{document.id}-{page.number}-{mark[0]}",
        )


def _back(document: DocumentRow) -> None:
    """The way to the words that were marked, from another page of the same document."""
    if (left := state.place().turned_from) is not None:
        st.button(
            "Back to the quote",
            key="quotes-back",
            icon=":material/format_quote:",
            type="tertiary",
            on_click=state.turn_page,
            args=(document.id, left[0]),
        )


def _of_answer(message_id: int) -> list[Quote]:
    conversations = resources.workspace().conversations
    return places(conversations.citations(message_id), conversations.passages(message_id))


def reference(document: DocumentRow, page: PageRow, mark: tuple[int, int], edited: str | None) -> str:
    """The quote on one line in quotation marks, then the document and the page: what one pastes into a letter.

    `edited` are the words that were quoted in place of the page's, which the reference then says.
    """
    words = page.text[slice(*mark)] if edited is None else edited
    quote = " ".join(words.split()).strip("| ")  # a table's row without its outer lines
    place = f"{document.name}, {page.label or f'page {page.number}'}"
    return f"“{quote}” ({place}{', edited' if edited is not None else ''})"


def _edited(document: DocumentRow, page: PageRow, mark: tuple[int, int]) -> str | None:
    """What a person put in place of exactly these words; what is quoted of an edited chunk is all of it.

    A mark inside one is older than the edit: there the page's words were quoted.
    """
    chunks = resources.workspace().corpora.chunks_of_page(document.id, page.number)
    return next((each.edited for each in chunks if (each.start, each.end) == mark), None)


def _step(
    name: str, icon: str, side: Literal["left", "right"], quotes: Sequence[Quote], to: int, answer: int | None
) -> None:
    possible = 0 <= to < len(quotes)
    st.button(
        name,
        key=f"quotes-{icon}",
        icon=f":material/{icon}:",
        icon_position=side,
        type="tertiary",
        disabled=not possible,
        on_click=state.open_document,
        args=quotes[to] if possible else (),
        kwargs={"answer": answer},
    )
