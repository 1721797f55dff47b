"""Corpus: its files, how far they are, and what is in them."""

import streamlit as st

from dashboard import resources, state
from dashboard.components import (
    changes,
    chunk_view,
    corpus_dialogs,
    document_list,
    empty,
    figures,
    gold_list,
    index_change,
    retrieval_test,
    sources,
    upload,
)
from dashboard.components.safe_text import label

SECTIONS = ("Documents", "Retrieval test", "Gold questions")

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
            "Corpus",
            ["Rename", "Change index", "Delete", "New corpus"],
            icon=":material/more_horiz:",
            key="corpus-menu",
        )
facts = [
    label(workspace.domains.get(corpus.domain).title, 60),
    figures.count(numbers.documents, "document"),
    figures.count(numbers.pages, "page"),
    figures.count(numbers.chunks, "chunk"),
    f"indexed {figures.ago(numbers.indexed_at)}" if numbers.indexed_at else "nothing indexed yet",
]
st.caption(" · ".join(facts))

if action == "Rename":
    corpus_dialogs.rename_corpus(corpus)
elif action == "Change index":
    index_change.choose(corpus)
elif action == "Delete":
    corpus_dialogs.delete_corpus(corpus)
elif action == "New corpus":
    corpus_dialogs.new_corpus(corpus.domain)

index_change.show(corpus)
index_change.drop_if_asked()
section = st.segmented_control(
    "Section",
    SECTIONS,
    key="corpus-section",
    default=SECTIONS[0],
    required=True,
    label_visibility="collapsed",
)
if section == "Documents":
    upload.show(corpus.id)
    sources.show(corpus.id)
    document_list.show(corpus)
    changes.show(corpus.id)
elif section == "Retrieval test":
    retrieval_test.show(corpus, numbers.ready)
else:
    gold_list.show(corpus)
if not action:
    chunk_view.show_if_open(corpus.id)
