"""Answers under way: written once, watched by any number of readers, alive when the browser is not.

One background thread per answer runs the answering path; its text goes to a buffer that readers follow and,
every half second, to the message's row. Stopping works from anywhere that knows the message. If the
process dies the row stays `streaming`, and the next start marks it interrupted. Knows nothing of pages.
"""

import logging
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, cast

from core import room
from core.assistants import contestants
from core.assistants.answer import Answer, Mode
from core.assistants.ask import Assistant, Found
from core.assistants.buffer import LiveAnswer
from core.assistants.followup import Turn
from core.assistants.history import turns
from core.assistants.naming import title_of
from core.assistants.searching import Shared
from core.assistants.stored import citation_rows, context_json, passage_rows
from core.errors import BadInput, NotFound, TriptychError
from core.tracing import where
from storage.conversations import LEAF
from storage.errors import NotFound as RowNotFound
from storage.rows import MessageRow

if TYPE_CHECKING:
    from core.workspace import Workspace

WRITE_EVERY_S = 0.5
LOG = logging.getLogger(__name__)


class LiveAnswers:
    """All answers under way in one workspace."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = weakref.ref(workspace)
        self._answers: dict[int, LiveAnswer] = {}
        self._lock = threading.Lock()

    def start(
        self,
        conversation_id: int,
        question: str,
        mode: Mode,
        after: int | None = LEAF,
        shared: Shared[Found] | None = None,
    ) -> int:
        """Store the question, begin its answer in the background, and return the answer's message id.

        Args:
            shared: with the other panels of a comparison, which ask the same: it is searched for once.
            after: the message it is asked behind: the last one that is shown; for an edited question, the one
                before the question that was edited.

        Raises:
            BadInput: the question is empty, or an answer to this conversation is still under way.
            NotFound: there is no such conversation.
        """
        question = question.strip()
        if not question:
            raise BadInput("The question is empty.", "Type a question.")
        with self._lock:
            self._check_free(conversation_id)
            workspace = self._open()
            assistant = self._assistant(conversation_id, shared)
            asked, row = workspace.conversations.ask(
                conversation_id, question, mode, assistant.base_model, after, title_of(question)
            )  # together: killed between the two, a question would stand there unanswered
            return self._begin(row, asked, assistant)

    def again(self, answer_id: int, mode: Mode, alone: bool = False) -> int:
        """Answer the question of an answer once more, beside it; returns the new answer's message id.

        `answer_id` may be the question itself, whether it has an answer yet or not. `alone`: as typed, without what
        was said before.

        An answer that was cut off by a restart is gone on with, in its own mode whatever `mode` says: once the new
        one holds all that had come of it, it takes its place; until then, and when it comes out differently, both are
        there.

        Raises:
            BadInput: an answer to this conversation is still under way.
            NotFound: the answer or its question is not there any more.
        """
        conversations = self._open().conversations
        try:
            old = conversations.message(answer_id)
            asked = old if old.role == "user" else conversations.message(old.parent_id or 0)
        except RowNotFound as error:
            raise NotFound("That answer does not exist any more.") from error
        with self._lock:
            self._check_free(old.conversation_id)
            again = cast("Mode", old.mode) if old.status == "interrupted" else mode
            assistant = self._assistant(old.conversation_id)
            row = conversations.begin_answer(old.conversation_id, again, assistant.base_model, asked.id)
            return self._begin(row, asked, assistant, old.id if old.status == "interrupted" else None, alone)

    def _assistant(self, conversation_id: int, shared: Shared[Found] | None = None) -> Assistant:
        """Who answers in a conversation."""
        workspace = self._open()
        conversation = workspace.conversations.get(conversation_id)
        files = [conversation.files_corpus_id] if conversation.files_corpus_id is not None else []
        assistant = contestants.assistant(workspace, conversation.corpus_id, conversation.variant, files)
        return assistant.with_shared_search(shared) if shared else assistant

    def _begin(
        self,
        row: MessageRow,
        asked: MessageRow,
        assistant: Assistant,
        instead_of: int | None = None,
        alone: bool = False,
    ) -> int:
        """Start the thread that writes a stored answer, which is empty yet, to a stored question."""
        workspace = self._open()
        before = [] if alone else turns(workspace, workspace.conversations.path(row.conversation_id)[:-2])
        live = self._answers[row.id] = LiveAnswer(row.id, instead_of)
        arguments = (live, assistant, asked.text, cast("Mode", row.mode), before)
        live.thread = threading.Thread(target=self._write, args=arguments, name=f"answer-{row.id}", daemon=True)
        live.thread.start()
        return row.id

    def follow(self, message_id: int) -> Iterator[str]:
        """The answer's text so far, then as it arrives; a finished answer in one piece."""
        live = self._answers.get(message_id)
        if live is not None:
            yield from live.follow()
            return
        try:
            text = self._open().conversations.message(message_id).text
        except RowNotFound as error:
            raise NotFound("That answer does not exist any more.") from error
        if text:
            yield text

    def stop(self, message_id: int) -> None:
        """Ask an answer to stop; what has arrived is kept. Nothing happens if it is over."""
        if live := self._answers.get(message_id):
            live.stop.set()

    def running(self, message_id: int) -> bool:
        """Whether the answer is being written in this process."""
        return message_id in self._answers

    def close(self, timeout_s: float = 5.0) -> None:
        """Cut off all answers and wait for their rows to be written: each can be gone on with after the next start."""
        answers = list(self._answers.values())
        for live in answers:
            live.cut = not live.stop.is_set()
            live.stop.set()
        for live in answers:
            if live.thread is not None:
                live.thread.join(timeout_s)

    def _open(self) -> "Workspace":
        workspace = self._workspace()
        if workspace is None:
            raise BadInput("The workspace is closed.")
        return workspace

    def _check_free(self, conversation_id: int) -> None:
        try:
            messages = self._open().conversations.path(conversation_id)
        except RowNotFound as error:
            raise NotFound("That conversation does not exist any more.", "Begin a new one.") from error
        if any(message.status == "streaming" and self.running(message.id) for message in messages):
            raise BadInput("The answer before is still being written.", "Wait for it, or stop it.")

    def _write(
        self, live: LiveAnswer, assistant: Assistant, question: str, mode: Mode, history: Sequence[Turn]
    ) -> None:
        """The background thread: every way it can end leaves the row in a final state."""
        conversations = self._open().conversations
        try:
            answer = self._stream(live, assistant, question, mode, history)
            conversations.finish_answer(
                live.message_id,
                answer.text,
                status="interrupted" if live.cut and answer.outcome == "stopped" else answer.outcome,
                refused=answer.refused,
                quoted_until=answer.quoted_until,
                timings=asdict(answer.timings),
                context=context_json(answer),
                passages=passage_rows(answer),
                citations=citation_rows(answer),
                base_model=answer.base_model,
                searched_for=answer.searched_for,
            )
            self._take_place(live, answer)
        except RowNotFound:
            LOG.info("answer %s: its conversation was deleted while it was written", live.message_id)
        except TriptychError as error:
            self._fail(live, str(error))
        except Exception as error:  # noqa: BLE001  whatever broke must reach the person, not only the log
            if why := room.told(error):
                self._fail(live, str(why))
                return
            LOG.error("answer %s failed: %s", live.message_id, where(error))
            self._fail(live, f"The answer could not be written ({type(error).__name__}). Ask again, or see the log.")
        finally:
            self._answers.pop(live.message_id, None)
            live.finish()

    def _stream(
        self, live: LiveAnswer, assistant: Assistant, question: str, mode: Mode, history: Sequence[Turn]
    ) -> Answer:
        written = time.monotonic()
        for event in assistant.ask(question, mode, history, live.stop):
            if isinstance(event, Answer):
                return event
            live.add(event.text)
            if time.monotonic() - written >= WRITE_EVERY_S:
                self._open().conversations.write_partial(live.message_id, live.text)
                written = time.monotonic()
        raise RuntimeError("the answering path ended without an answer")

    def _take_place(self, live: LiveAnswer, answer: Answer) -> None:
        """Put away the cut-off answer that this one goes on with, if nothing of it is lost by that."""
        if live.instead_of is None or live.cut:
            return
        conversations = self._open().conversations
        if answer.text.startswith(conversations.message(live.instead_of).text):
            conversations.discard(live.instead_of)

    def _fail(self, live: LiveAnswer, message: str) -> None:
        try:
            self._open().conversations.finish_answer(live.message_id, live.text, status="failed", error=message)
        except RowNotFound:
            LOG.info("answer %s: its conversation was deleted while it was written", live.message_id)


def start(
    workspace: "Workspace",
    conversation_id: int,
    question: str,
    mode: Mode = "rag",
    after: int | None = LEAF,
    shared: Shared[Found] | None = None,
) -> int:
    """Ask in a conversation, behind a message of it; returns the id of the answer's message at once."""
    return workspace.live.start(conversation_id, question, mode, after, shared)


def again(workspace: "Workspace", answer_id: int, mode: Mode = "rag", alone: bool = False) -> int:
    """Answer a question once more, or go on with an answer that was cut off; returns the new answer's id at once."""
    return workspace.live.again(answer_id, mode, alone)


def follow(workspace: "Workspace", message_id: int) -> Iterator[str]:
    """The pieces of an answer, from its beginning, until it ends; for any number of readers."""
    return workspace.live.follow(message_id)


def stop(workspace: "Workspace", message_id: int) -> None:
    """Stop an answer from anywhere."""
    workspace.live.stop(message_id)
