"""Chat: ask a corpus, watch the answer come, see where each sentence stands."""

import streamlit as st

from core.assistants import live
from dashboard import resources, state
from dashboard.components import (
    attachments,
    conversation_list,
    disclaimer,
    document_view,
    draft,
    empty,
    engine_picker,
    indexing,
    mode_picker,
    opening,
    question,
    transcript,
)
from dashboard.components.safe_text import label
from storage.branches import path
from storage.conversations import LEAF
from storage.errors import NotFound

LONGEST = 2000

workspace = resources.workspace()
chosen = state.corpus_id()
if chosen is None:
    empty.no_corpus(state.domain())
    st.stop()
corpus = workspace.corpora.get(chosen)
about = workspace.domains.get(corpus.domain)
numbers = workspace.corpora.statistics(corpus.id)


@state.reported
def ask(asked: str, after: int | None = LEAF) -> None:
    """Begin an answer in this conversation, or in a new one; `after` is the message it is asked behind."""
    workspace.corpora.get(corpus.id)  # it may have been deleted since the page was drawn
    before = state.conversation_id(corpus.id)
    known = workspace.conversations.get(before) if before else None
    mode = mode_picker.chosen(corpus.id, known)
    talk = known.id if known else workspace.conversations.create(corpus.id, mode).id
    live.start(workspace, talk, asked, mode, after)
    (state.choose_conversation if known else state.begin_conversation)(corpus.id, talk)


@state.reported
def again(message_id: int, alone: bool = False) -> None:
    """Answer a question (once more, or as it was typed alone), or go on with an answer that was cut off."""
    talk = workspace.conversations.get(workspace.conversations.message(message_id).conversation_id)
    live.again(workspace, message_id, mode_picker.chosen(corpus.id, talk), alone)
    state.go(message=None)


def submitted() -> None:
    """The question typed below; one that could not be asked goes back to where it was typed."""
    typed = (st.session_state["question"] or "").strip()
    if not typed:
        return
    ask(typed)
    if state.failed():
        state.keep_unsent(corpus.id, typed)


try:
    conversation = state.open_conversation(workspace.conversations, corpus.id)
except NotFound:
    st.toast("That conversation was deleted since, or is of another corpus.", icon=":material/link_off:")
    state.choose_conversation(corpus.id, None)
    conversation = None
state.go(conversation=conversation.id if conversation else None)
messages = workspace.conversations.messages(conversation.id) if conversation else []
shown = path(messages, conversation.leaf_id if conversation else None)
conversation_list.show(corpus.id, conversation.id if conversation else None)
writing = any(message.status == "streaming" for message in shown)
own_files = conversation.files_corpus_id if conversation else None
ready = numbers.ready + (workspace.corpora.statistics(own_files).ready if own_files is not None else 0)

with st.container(horizontal=True, vertical_alignment="center"):
    st.title(label(corpus.name), anchor=False, width="content")
    mode_picker.show(corpus.id, conversation)
    engine_picker.small(corpus.id)
if conversation and shown:
    indexing.show(corpus.id)
    transcript.show(conversation, messages, shown, question.Doing(ask, again))
else:
    opening.show(corpus, about, numbers, ask)
with st.bottom:
    st.chat_input(
        "Wait for the answer, or stop it" if writing else f"Ask about {corpus.name}…",
        key="question",
        max_chars=LONGEST,
        disabled=writing or ready == 0,
        on_submit=submitted,
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        attachments.show(corpus.id, conversation, mode_picker.chosen(corpus.id, conversation))
        disclaimer.show(about)
        draft.keep(corpus.id, conversation.id if conversation else None)
document_view.show_if_open(corpus.id, own_files)
