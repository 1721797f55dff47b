"""Corpus: its files, how far they are, and what is in them."""

import streamlit as st

from core.domains import domain
from dashboard import resources, state
from dashboard.components import corpus_dialogs, document_list, document_view, empty, figures, sources, upload
from dashboard.components.safe_text import label

workspace = resources.workspace()
chosen = state.corpus_id()
if chosen is None:
    empty.no_corpus(state.domain())
    st.stop()
corpus = workspace.corpora.get(chosen)
numbers = workspace.corpora.statistics(corpus.id)

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title(label(corpus.name), anchor=False, width="content")
    with st.container(horizontal=True, width="content", vertical_alignment="center"):
        st.page_link(
            "app_pages/chat.py", label="Chat", icon=":material/forum:", query_params={"corpus": str(corpus.id)}
        )
        action = st.menu_button(
            "Corpus", ["Rename", "Delete", "New corpus"], icon=":material/more_horiz:", key="corpus-menu"
        )
facts = [
    domain(corpus.domain).title,
    figures.count(numbers.documents, "document"),
    figures.count(numbers.pages, "page"),
    figures.count(numbers.chunks, "chunk"),
    f"indexed {figures.ago(numbers.indexed_at)}" if numbers.indexed_at else "nothing indexed yet",
]
st.caption(" · ".join(facts))

if action == "Rename":
    corpus_dialogs.rename_corpus(corpus)
elif action == "Delete":
    corpus_dialogs.delete_corpus(corpus)
elif action == "New corpus":
    corpus_dialogs.new_corpus(corpus.domain)

upload.show(corpus.id)
sources.show(corpus.id)
document_list.show(corpus)
if not action:
    document_view.show_if_open(corpus.id)
