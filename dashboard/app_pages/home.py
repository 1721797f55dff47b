"""Home: the domains, a sample of each one click away, what is there already, and what happened last."""

import streamlit as st

from dashboard import resources
from dashboard.components import activity, corpus_dialogs, domain_card, domain_dialogs

workspace = resources.workspace()
corpora = workspace.corpora.list()

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Ask your documents", anchor=False, width="content")
    if st.button("New corpus", icon=":material/add:"):
        corpus_dialogs.new_corpus()
st.caption(
    "Pick a domain, drop files in, ask, and see where each sentence comes from. Everything stays on this machine."
)

with st.grid(4, min_column_width=230):
    for domain in workspace.domains.all():
        domain_card.show(domain, [corpus for corpus in corpora if corpus.domain == domain.name])
    domain_card.new()

if wanted := domain_dialogs.wanted():
    domain_dialogs.open_dialog(wanted)
activity.show(corpora)
