"""How a defect is logged: what kind of error arose where, without its message, which may quote a document."""

import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OURS = Path(__file__).parents[1]
LIBRARIES = "site-packages"


def where(error: BaseException) -> str:
    """The kinds and places of an error and of what caused it, the cause first; source lines, never values."""
    told = [f"{type(each).__name__} at\n{''.join(traceback.format_tb(each.__traceback__))}" for each in _chain(error)]
    return "which led to ".join(told).rstrip()


def briefly(error: BaseException) -> str:
    """The same in one line: the kind of an error, and the innermost place in our own code that it went through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [each for each in frames if each.filename.startswith(str(OURS)) and LIBRARIES not in each.filename]
    if not ours:
        return type(error).__name__
    return f"{type(error).__name__} in {Path(ours[-1].filename).name}, line {ours[-1].lineno} ({ours[-1].name})"


def keep_messages_out() -> None:
    """Have this process log and print errors as `where` tells them, whoever does it: Streamlit and uvicorn as well."""
    made = logging.getLogRecordFactory()

    def quiet(*args: Any, **named: Any) -> logging.LogRecord:
        record = made(*args, **named)
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            record.msg, record.args = f"{_without(record.getMessage(), error).rstrip()}: {where(error)}", ()
            record.exc_info = record.exc_text = None
        return record

    logging.setLogRecordFactory(quiet)
    threading.excepthook = lambda ended: ended.exc_value and print(where(ended.exc_value), file=sys.stderr)


def _chain(error: BaseException) -> list[BaseException]:
    """What caused an error, the first cause first, and the error itself."""
    return list(_and_causes(error))[::-1]


def _and_causes(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    while error not in seen:
        seen.append(error)
        yield error
        error = error.__cause__ or (error if error.__suppress_context__ else error.__context__) or error


def _without(text: str, error: BaseException) -> str:
    """A line of a log without what an error says, as asyncio has it in the name of a task."""
    for said in {form(each) for each in _chain(error) for form in (repr, str)} - {""}:
        text = text.replace(said, "...")
    return text
