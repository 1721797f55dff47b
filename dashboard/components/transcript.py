"""The messages of one conversation: questions, finished answers, and the one that is being written."""

from collections.abc import Sequence

import streamlit as st

from core.assistants.answer import ContextUse, Timings
from core.assistants.reading import reading_for
from core.assistants.stored import checks_of, context_of
from dashboard import resources, state
from dashboard.components import (
    answer,
    answer_checks,
    attention,
    branches,
    context_meter,
    copy_button,
    feedback,
    figures,
    gold_from_answer,
    live_answer,
    modes,
    passages,
    question,
    quotes,
)
from dashboard.components.question import Doing
from dashboard.components.safe_text import label
from storage.rows import ConversationRow, MessageRow

SHOWN = 20
ENDINGS = {
    "stopped": (":material/stop_circle:", "Stopped by you", "; this is what had been written."),
    "interrupted": (":material/power_off:", "The server went away in mid-answer", "; this is what had arrived."),
}
AGAIN = {"interrupted": ("Continue", ":material/play_arrow:"), "failed": ("Try again", ":material/refresh:")}


def show(
    conversation: ConversationRow, messages: Sequence[MessageRow], path: Sequence[MessageRow], doing: Doing
) -> None:
    """The last messages of the path that is shown; earlier ones on request, so that a long conversation opens fast.

    A message that a link leads to is among them. `messages` are those of all branches.
    """
    key = f"earlier-{conversation.id}"
    shown = SHOWN * (1 + st.session_state.get(key, 0)) + _reaching(path)
    if len(path) > shown:
        st.button("Show earlier messages", icon=":material/expand_less:", on_click=_earlier, args=(key,))
    writing = any(message.status == "streaming" for message in path)
    for message in path[-shown:]:
        if message.role == "user":
            with st.chat_message("user", avatar=":material/person:"):
                question.show(messages, message, doing, writing)
                if message is path[-1]:
                    question.unanswered(message, doing)
        else:
            with st.chat_message("assistant", avatar=modes.look(message.mode).icon):
                _answer(conversation, messages, message, doing, writing)


def _reaching(path: Sequence[MessageRow]) -> int:
    """How many more messages than the last few are shown, for the one that a link leads to and what is around it."""
    wanted = state.place().message_id
    back = next((len(path) - at for at, message in enumerate(path) if message.id == wanted), 0)
    return back if back > SHOWN else 0


def _earlier(key: str) -> None:
    st.session_state[key] = st.session_state.get(key, 0) + 1


def _answer(
    conversation: ConversationRow, messages: Sequence[MessageRow], message: MessageRow, doing: Doing, writing: bool
) -> None:
    """An answer in whatever state it is."""
    modes.badge(message.mode)
    if message.status == "streaming":
        live_answer.show(message.id)
        return
    if message.searched_for:
        _searched(message, doing, writing)
    if message.status == "failed":
        st.error(label(message.error, 300), title="No answer this time", icon=":material/error:")
    linked = state.place().message_id == message.id
    if linked and not message.text:
        attention.bring_here(f"message-{message.id}")
    if message.text:
        answer.show(
            message.text,
            resources.workspace().conversations.citations(message.id),
            key=f"answer-{message.id}",
            quoted_until=message.quoted_until,
            refused=message.refused,
            focus=linked,
            on_cited=open_citation,
        )
    if message.status in ENDINGS:
        icon, why, kept = ENDINGS[message.status]
        st.caption(f"{icon} {why}{kept if message.text.strip() else ', before anything was written.'}")
    answer_checks.show(message)
    _facts(message)
    _actions(conversation, messages, message, doing, writing)


def _searched(message: MessageRow, doing: Doing, writing: bool) -> None:
    """What was looked for in place of what was typed, and a way back to that."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f":material/search: searched for: {label(message.searched_for, 240)}", width="content")
        st.button(
            "Search as typed",
            key=f"typed-{message.id}",
            type="tertiary",
            disabled=writing,
            help="Answer it without what was asked before; this answer stays",
            on_click=doing.again,
            args=(message.id, True),
        )


def _facts(message: MessageRow) -> None:
    """What it was made from and what that cost; the context on request."""
    context = context_of(message)
    sentences = (context.shown or reading_for(message.base_model).shown) == "sentences"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(_small_line(message, context, sentences), width="content")
        context_meter.show(message.id, context, sentences)


def _actions(
    conversation: ConversationRow, messages: Sequence[MessageRow], message: MessageRow, doing: Doing, writing: bool
) -> None:
    """Thumbs, correction, a gold question, once more, the passages, a link, and the way to other versions."""
    name, icon = AGAIN.get(message.status, ("Answer again", ":material/refresh:"))
    cut = message.status in AGAIN
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if message.status in ("done", "stopped"):
            feedback.show(message.id)
            gold_from_answer.show(message.id)
        st.button(
            name,
            key=f"again-{message.id}",
            icon=icon,
            type="secondary" if cut else "tertiary",
            disabled=writing,
            help="What had come is kept" if cut else "This answer stays, a new one stands beside it",
            on_click=doing.again,
            args=(message.id,),
        )
        if context_of(message).retrieved:
            passages.show(message.id, message.refused)
        copy_button.address(
            "Copy link",
            key=f"link-{message.id}",
            corpus=conversation.corpus_id,
            conversation=conversation.id,
            message=message.id,
        )
        branches.walk(messages, message)


def open_citation(key: str) -> None:
    """A citation was pressed: show its page with the quoted words marked."""
    pressed = answer.pressed(key)
    if pressed is None:
        return
    message_id = int(key.removeprefix("answer-"))
    citations = resources.workspace().conversations.citations(message_id)
    if not 0 <= pressed < len(citations):
        return
    place = quotes.place(citations[pressed])
    if place is None:
        st.toast("That document was deleted since.", icon=":material/link_off:")
        return
    state.open_document(*place, answer=message_id)


def _small_line(message: MessageRow, context: ContextUse, sentences: bool) -> str:
    """Who wrote it, how much of what was found that one was shown, and what it cost in time."""
    said = [label(message.base_model, 60)] if message.base_model else []
    if message.quoted_until >= len(message.text) > 0 and not message.timings.get("tokens"):
        said = ["Quoted: no model wrote this"]
    passed = answer_checks.passed(checks_of(message))
    return " · ".join([*said, figures.fit(context, sentences), *figures.cost(Timings(**message.timings)), *passed])
