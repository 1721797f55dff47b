"""What a page says when it has nothing to show, or something went wrong: always with what to do next."""

import streamlit as st

from core.errors import TriptychError
from dashboard import state
from dashboard.components import corpus_dialogs
from dashboard.components.safe_text import label


def problem(error: TriptychError) -> None:
    """An error for the person: what happened, and the remedy."""
    st.error(label(error.remedy, 400) if error.remedy else "", title=label(error.message, 300), icon=":material/error:")


def gone() -> None:
    """The address names something that does not exist (any more)."""
    st.warning(
        "It was deleted, or the link is for another workspace.",
        title="There is nothing at this address",
        icon=":material/link_off:",
    )
    st.button("Start over", icon=":material/home:", on_click=state.choose_corpus, args=(None,))


def no_corpus(domain: str | None) -> None:
    """No corpus is chosen: make one, or open a sample."""
    with st.container(border=True):
        st.subheader("No corpus yet", icon=":material/folder_open:", anchor=False)
        st.write("A corpus is a named set of your documents. Make one and drop files in, or try a sample first.")
        with st.container(horizontal=True):
            if st.button("New corpus", icon=":material/add:", type="primary"):
                corpus_dialogs.new_corpus(domain)
            st.page_link("app_pages/home.py", label="Open a sample", icon=":material/home:")
