"""Chat: ask a corpus, watch the answer come, see where each sentence stands."""

import streamlit as st

from core.assistants import live
from core.assistants.answer import Mode
from core.domains import domain
from dashboard import resources, state
from dashboard.components import conversation_list, document_view, empty, indexing, modes, opening, transcript
from dashboard.components.safe_text import label
from storage.errors import NotFound

MODE: Mode = "rag"
LONGEST = 2000

workspace = resources.workspace()
chosen = state.corpus_id()
if chosen is None:
    empty.no_corpus(state.domain())
    st.stop()
corpus = workspace.corpora.get(chosen)
about = domain(corpus.domain)
numbers = workspace.corpora.statistics(corpus.id)


@state.reported
def ask(question: str) -> None:
    """Begin an answer in this conversation, or in a new one."""
    workspace.corpora.get(corpus.id)  # it may have been deleted since the page was drawn
    talk = state.conversation_id(corpus.id) or workspace.conversations.create(corpus.id, MODE).id
    live.start(workspace, talk, question, MODE)
    state.choose_conversation(corpus.id, talk)


def submitted() -> None:
    """The question typed below."""
    question = (st.session_state["question"] or "").strip()
    if question:
        ask(question)


conversation = state.conversation_id(corpus.id)
try:
    messages = workspace.conversations.messages(conversation) if conversation else []
    if conversation and workspace.conversations.get(conversation).corpus_id != corpus.id:
        raise NotFound(f"conversation {conversation}")
except NotFound:
    state.choose_conversation(corpus.id, None)
    conversation, messages = None, []
state.go(conversation=conversation)
conversation_list.show(corpus.id, conversation)
writing = any(message.status == "streaming" for message in messages)

with st.container(horizontal=True, vertical_alignment="center"):
    st.title(label(corpus.name), anchor=False, width="content")
    modes.badge(MODE)
if messages:
    indexing.show(corpus.id)
    transcript.show(messages, about)
else:
    opening.show(corpus, about, numbers, ask)
with st.bottom:
    st.chat_input(
        "Wait for the answer, or stop it" if writing else f"Ask about {corpus.name}…",
        key="question",
        max_chars=LONGEST,
        disabled=writing or numbers.ready == 0,
        on_submit=submitted,
    )
    st.caption(f"{about.disclaimer} Check what matters at its source.")
document_view.show_if_open(corpus.id)
