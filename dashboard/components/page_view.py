"""One page of a document with stretches of its text marked: as a picture where its format has one, else as text.

    page_view.show(document, page, [(120, 180), (400, 460)], current=1, key="citations")

The one way in which pages are shown, beside an answer and on the corpus page.
"""

from collections.abc import Sequence

import streamlit as st

from core.errors import UnreadableFile
from core.ingestion.pictures import has_pictures
from dashboard import resources, state
from dashboard.components import page_picture, page_text
from dashboard.components.page_text import Stretch
from dashboard.components.safe_text import label
from storage.rows import DocumentRow, PageRow

WAYS = {"picture": ":material/image: Picture", "text": ":material/notes: Text"}


def show(
    document: DocumentRow,
    page: PageRow,
    marks: Sequence[Stretch] = (),
    *,
    current: int = 0,
    key: str,
    switch: bool = True,
    most: int | None = None,
) -> None:
    """Show a page; the mark at `current` is scrolled into view.

    Args:
        marks: stretches of `page.text`; those that reach beyond it are left out by both views.
        key: one for each place where a page is shown; it should name document and page.
        switch: show the choice between picture and text, where there is one.
        most: characters of text shown before the current mark, which is then the only one, and after it; None for
            the whole page. That something is left out is said.
    """
    if has_pictures(document):
        if switch:
            _switch(key)
        if state.page_as() == "picture" and _picture(document, page, marks, current, key):
            return
    text = page.text
    if most is not None and marks:
        first, last = page_text.around(text, marks[current], most)
        (start, end), current = marks[current], 0
        text, marks = text[first:last], [(start - first, end - first)]
        if len(text) < len(page.text):
            st.caption(
                f":material/unfold_less: Characters {first + 1:,} to {last:,} of {len(page.text):,} are shown: what "
                "stands around the marked words."
            )
    page_text.show(text, marks, current=current, key=f"{key}-text")


def _switch(key: str) -> None:
    st.segmented_control(
        "Page as",
        list(WAYS),
        key=f"{key}-as",
        default=state.page_as(),
        required=True,
        format_func=lambda way: WAYS[way],
        label_visibility="collapsed",
        on_change=state.choose_page_as,
        args=(f"{key}-as",),
    )


def _picture(document: DocumentRow, page: PageRow, marks: Sequence[Stretch], current: int, key: str) -> bool:
    """Whether the page could be drawn; says so when not."""
    try:
        picture = resources.workspace().pictures.page(document, page.number)
    except UnreadableFile as error:
        st.caption(f":material/hide_image: {label(error.message, 200)} This is its text.")
        return False
    name = f"{document.name}, {page.label or f'page {page.number}'}"
    if not page_picture.show(picture, page.text, marks, current=current, name=name, key=f"{key}-picture"):
        st.caption(":material/ink_highlighter: Not all marked words could be found on the picture; the text has them.")
    return True
