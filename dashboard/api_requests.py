"""What callers of the HTTP routes may send, read strictly; and how they are told what was wrong.

Not called `requests`: Streamlit puts this folder first on the path, where it would hide the library.
"""

import json
from dataclasses import dataclass
from typing import Any, cast, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse

from core.assistants.answer import Mode
from core.errors import BadInput, Conflict, NotFound, TriptychError

LARGEST = 1_000_000
MOST_QUESTIONS = 500
LONGEST_QUESTION = 4000
MOST_RESULTS = 100
STATUS: dict[type[TriptychError], int] = {BadInput: 400, NotFound: 404, Conflict: 409}


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """Questions as (id, text); `single` when one was sent by itself."""

    corpus: str
    questions: list[tuple[str, str]]
    top: int
    single: bool

    @classmethod
    def read(cls, sent: dict[str, Any]) -> "SearchRequest":
        """Raises BadInput."""
        top = sent.get("top", 10)
        if not isinstance(top, int) or isinstance(top, bool) or not 1 <= top <= MOST_RESULTS:
            raise BadInput(f"`top` must be a number from 1 to {MOST_RESULTS}.")
        if "question" in sent:
            return cls(_text(sent, "corpus"), [("", _text(sent, "question"))], top, True)
        many = sent.get("questions")
        if not isinstance(many, list) or not 1 <= len(many) <= MOST_QUESTIONS:
            raise BadInput(f"Send `question`, or 1 to {MOST_QUESTIONS} `questions`.")
        if not all(isinstance(each, dict) for each in many):
            raise BadInput("Each of `questions` must be an object with `id` and `question`.")
        return cls(_text(sent, "corpus"), [(_text(each, "id"), _text(each, "question")) for each in many], top, False)


@dataclass(frozen=True, slots=True)
class AskRequest:
    """One question to a corpus in a mode."""

    corpus: str
    question: str
    mode: Mode

    @classmethod
    def read(cls, sent: dict[str, Any]) -> "AskRequest":
        """Raises BadInput."""
        mode = sent.get("mode", "rag")
        if mode not in get_args(Mode):
            raise BadInput(f"`mode` must be one of {', '.join(get_args(Mode))}.")
        return cls(_text(sent, "corpus"), _text(sent, "question"), cast("Mode", mode))


async def body(request: Request) -> dict[str, Any]:
    """The JSON object that was sent; raises BadInput."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise BadInput("Send JSON.", "Set Content-Type: application/json.")
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > LARGEST:
            raise BadInput(f"The request is larger than {LARGEST:,} bytes.", "Send fewer questions at a time.")
    try:
        sent = json.loads(content)
    except (ValueError, RecursionError):
        sent = None
    if not isinstance(sent, dict):
        raise BadInput("That is no JSON object.", 'Send one, like {"corpus": "filings", "question": "..."}.')
    return sent


def refusal(error: TriptychError) -> JSONResponse:
    """An error for a caller: what happened and what to do."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 503)
    return JSONResponse({"error": error.message, "remedy": error.remedy}, status_code=status)


def _text(sent: dict[str, Any], name: str) -> str:
    value = sent.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_QUESTION:
        raise BadInput(f"`{name}` must be a text of 1 to {LONGEST_QUESTION:,} characters.")
    if any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in value):
        raise BadInput(f"`{name}` holds NUL or half a surrogate pair.", "Send whole characters.")
    return value
