"""A button that copies a text, or the address of something on this page."""

import streamlit as st

from dashboard.components.browser_files import script, sheet

_component = st.components.v2.component(
    "triptych_copy",
    html='<button id="copy" type="button"></button>',
    css=sheet("copy_button"),
    js=script("copy_button"),
)


def text(words: str, label: str, *, key: str) -> None:
    """Copies these words."""
    _component(key=key, data={"text": words, "label": label, "done": "Copied"}, width="content")


def address(label: str, *, key: str, **query: object) -> None:
    """Copies the address of this page with that query, as the browser knows it."""
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    _component(key=key, data={"query": f"?{asked}", "label": label, "done": "Copied"}, width="content")
