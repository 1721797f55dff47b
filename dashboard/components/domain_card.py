"""One domain on Home: what is there, and the way in. An added domain can be changed and deleted here, any copied."""

from collections.abc import Sequence

import streamlit as st

from core.domains import ChecksPolicy, Domain
from core.finetuning import samples
from core.ingestion import intake
from dashboard import resources, state
from dashboard.components import corpus_dialogs, domain_dialogs, figures
from dashboard.components.safe_text import label
from storage.rows import CorpusRow

SHOWN = 4


def show(domain: Domain, corpora: Sequence[CorpusRow]) -> None:
    """A card with the domain's corpora and its sample."""
    with st.container(border=True, height="stretch", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.subheader(label(domain.title, 60), icon=domain.icon, anchor=False, width="stretch")
            _menu(domain)
        st.markdown(label(domain.summary, 160))
        st.caption(_numbers(corpora))
        if checked := _checked(domain.checks):
            st.caption(f":material/rule: {checked}", help="Looked at in every answer, and told below it")
        for corpus in corpora[:SHOWN]:
            name = label(corpus.name, 40)
            if st.button(name, key=f"open-{corpus.id}", icon=":material/forum:", type="tertiary", help="Open its chat"):
                _open(domain, corpus.id)
        st.space("stretch")
        if not domain.sample_corpus:
            _new_corpus(domain)
        else:
            _sample(domain, next((corpus for corpus in corpora if corpus.sample), None))


def new() -> None:
    """The card that begins a domain of one's own."""
    with st.container(border=True, height="stretch", gap="small"):
        st.subheader("Your own", icon=":material/add_circle:", anchor=False)
        st.write("A domain for what you do: how it speaks, how documents are cut, when it refuses.")
        st.space("stretch")
        if st.button("New domain", key="new-domain", icon=":material/add:", width="stretch"):
            domain_dialogs.new()


def _menu(domain: Domain) -> None:
    """What can be done with a domain as a whole."""
    actions = ["Copy", "Export"] if domain.sample_corpus else ["Edit", "Copy", "Export", "Delete"]
    st.menu_button(
        "More",
        actions,
        key=f"domain-menu-{domain.name}",
        icon=":material/more_horiz:",
        type="tertiary",
        width="content",
        help=f"Actions for {label(domain.title, 60)}",
        on_click=domain_dialogs.want,
        args=(domain.name,),
    )


def _new_corpus(domain: Domain) -> None:
    if st.button("New corpus", key=f"corpus-in-{domain.name}", icon=":material/add:", width="stretch"):
        corpus_dialogs.new_corpus(domain.name)


def _sample(domain: Domain, corpus: CorpusRow | None) -> None:
    """The ways into a domain's sample: open it, and teach it."""
    if corpus is None and _sample_pressed(domain):
        _open(domain, intake.load_sample(resources.workspace(), domain.name))
    stage = samples.stage(resources.workspace(), corpus.id) if corpus else "untaught"
    if corpus is None or stage == "untaught":
        st.button(
            "Teach it",
            key=f"teach-{domain.name}",
            icon=":material/school:",
            width="stretch",
            help="Load the sample, take in its training pairs and train both adapters, in the background.",
            on_click=_teach,
            args=(domain.name,),
        )
        return
    words = {"learning": "Learning: see Fine-tune", "taught": "Taught: see Fine-tune"}[stage]
    link = {"corpus": str(corpus.id)}
    st.page_link("app_pages/finetune.py", label=words, icon=":material/school:", query_params=link)


@state.reported
def _teach(domain_name: str) -> None:
    samples.teach(resources.workspace(), domain_name, by="dashboard")


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


def _checked(policy: ChecksPolicy) -> str:
    """`Checks sources, figures, 2 phrases`; nothing where nothing is checked."""
    said = ["sources"] * policy.cited + ["figures"] * policy.figures
    said += [figures.count(len(policy.phrases), "phrase")] if policy.phrases else []
    return f"Checks {', '.join(said)}" if said else ""


def _open(domain: Domain, corpus_id: int) -> None:
    """Go to the corpus's chat, which shows how far its indexing is."""
    state.choose_domain(domain.name)
    st.switch_page("app_pages/chat.py", query_params={"corpus": str(corpus_id)})
