"""Where one looks and types: a place is brought into view, a widget gets the focus, or has it again."""

import streamlit as st

from dashboard.components.browser_files import script

_component = st.components.v2.component(
    "triptych_attention", html='<span id="here" aria-hidden="true"></span>', js=script("attention")
)
_back = st.components.v2.component(
    "triptych_focus_back", html='<span id="back" hidden></span>', js=script("focus_back")
)


def bring_here(key: str) -> None:
    """Scroll to where this stands; `key` names what a link leads to."""
    _component(key=f"here-{key}", data={"focus": ""}, width=1, height=1)


def focus(key: str) -> None:
    """Give the text area or the button of that key the focus."""
    _component(key=f"focus-{key}", data={"focus": key}, width=1, height=1)


def give_back() -> None:
    """From now on, what opened a dialog has the focus again when that is closed; once on a page."""
    _back(key="focus-back", width=1, height=1)
