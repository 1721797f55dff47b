"""Files attached to one conversation: searched together with its corpus, for it alone, and deleted with it.

They are documents like any other, parsed in the sandbox and indexed by the same durable job, in a hidden
corpus that only the conversation names.
"""

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.errors import NotFound
from core.finetuning import forgetting
from core.ingestion import intake
from core.ingestion.arriving import Upload
from core.ingestion.intake import Intake
from storage.errors import NotFound as NoRow
from storage.rows import ConversationRow, DocumentRow

if TYPE_CHECKING:
    from core.workspace import Workspace

MOST = 200
"""Files that are listed of one conversation."""


def attach(ws: "Workspace", conversation_id: int, uploads: Iterable[Upload]) -> Intake:
    """Store files for one conversation and queue what is new among them.

    Raises:
        NotFound: there is no such conversation.
    """
    conversation = _conversation(ws, conversation_id)
    corpus_id = conversation.files_corpus_id
    if corpus_id is None:
        domain = ws.corpora.get(conversation.corpus_id).domain
        corpus_id = ws.corpora.create(f"files {uuid.uuid4()}", domain, hidden=True).id
        ws.conversations.set_files(conversation_id, corpus_id)
    return intake.add_files(ws, corpus_id, uploads)


def attached(ws: "Workspace", corpus_id: int | None) -> list[DocumentRow]:
    """The files of a conversation, by the hidden corpus that it names."""
    return ws.corpora.documents(corpus_id, limit=MOST) if corpus_id is not None else []


def delete(ws: "Workspace", conversation_id: int, *, erase: bool = False) -> None:
    """Delete a conversation with its messages, its feedback and the files that are its alone.

    Args:
        erase: what was made of its answers goes too: examples, also those frozen beside adapters, gold questions, and
            the words that evaluations copied from those.
    """
    conversation = _conversation(ws, conversation_id)
    if erase and (examples := ws.conversations.examples_of(conversation_id)):
        forgetting.forget(ws, conversation.corpus_id, (), set(examples))
    if conversation.files_corpus_id is not None:
        intake.delete_corpus(ws, conversation.files_corpus_id)
    ws.conversations.delete(conversation_id, erase)


def delete_orphans(ws: "Workspace") -> int:
    """Delete hidden corpora that no conversation names, as a kill in mid-deletion leaves them; returns how many."""
    named = ws.conversations.with_files()
    orphans = [corpus.id for corpus in ws.corpora.list(hidden=True) if corpus.id not in named]
    for corpus_id in orphans:
        intake.delete_corpus(ws, corpus_id)
    return len(orphans)


def _conversation(ws: "Workspace", conversation_id: int) -> ConversationRow:
    try:
        return ws.conversations.get(conversation_id)
    except NoRow as error:
        raise NotFound("That conversation does not exist any more.", "Begin a new one.") from error
