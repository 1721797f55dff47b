"""Answers that people corrected in chat, as proposed examples: one for each corrected answer, changed along with it."""

from typing import TYPE_CHECKING

from core.assistants.words import stems
from core.finetuning.checks import near
from storage.errors import Exists
from storage.examples import ExampleDraft, Filter, digest
from storage.rows import ExampleRow, MessageRow, PassageRow

if TYPE_CHECKING:
    from core.workspace import Workspace

ORIGIN = "corrected"
SUPPORT = 0.5
"""A passage that shares this part of a correction's words is taken for its source."""


def correct(ws: "Workspace", message_id: int, text: str) -> bool:
    """Store the answer that a message should have been, and propose it as an example to review.

    An empty text takes the correction back. Returns whether there is such an example now: gold questions are
    never proposed. Raises NotFound (storage).
    """
    given = ws.conversations.feedback(message_id)
    ws.conversations.give_feedback(message_id, given.verdict if given else "down", text)
    message = ws.conversations.message(message_id)
    corpus_id = ws.conversations.get(message.conversation_id).corpus_id
    old = _proposed(ws, corpus_id, message_id)
    draft = _draft(ws, corpus_id, message, text) if text else None
    if draft is None:
        if old is not None:
            ws.examples.delete([old.id])
        return False
    if old is None:
        ws.examples.add(corpus_id, [draft])
    elif draft.digest != digest(old.question, old.answer):
        _change(ws, old, draft)
    return True


def _change(ws: "Workspace", old: ExampleRow, draft: ExampleDraft) -> None:
    """What was reviewed before is to be reviewed again; where there is such a pair already, that one stays."""
    values = {name: getattr(draft, name) for name in ("question", "answer", "status", "document", "page", "evidence")}
    try:
        ws.examples.update(old.id, **values)
    except Exists:
        ws.examples.delete([old.id])


def _proposed(ws: "Workspace", corpus_id: int, message_id: int) -> ExampleRow | None:
    rows = ws.examples.list(corpus_id, Filter(origin=ORIGIN))
    return next((row for row in rows if row.meta.get("message") == message_id), None)


def _draft(ws: "Workspace", corpus_id: int, message: MessageRow, text: str) -> ExampleDraft | None:
    if message.parent_id is None:
        return None
    question = message.searched_for or ws.conversations.message(message.parent_id).text
    if near(stems(question), [stems(row.question) for row in ws.gold.list(corpus_id)]):
        return None
    found = source(ws.conversations.passages(message.id), text)
    return ExampleDraft(
        question.strip(),
        text,
        document=found.document if found else "",
        page=found.page if found else None,
        evidence=found.text if found else "",
        form="question",
        origin=ORIGIN,
        status="proposed",
        meta={"message": message.id},
    )


def source(passages: list[PassageRow], text: str) -> PassageRow | None:
    """The passage that holds most of a correction's words, if one holds enough of them."""
    wanted = stems(text)
    best = max(passages, key=lambda row: len(wanted & stems(row.text)), default=None)
    enough = best is not None and best.document and len(wanted & stems(best.text)) >= SUPPORT * max(1, len(wanted))
    return best if enough else None
