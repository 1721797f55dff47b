"""Settings: which base model answers, which there are, and what this workspace is made of."""

import streamlit as st

from core.facts import taken, versions
from dashboard import resources, state
from dashboard.components import audit_log, backups, base_models, engine_picker, health
from dashboard.components.figures import size
from dashboard.components.safe_text import label

workspace = resources.workspace()
st.title("Settings", anchor=False)

if chosen := state.corpus_id():
    corpus = workspace.corpora.get(chosen)
    st.subheader(f"Who answers for {label(corpus.name)}", anchor=False)
    left, right = st.columns(2)
    with left:
        engine_picker.show(corpus.id, "settings-engine")
    with right:
        engine_picker.show_reading(corpus.id)

base_models.show()

st.subheader("This workspace", anchor=False)
st.caption(f"All of it is in {label(str(workspace.home), 300)}")
st.table({part.what: size(part.bytes) for part in taken(workspace)})
backups.show()
health.show()
audit_log.show()
st.subheader("Versions", anchor=False)
st.table(versions())
