"""Chooses the base model that answers for a corpus, small enough to stand on any page.

A choice counts from the next question on; answers under way are not touched.
"""

import streamlit as st

from core.generation import catalogue
from dashboard import resources, state
from dashboard.components.safe_text import label, one_line

EMBEDDED = "SmolLM2-135M (embedded)"
NO_ID = 0  # of the embedded one in the widget, which takes None for "nothing chosen"; rows count from 1
READINGS = {
    "auto": "By its size",
    "quote": "Quotation alone",
    "words": "Quotation, then its own words",
    "passages": "Whole passages",
}


def show(corpus_id: int, key: str = "engine") -> None:
    """The picker. `key` tells several pickers on one page apart."""
    workspace = resources.workspace()
    names = {NO_ID: EMBEDDED}
    names |= {row.id: one_line(row.name, 60) for row in workspace.base_models.list()}
    widget = f"{key}-{corpus_id}"
    st.session_state[widget] = workspace.assistants.of(corpus_id).base_model_id or NO_ID
    st.selectbox(
        "Base model",
        list(names),
        key=widget,
        format_func=lambda each: names.get(each, "deleted"),
        help="Who writes the answers of this corpus. Add others in Settings.",
        on_change=_picked,
        args=(corpus_id, widget),
    )


def small(corpus_id: int) -> None:
    """A button that names the base model; behind it the choices."""
    workspace = resources.workspace()
    chosen = workspace.assistants.of(corpus_id).base_model_id
    name = next((row.name for row in workspace.base_models.list() if row.id == chosen), EMBEDDED)
    with st.popover(label(name, 40), icon=":material/neurology:", type="tertiary", help="Who writes the answers."):
        show(corpus_id, "chat-engine")
        show_reading(corpus_id)
        st.page_link("app_pages/settings.py", label="Add or test base models", icon=":material/settings:")


def show_reading(corpus_id: int) -> None:
    """How the base model is shown what was found."""
    widget = f"reading-{corpus_id}"
    st.session_state[widget] = resources.workspace().assistants.of(corpus_id).reading
    st.selectbox(
        "Evidence",
        list(READINGS),
        key=widget,
        format_func=lambda each: READINGS[each],
        help="The words of the documents are the surest answer where the base model is small: what it adds itself is "
        "often wrong. Larger ones read whole passages and answer in their own words. By its size: the quotation alone "
        "below 1.5 billion parameters.",
        on_change=_reading_picked,
        args=(corpus_id, widget),
    )


@state.reported
def _picked(corpus_id: int, widget: str) -> None:
    catalogue.use(resources.workspace(), corpus_id, st.session_state[widget] or None)


@state.reported
def _reading_picked(corpus_id: int, widget: str) -> None:
    catalogue.read_as(resources.workspace(), corpus_id, st.session_state[widget])
