"""E-mails: subject, people, date, body (HTML through its reader), messages inside; attachments are only named."""

import email
import email.policy
from email.message import EmailMessage, Message

from core.ingestion.limits import Limits
from core.ingestion.parsed import ParsedDocument
from core.ingestion.parsing.cleaning import one_line
from core.ingestion.parsing.draft import DocumentDraft, PageDraft
from core.ingestion.parsing.encodings import decode
from core.ingestion.parsing.html import add_html
from core.ingestion.parsing.text import add_paragraphs

MEDIA_TYPE = "message/rfc822"
_SHOWN = ("From", "To", "Cc", "Date")
_MOST_PARTS = 500


def parse_mail(data: bytes, limits: Limits) -> ParsedDocument:
    """An e-mail as one page. Broken headers and parts are read as far as they go."""
    draft = DocumentDraft(limits, MEDIA_TYPE)
    message = email.message_from_bytes(data.lstrip(b"\r\n"), policy=email.policy.default)
    draft.title = _header(message, "Subject")
    page = draft.page()
    _add_message(page, message, draft, 0)
    if page.empty:
        draft.note("no text was found in it")
    return draft.finish()


def _header(message: Message, name: str) -> str:
    """A header's value decoded; broken ones as they stand."""
    try:
        value = message[name]
        return one_line(str(value)) if value is not None else ""
    except Exception:  # noqa: BLE001 - the standard library raises many kinds for broken headers
        raw = next((str(v) for k, v in getattr(message, "_headers", ()) if k.lower() == name.lower()), "")
        return one_line(raw)


def _add_message(page: PageDraft, message: Message, draft: DocumentDraft, depth: int) -> None:
    page.add("heading", _header(message, "Subject"), min(depth + 1, 6))
    lines = [f"{name}: {_header(message, name)}" for name in _SHOWN if _header(message, name)]
    page.add("paragraph", "\n".join(lines))
    _add_parts(page, message, draft, depth)


def _add_parts(page: PageDraft, message: Message, draft: DocumentDraft, depth: int) -> None:
    """Bodies in order; of alternatives the plain one, else the HTML one."""
    stack: list[Message] = [message]
    count = 0
    while stack and count < _MOST_PARTS:
        part = stack.pop()
        count += 1
        kind = _content_type(part)
        payload = part.get_payload()
        inner = [item for item in payload if isinstance(item, Message)] if isinstance(payload, list) else None
        if kind == "message/rfc822" and inner is not None and part is not message:
            if depth >= draft.limits.depth:
                draft.drop(1, "a message inside a message", f"more than {draft.limits.depth} levels deep")
            else:
                for nested in inner[:20]:
                    _add_message(page, nested, draft, depth + 1)
        elif kind == "multipart/alternative" and inner is not None:
            stack.extend(_best(inner))
        elif inner is not None:
            stack.extend(reversed(inner))
        elif _filename(part) or not kind.startswith("text/"):
            draft.note(f"attachment not read: {_filename(part) or kind}")
        else:
            _add_body(page, part, kind)


def _best(parts: list[Message]) -> list[Message]:
    plain = [part for part in parts if _content_type(part) == "text/plain" and _body(part).strip()]
    return plain[:1] or parts[-1:]


def _content_type(part: Message) -> str:
    try:
        return part.get_content_type()
    except Exception:  # noqa: BLE001
        return "text/plain"


def _filename(part: Message) -> str:
    try:
        attached = part.get_content_disposition() == "attachment"
        return one_line(part.get_filename() or ("unnamed" if attached else ""))
    except Exception:  # noqa: BLE001
        return ""


def _body(part: Message) -> str:
    try:
        payload = part.get_payload(decode=True)
        charset = part.get_param("charset") if isinstance(part, EmailMessage) else ""
    except Exception:  # noqa: BLE001
        payload, charset = str(part.get_payload()).encode("utf-8", "surrogateescape"), ""
    return decode(payload, charset if isinstance(charset, str) else "") if isinstance(payload, bytes) else ""


def _add_body(page: PageDraft, part: Message, kind: str) -> None:
    if kind == "text/html":
        add_html(page, _body(part))
    else:
        add_paragraphs(page, _body(part))
