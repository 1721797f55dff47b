"""One domain on Home: what is there, and the way in."""

from collections.abc import Sequence

import streamlit as st

from core.domains import Domain
from core.ingestion import intake
from dashboard import resources, state
from dashboard.components import figures
from dashboard.components.safe_text import label
from storage.rows import CorpusRow

SHOWN = 4


def show(domain: Domain, corpora: Sequence[CorpusRow]) -> None:
    """A card with the domain's corpora and its sample."""
    with st.container(border=True, height="stretch", gap="small"):
        st.subheader(domain.title, icon=domain.icon, anchor=False)
        st.write(domain.summary)
        st.caption(_numbers(corpora))
        for corpus in corpora[:SHOWN]:
            name = label(corpus.name, 40)
            if st.button(name, key=f"open-{corpus.id}", icon=":material/forum:", type="tertiary", help="Open its chat"):
                _open(domain, corpus.id)
        st.space("stretch")
        if not any(corpus.sample for corpus in corpora) and _sample_pressed(domain):
            _open(domain, intake.load_sample(resources.workspace(), domain.name))


def _sample_pressed(domain: Domain) -> bool:
    return st.button(
        "Open sample",
        key=f"sample-{domain.name}",
        icon=":material/play_arrow:",
        type="primary",
        width="stretch",
        help="Load a small invented corpus and ask it something; it takes seconds.",
    )


def _numbers(corpora: Sequence[CorpusRow]) -> str:
    """`2 corpora · 41 documents · indexed 2 min ago`."""
    if not corpora:
        return "Nothing here yet"
    numbers = [resources.workspace().corpora.statistics(corpus.id) for corpus in corpora]
    said = [
        figures.count(len(corpora), "corpus", "corpora"),
        figures.count(sum(each.documents for each in numbers), "document"),
    ]
    indexed = max((each.indexed_at for each in numbers if each.indexed_at), default=None)
    return " · ".join([*said, f"indexed {figures.ago(indexed)}" if indexed else "not indexed"])


def _open(domain: Domain, corpus_id: int) -> None:
    """Go to the corpus's chat, which shows how far its indexing is."""
    state.choose_domain(domain.name)
    st.switch_page("app_pages/chat.py", query_params={"corpus": str(corpus_id)})
