"""Everything a browser tab remembers: the address bar says where one is, the session holds drafts.

The address wins (deep links, refresh, the back button); the session remembers the corpus and its
conversation for pages whose address does not say. The database holds everything else.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec

import streamlit as st

from core import room
from core.errors import UNSTORABLE, BadInput, TriptychError
from core.generation.trial import Trial
from core.ingestion.intake import Intake
from storage.comparisons import Comparisons
from storage.conversations import Conversations
from storage.errors import NotFound, Unstorable
from storage.rows import ComparisonRow, ConversationRow

Arguments = ParamSpec("Arguments")
NO_DOCUMENT = dict.fromkeys(("document", "page", "mark", "marked", "answer"))
"""Parts of the address that say which document is open, and where."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one is, as the address says.

    `mark` is a stretch of the page's text, half open; `turned_from` the page with such a stretch that one has turned
    away from; `answer_id` the answer whose quotes are being looked at; `message_id` a message that a link leads to.
    """

    corpus_id: int | None
    conversation_id: int | None
    document_id: int | None
    page: int | None
    mark: tuple[int, int] | None
    answer_id: int | None = None
    message_id: int | None = None
    turned_from: tuple[int, tuple[int, int]] | None = None


def place() -> Place:
    """Read the address; what makes no sense counts as absent."""
    mark, marked = _stretch("mark"), _number("marked")
    elsewhere = marked is not None and marked != _number("page")
    return Place(
        corpus_id=_number("corpus"),
        conversation_id=_number("conversation"),
        document_id=_number("document"),
        page=_number("page"),
        mark=None if elsewhere else mark,
        answer_id=_number("answer"),
        message_id=_number("message"),
        turned_from=(marked, mark) if elsewhere and marked is not None and mark else None,
    )


def go(**changes: object) -> None:
    """Change the address of this page in one step; None takes a part away."""
    before = st.query_params.to_dict()
    after = before | {name: str(value) for name, value in changes.items() if value is not None}
    after = {name: value for name, value in after.items() if changes.get(name, "") is not None}
    if after != before:
        st.query_params.from_dict(after)


def open_document(
    document_id: int, page: int | None = None, mark: tuple[int, int] | None = None, *, answer: int | None = None
) -> None:
    """Show a document beside the page, at a page and with some of its words marked; `answer` is the one citing it."""
    stretch = f"{mark[0]}-{mark[1]}" if mark else None
    go(document=document_id, page=page or 1, mark=stretch, marked=None, answer=answer)


def turn_page(document_id: int, page: int) -> None:
    """Show another page of the open document; the address keeps which words were marked, and on which page."""
    here = place()
    if here.document_id != document_id:
        open_document(document_id, page)
        return
    marked = here.turned_from[0] if here.turned_from else here.page or 1
    kept = here.mark is not None or here.turned_from is not None
    go(page=page, marked=marked if kept and marked != page else None)


def close_document() -> None:
    """Stop showing a document."""
    go(**NO_DOCUMENT)


def corpus_id() -> int | None:
    """The corpus one works in."""
    chosen = place().corpus_id
    return chosen if chosen is not None else st.session_state.get("corpus_id")


def remember_corpus(chosen: int | None) -> None:
    """Keep the corpus for pages whose address does not name one, and put it in the address."""
    st.session_state["corpus_id"] = chosen
    if place().corpus_id != chosen:
        go(corpus=chosen)


def choose_corpus(chosen: int | None) -> None:
    """Go to another corpus on the same page."""
    remember_corpus(chosen)
    go(conversation=None, message=None, **NO_DOCUMENT)


def conversation_id(corpus: int) -> int | None:
    """The conversation one is in, or was in last in this corpus; None for a new one."""
    chosen = place().conversation_id
    if chosen is not None:
        st.session_state.setdefault("conversations", {})[corpus] = chosen
        return chosen
    remembered: int | None = st.session_state.get("conversations", {}).get(corpus)
    return remembered


def choose_conversation(corpus: int, chosen: int | None, message: int | None = None) -> None:
    """Go to a conversation, or to one message of it; None begins a new one with the first question."""
    st.session_state.setdefault("conversations", {})[corpus] = chosen
    st.session_state.pop("begun", None)
    edit(None)
    st.session_state.pop("edit-left", None)
    go(conversation=chosen, message=message, **NO_DOCUMENT)


def begin_conversation(corpus: int, chosen: int) -> None:
    """Go to a conversation that has just begun out of the new one; what is being typed goes with it."""
    choose_conversation(corpus, chosen)
    st.session_state["begun"] = chosen


def begun() -> int | None:
    """The conversation that began here and was not left since."""
    chosen: int | None = st.session_state.get("begun")
    return chosen


def keep_unsent(corpus: int, question: str) -> None:
    """Remember a question that was typed and could not be asked, for the box that it came from."""
    st.session_state["unsent"] = (corpus, uuid.uuid4().hex, question)


def unsent(corpus: int) -> tuple[str, str] | None:
    """A word that is another each time, and what could not be asked in this corpus last."""
    where, once, question = st.session_state.get("unsent", (None, "", ""))
    return (once, question) if where == corpus else None


def open_conversation(conversations: Conversations, corpus: int) -> ConversationRow | None:
    """The conversation one is in, with the message a link leads to on the path that is shown; None for a new one.

    Raises:
        NotFound: it is gone, or belongs to another corpus.
    """
    chosen = conversation_id(corpus)
    if chosen is None:
        return None
    row = conversations.get(chosen)
    if row.corpus_id != corpus:
        raise NotFound(f"conversation {chosen}")
    wanted = place().message_id
    if wanted is None or wanted in [message.id for message in conversations.path(chosen)]:
        return row
    if wanted not in [message.id for message in conversations.messages(chosen)]:
        go(message=None)
        return row
    conversations.show(wanted)
    return conversations.get(chosen)


def editing() -> int | None:
    """The question that is being asked differently."""
    chosen: int | None = st.session_state.get("editing")
    return chosen


def edit(message_id: int | None) -> None:
    """Begin to ask a question differently, or leave it."""
    st.session_state["edit-left"] = editing()
    st.session_state["editing"] = message_id


def take_edit_left(message_id: int) -> bool:
    """Whether this is the question whose form was left just now; said once."""
    left = st.session_state.get("edit-left") == message_id
    if left:
        st.session_state.pop("edit-left")
    return left


def comparison(comparisons: Comparisons, corpus: int) -> ComparisonRow | None:
    """The comparison of the address, if it is one of this corpus; it is taken out of the address otherwise."""
    chosen = _number("comparison")
    if chosen is None:
        return None
    try:
        row = comparisons.get(chosen)
    except NotFound:
        row = None
    if row is None or row.corpus_id != corpus:
        go(comparison=None)
        return None
    return row


def domain() -> str | None:
    """The domain chosen in the sidebar while it has no corpus yet."""
    chosen: str | None = st.session_state.get("domain")
    return chosen


def choose_domain(name: str) -> None:
    """Remember a domain."""
    st.session_state["domain"] = name


def page_as() -> str:
    """How pages are looked at, where there is a choice: "picture" or "text"."""
    chosen: str = st.session_state.get("page-as", "picture")
    return chosen


def choose_page_as(key: str) -> None:
    """Look at pages as the widget of that key says, from now on and in every drawer."""
    st.session_state["page-as"] = st.session_state.get(key) or page_as()


def upload_key(corpus: int) -> str:
    """The uploader's key: a new one after each drop, so that no drop can be taken twice."""
    return f"upload-{corpus}-{st.session_state.get('drops', 0)}"


