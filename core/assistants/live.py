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
from typing import TYPE_CHECKING

from core.assistants.answer import Answer, Mode
from core.assistants.ask import Assistant
from core.assistants.followup import Turn
from core.assistants.stored import citation_rows, passage_rows
from core.errors import BadInput, NotFound, TriptychError
from storage.errors import NotFound as RowNotFound

if TYPE_CHECKING:
    from core.workspace import Workspace

WRITE_EVERY_S = 0.5
REMEMBERED_TURNS = 6
LOG = logging.getLogger(__name__)


class LiveAnswer:
    """One answer's buffer: the thread that writes it, and whoever reads it."""

    def __init__(self, message_id: int) -> None:
        self.message_id = message_id
        self.stop = threading.Event()
        self.thread: threading.Thread | None = None
        self._text = ""
        self._finished = False
        self._changed = threading.Condition()

    @property
    def text(self) -> str:
        """What has arrived so far."""
        return self._text

    def add(self, piece: str) -> None:
        """Append to the buffer and wake the readers."""
        with self._changed:
            self._text += piece
            self._changed.notify_all()

    def finish(self) -> None:
        """Tell the readers that nothing more will come."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def follow(self) -> Iterator[str]:
        """What has arrived, then each piece as it arrives; ends with the answer."""
        seen = 0
        while True:
            with self._changed:
                while len(self._text) == seen and not self._finished:
                    self._changed.wait()
                piece, seen, over = self._text[seen:], len(self._text), self._finished
            if piece:
                yield piece
            if over:
                return


class LiveAnswers:
    """All answers under way in one workspace."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = weakref.ref(workspace)
        self._answers: dict[int, LiveAnswer] = {}
        self._lock = threading.Lock()

    def start(self, conversation_id: int, question: str, mode: Mode) -> int:
        """Store the question, begin its answer in the background, and return the answer's message id.

        Raises:
            BadInput: the question is empty, or an answer to this conversation is still under way.
            NotFound: there is no such conversation.
        """
        if not question.strip():
            raise BadInput("The question is empty.", "Type a question.")
        workspace = self._open()
        with self._lock:
            assistant, history = self._prepare(workspace, conversation_id)
            workspace.conversations.add_question(conversation_id, question.strip())
            row = workspace.conversations.begin_answer(conversation_id, mode, assistant.base_model)
            live = self._answers[row.id] = LiveAnswer(row.id)
        arguments = (live, assistant, question.strip(), mode, history)
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
        """Stop all answers and wait for their rows to be written."""
        answers = list(self._answers.values())
        for live in answers:
            live.stop.set()
        for live in answers:
            if live.thread is not None:
                live.thread.join(timeout_s)

    def _open(self) -> "Workspace":
        workspace = self._workspace()
        if workspace is None:
            raise BadInput("The workspace is closed.")
        return workspace

    def _prepare(self, workspace: "Workspace", conversation_id: int) -> tuple[Assistant, list[Turn]]:
        try:
            conversation = workspace.conversations.get(conversation_id)
        except RowNotFound as error:
            raise NotFound("That conversation does not exist any more.", "Begin a new one.") from error
        messages = workspace.conversations.messages(conversation_id)
        if any(message.status == "streaming" and self.running(message.id) for message in messages):
            raise BadInput("The answer before is still being written.", "Wait for it, or stop it.")
        turns = [Turn("user" if m.role == "user" else "assistant", m.text) for m in messages if m.text]
        return Assistant.of(workspace, conversation.corpus_id), turns[-REMEMBERED_TURNS:]

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
                status=answer.outcome,
                refused=answer.refused,
                quoted_until=answer.quoted_until,
                timings=asdict(answer.timings),
                context=asdict(answer.context),
                passages=passage_rows(answer),
                citations=citation_rows(answer),
                base_model=answer.base_model,
            )
        except RowNotFound:
            LOG.info("answer %s: its conversation was deleted while it was written", live.message_id)
        except TriptychError as error:
            self._fail(live, str(error))
        except Exception as error:  # whatever broke must reach the person, not only the log
            LOG.exception("answer %s failed", live.message_id)
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

    def _fail(self, live: LiveAnswer, message: str) -> None:
        try:
            self._open().conversations.finish_answer(live.message_id, live.text, status="failed", error=message)
        except RowNotFound:
            LOG.info("answer %s: its conversation was deleted while it was written", live.message_id)


def start(workspace: "Workspace", conversation_id: int, question: str, mode: Mode = "rag") -> int:
    """Ask in a conversation; returns the id of the answer's message at once."""
    return workspace.live.start(conversation_id, question, mode)


def follow(workspace: "Workspace", message_id: int) -> Iterator[str]:
    """The pieces of an answer, from its beginning, until it ends; for any number of readers."""
    return workspace.live.follow(message_id)


def stop(workspace: "Workspace", message_id: int) -> None:
    """Stop an answer from anywhere."""
    workspace.live.stop(message_id)
