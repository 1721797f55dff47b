"""The conversation so far, as the answering path takes it: from stored questions and answers to turns."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.assistants.followup import Turn
from storage.rows import MessageRow

if TYPE_CHECKING:
    from core.workspace import Workspace

NAMED = 6
"""Messages at the end of a path whose documents a question without a name may be about."""


def turns(workspace: "Workspace", messages: Sequence[MessageRow]) -> list[Turn]:
    """The messages of a path as turns, oldest first; a question knows what was searched for it."""
    spoken = [message for message in messages if message.text]
    late = {message.id for message in spoken[-NAMED:]}
    searched = {message.parent_id: message.searched_for for message in messages if message.role == "assistant"}
    return [
        Turn("user", message.text, searched.get(message.id, ""))
        if message.role == "user"
        else Turn("assistant", message.text, about=_about(workspace, message) if message.id in late else ())
        for message in spoken
    ]


def _about(workspace: "Workspace", answer: MessageRow) -> tuple[str, ...]:
    """Titles of the documents an answer cites, in its order."""
    cited = [row.document_id for row in workspace.conversations.citations(answer.id) if row.document_id is not None]
    documents = workspace.corpora.documents_by_ids(cited)
    found = [documents[each] for each in dict.fromkeys(cited) if each in documents]
    return tuple(row.title or row.name for row in found)
