"""The sidebar: which domain and corpus one works in, then the pages, then a footer slot for the page.

Reads the list of corpora (one small query) and nothing else.
"""

from collections.abc import Sequence

import streamlit as st

from dashboard import resources, state
from dashboard.components.safe_text import one_line
from storage.rows import CorpusRow

NO_CORPUS = "No corpus yet"


def show(pages: Sequence[st.Page], current: st.Page) -> None:
    """Show the picker and the pages; keeps the corpus in the address."""
    corpora = resources.workspace().corpora.list()
    chosen = _chosen(corpora)
    if current.url_path not in ("", "jobs"):
        state.remember_corpus(chosen.id if chosen else None)
    with st.sidebar:
        _pick(corpora, chosen)
        _links(pages, chosen)


def _chosen(corpora: Sequence[CorpusRow]) -> CorpusRow | None:
    """The corpus of the address or the last one used; a corpus that is gone is nobody's choice."""
    by_id = {corpus.id: corpus for corpus in corpora}
    wanted = state.corpus_id()
    if wanted in by_id:
        return by_id[wanted]
    of_domain = [corpus for corpus in corpora if state.domain() in (None, corpus.domain)]
    return of_domain[0] if of_domain and state.place().corpus_id is None else None


def _pick(corpora: Sequence[CorpusRow], chosen: CorpusRow | None) -> None:
    """Domain first, then its corpora. The widgets mirror the address; their callbacks change it."""
    domains = {each.name: each.title for each in resources.workspace().domains.all()}
    st.session_state["pick-domain"] = _domain_of(chosen, list(domains))
    st.selectbox(
        "Domain",
        list(domains),
        key="pick-domain",
        format_func=lambda name: one_line(domains[name], 60),
        on_change=_domain_picked,
    )
    here = [corpus for corpus in corpora if corpus.domain == st.session_state["pick-domain"]]
    titles = {corpus.id: corpus.name for corpus in here}
    st.session_state["pick-corpus"] = chosen.id if chosen and chosen.id in titles else None
    st.selectbox(
        "Corpus",
        list(titles),
        key="pick-corpus",
        format_func=lambda each: titles.get(each, NO_CORPUS),
        placeholder="Choose a corpus" if titles else NO_CORPUS,
        disabled=not titles,
        on_change=_corpus_picked,
    )


def _domain_of(chosen: CorpusRow | None, names: Sequence[str]) -> str:
    """The domain one works in; one that was deleted is nobody's choice."""
    wanted = chosen.domain if chosen else state.domain()
    return wanted if wanted is not None and wanted in names else names[0]


def _domain_picked() -> None:
    name = st.session_state["pick-domain"]
    state.choose_domain(name)
    corpora = resources.workspace().corpora.list()
    state.choose_corpus(next((corpus.id for corpus in corpora if corpus.domain == name), None))


def _corpus_picked() -> None:
    state.choose_corpus(st.session_state["pick-corpus"])


def _links(pages: Sequence[st.Page], chosen: CorpusRow | None) -> None:
    """The pages; each link names the corpus, so that it can be opened in another tab."""
    query = {"corpus": str(chosen.id)} if chosen else None
    for page in pages:
        st.page_link(page, query_params=query, width="stretch")
