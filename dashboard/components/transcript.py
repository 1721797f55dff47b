"""The messages of one conversation: questions, finished answers, and the one that is being written."""

from collections.abc import Sequence

import streamlit as st

from core.assistants.answer import ContextUse, Timings
from core.assistants.reading import reading_for
from core.domains import Domain
from dashboard import resources, state
from dashboard.components import answer, feedback, figures, live_answer, modes, quotes
from dashboard.components.safe_text import label
from storage.rows import MessageRow, PassageRow

SHOWN = 20
CLOSEST = 3
ENDINGS = {
    "stopped": (":material/stop_circle:", "Stopped by you; this is what had been written."),
    "interrupted": (":material/power_off:", "The server went away in mid-answer; this is what had arrived. Ask again."),
}


def show(messages: Sequence[MessageRow], domain: Domain) -> None:
    """The last messages; earlier ones on request, so that a long conversation opens fast."""
    key = f"earlier-{messages[0].conversation_id}" if messages else ""
    shown = SHOWN * (1 + st.session_state.get(key, 0))
    if len(messages) > shown:
        st.button("Show earlier messages", icon=":material/expand_less:", on_click=_earlier, args=(key,))
    for message in messages[-shown:]:
        if message.role == "user":
            with st.chat_message("user", avatar=":material/person:"):
                st.text(message.text)
        else:
            with st.chat_message("assistant", avatar=modes.look(message.mode).icon):
                _answer(message, domain)


def _earlier(key: str) -> None:
    st.session_state[key] = st.session_state.get(key, 0) + 1


def _answer(message: MessageRow, domain: Domain) -> None:
    """An answer in whatever state it is."""
    modes.badge(message.mode)
    if message.status == "streaming":
        live_answer.show(message.id)
        return
    if message.status == "failed":
        st.error(label(message.error, 300), title="No answer this time", icon=":material/error:")
    citations = resources.workspace().conversations.citations(message.id)
    if message.text:
        answer.show(
            message.text,
            citations,
            key=f"answer-{message.id}",
            quoted_until=message.quoted_until,
            refused=message.refused,
            on_cited=_open_citation,
        )
    if message.status in ENDINGS:
        icon, words = ENDINGS[message.status]
        st.caption(f"{icon} {words}")
    if message.refused:
        _closest(message.id)
    st.caption(_small_line(message))
    if message.status in ("done", "stopped"):
        feedback.show(message.id)


def _open_citation(key: str) -> None:
    """A citation was pressed: show its page with the quoted words marked."""
    pressed = answer.pressed(key)
    if pressed is None:
        return
    message_id = int(key.removeprefix("answer-"))
    citations = resources.workspace().conversations.citations(message_id)
    if not 0 <= pressed < len(citations):
        return
    cited = citations[pressed]
    place = quotes.place(cited)
    if place is None:
        st.toast("That document was deleted since.", icon=":material/link_off:")
        return
    state.open_document(*place, answer=message_id)


def _closest(message_id: int) -> None:
    """What came nearest to a question the documents do not answer."""
    passages = resources.workspace().conversations.passages(message_id)
    if not passages:
        return
    with st.expander("The closest passages", icon=":material/search:", type="compact"):
        for passage in passages[:CLOSEST]:
            _passage(message_id, passage)


def _passage(message_id: int, passage: PassageRow) -> None:
    if passage.document_id is None:
        return
    where = f"{passage.document}, {passage.page_label or f'page {passage.page}'}"
    st.button(
        label(where, 100),
        key=f"closest-{message_id}-{passage.rank}",
        type="tertiary",
        icon=":material/description:",
        on_click=state.open_document,
        args=(passage.document_id, passage.page, (passage.start, passage.end)),
    )
    st.caption(label(passage.text, 240))


def _small_line(message: MessageRow) -> str:
    """Base model, how much of what was found it was shown, and what it cost in time."""
    timings, context = Timings(**message.timings), ContextUse(**message.context)
    said = [label(message.base_model, 60)] if message.base_model else []
    sentences = reading_for(message.base_model).shown == "sentences"
    return " · ".join([*said, figures.fit(context, sentences), *figures.cost(timings)])
