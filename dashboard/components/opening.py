"""An empty conversation: what one can ask, and how far the corpus is."""

from collections.abc import Callable

import streamlit as st

from core.domains import Domain
from dashboard.components import figures, indexing
from dashboard.components.safe_text import label
from storage.rows import CorpusRow, Statistics


def show(corpus: CorpusRow, domain: Domain, numbers: Statistics, ask: Callable[[str], None]) -> None:
    """Example questions, for a sample or as the domain's author wrote them; for one's own corpus, what is in it."""
    with st.container(border=True):
        st.subheader("Ask your documents", icon=domain.icon, anchor=False)
        if numbers.documents == 0:
            st.write("This corpus has no documents yet. Add some first, then ask.")
            st.page_link(
                "app_pages/corpus.py",
                label="Add documents",
                icon=":material/upload:",
                query_params={"corpus": str(corpus.id)},
            )
            return
        if numbers.ready:
            st.write(
                f"{figures.count(numbers.ready, 'document')} with {figures.count(numbers.pages, 'page')} can be asked. "
                "Each sentence of an answer shows where it comes from; what they do not hold is said to be missing."
            )
        indexing.show(corpus.id)
        if domain.example_questions and (corpus.sample or not domain.sample_corpus):
            _examples(domain, waiting=numbers.pending > 0 or numbers.ready == 0, ask=ask)


def _examples(domain: Domain, waiting: bool, ask: Callable[[str], None]) -> None:
    """Questions to press, once everything they may be about is there."""
    st.markdown("**Try one of these**")
    for number, question in enumerate(domain.example_questions[:3]):
        st.button(
            label(question, 160),
            key=f"example-{number}",
            icon=":material/arrow_forward:",
            disabled=waiting,
            on_click=ask,
            args=(question,),
        )
