"""A conversation as a file: Markdown, JSON or Word; one call for each button."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core.conversations.markdown import as_markdown
from core.conversations.told import Told, told
from core.conversations.word import as_docx
from core.errors import NotFound
from storage.errors import NotFound as NoRow

if TYPE_CHECKING:
    from core.workspace import Workspace

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file: what people call it, its ending, its media type, and how it is written."""

    title: str
    ending: str
    media_type: str
    write: Callable[["Workspace", Told], bytes]


def _markdown(_: "Workspace", conversation: Told) -> bytes:
    return as_markdown(conversation).encode()


def _word(_: "Workspace", conversation: Told) -> bytes:
    return as_docx(conversation)


def _json(ws: "Workspace", conversation: Told) -> bytes:
    """Every message of every branch, with sources by name, page and words; `shown` is the path one saw."""
    messages = ws.conversations.messages(conversation.id)
    values: dict[str, Any] = {
        "title": conversation.title,
        "corpus": conversation.corpus,
        "domain": conversation.domain,
        "disclaimer": conversation.disclaimer,
        "began": conversation.began.isoformat(),
        "written": conversation.written.isoformat(),
        "shown": [message.id for message in ws.conversations.path(conversation.id)],
        "messages": [
            asdict(message)
            | {
                "created_at": message.created_at.isoformat(),
                "citations": [asdict(row) for row in ws.conversations.citations(message.id)],
                "passages": [asdict(row) for row in ws.conversations.passages(message.id)],
            }
            for message in messages
        ],
    }
    return json.dumps(values, ensure_ascii=False, indent=2).encode()


FORMATS = (
    Format("Markdown", "md", "text/markdown", _markdown),
    Format("Word", "docx", WORD, _word),
    Format("JSON", "json", "application/json", _json),
)


def export(ws: "Workspace", conversation_id: int, chosen: Format) -> bytes:
    """The file's bytes.

    Raises:
        NotFound: there is no such conversation.
    """
    try:
        written = chosen.write(ws, told(ws, conversation_id, datetime.now(UTC)))
        corpus_id = ws.conversations.get(conversation_id).corpus_id
        ws.audit.record("exported", "conversation", conversation_id, corpus_id=corpus_id, form=chosen.ending)
        return written
    except NoRow as error:
        raise NotFound("That conversation does not exist any more.") from error


def file_name(title: str, chosen: Format) -> str:
    """A name that every system takes: letters, digits, dashes."""
    plain = re.sub(r"[^\w]+", "-", title.lower()).strip("-")[:60] or "conversation"
    return f"{plain}.{chosen.ending}"
