"""Fine-tune: examples, their check, training as it runs, and the adapters it made."""

import streamlit as st

from core.finetuning.planning import chosen_examples
from dashboard import resources, state
from dashboard.components import (
    adapter_import,
    adapters,
    adapters_at_endpoint,
    empty,
    example_check,
    example_table,
    examples,
    retraining,
    training,
)
from dashboard.components.safe_text import label

workspace = resources.workspace()
chosen = state.corpus_id()
if chosen is None:
    empty.no_corpus(state.domain())
    st.stop()
corpus = workspace.corpora.get(chosen)
counts = workspace.examples.counts(corpus.id)

st.title(label(corpus.name), anchor=False)
st.caption(
    f"{label(workspace.domains.get(corpus.domain).title, 60)} · teach a base model these documents; an adapter serves "
    "only if it wins on questions about documents it did not learn from."
)

st.subheader("1 · Examples", anchor=False)
examples.show(corpus, counts)
if counts:
    example_table.show(corpus.id, counts)
    usable = chosen_examples(workspace, corpus.id)
    st.subheader("2 · Check", anchor=False)
    example_check.show(corpus.id)
    st.subheader("3 · Train", anchor=False)
    training.show(corpus.id, len(usable))
st.subheader("4 · Adapters", anchor=False)
with st.container(horizontal=True):
    adapter_import.button(corpus.id)
    adapters_at_endpoint.button(corpus.id)
    retraining.show(corpus.id)
adapters.show(corpus.id)
