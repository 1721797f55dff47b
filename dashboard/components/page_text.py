"""One page of a document as text, with some of its words marked and scrolled into view."""

import streamlit as st

from dashboard.components.browser_files import script, sheet

_component = st.components.v2.component(
    "triptych_page",
    html='<div id="page" role="document" tabindex="0"></div>',
    css=sheet("table_text", "page_text"),
    js=script("table_text", "page_text"),
)


def show(text: str, mark: tuple[int, int] | None, *, key: str) -> None:
    """Show a page's text; `mark` is the stretch to highlight, in Python characters, half open."""
    start, end = mark or (0, 0)
    # Cut here: the browser counts UTF-16 units, not characters.
    _component(key=key, data={"before": text[:start], "marked": text[start:end], "after": text[end:]})