def keep_drop(corpus: int, intake: Intake) -> None:
    """Remember what became of a drop, and empty the uploader."""
    st.session_state["drops"] = st.session_state.get("drops", 0) + 1
    st.session_state[f"drop-{corpus}"] = intake


def last_drop(corpus: int) -> Intake | None:
    """What became of the last drop into this corpus, until it is put away."""
    intake: Intake | None = st.session_state.get(f"drop-{corpus}")
    return intake


def forget_drop(corpus: int) -> None:
    """Put the summary of the last drop away."""
    st.session_state.pop(f"drop-{corpus}", None)


def keep_trial(base_model_id: int | None, trial: Trial) -> None:
    """Remember how the test of a base model went, in this tab."""
    st.session_state.setdefault("trials", {})[base_model_id] = trial


def trial(base_model_id: int | None) -> Trial | None:
    """How the last test of a base model went."""
    found: Trial | None = st.session_state.get("trials", {}).get(base_model_id)
    return found


def reported(callback: Callable[Arguments, Any]) -> Callable[Arguments, None]:
    """A callback whose errors for people are shown on the page instead of ending the run; see `failed`."""

    @wraps(callback)
    def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except TriptychError as error:
            st.session_state["problem"] = error
        except NotFound:
            st.session_state["problem"] = TriptychError("It is not there any more.", "Someone else deleted it.")
        except Unstorable:
            st.session_state["problem"] = BadInput(*UNSTORABLE)
        except Exception as error:
            st.session_state["problem"] = room.told(error)
            if st.session_state["problem"] is None:
                raise

    return guarded


def failed() -> bool:
    """Whether what a callback just tried could not be done: its error waits to be shown."""
    return st.session_state.get("problem") is not None


def take_problem() -> TriptychError | None:
    """The error of the last callback, once."""
    problem: TriptychError | None = st.session_state.pop("problem", None)
    return problem


def dialog_done() -> None:
    """A dialog's work is done: it may close."""
    st.session_state["dialog-done"] = True


def take_dialog_done() -> bool:
    """Whether a dialog's work was done since this was last asked."""
    return bool(st.session_state.pop("dialog-done", False))


def _number(name: str) -> int | None:
    value = st.query_params.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 12 else None


def _stretch(name: str) -> tuple[int, int] | None:
    start, _, end = st.query_params.get(name, "").partition("-")
    if not (start.isascii() and start.isdigit() and end.isascii() and end.isdigit()):
        return None
    return (int(start), int(end)) if int(start) < int(end) else None
