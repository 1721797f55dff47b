"""Files that somebody takes out through the browser stand in the audit log: which kind, of what, never what is in them.

An entry is written when the file is read for the download, not when its button is shown.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from core.workspace import Workspace

File = TypeVar("File")


def told(
    ws: "Workspace",
    read: Callable[[], File],
    subject: str,
    subject_id: int | None = None,
    corpus_id: int | None = None,
    what: str = "downloaded",
    **detail: str,
) -> Callable[[], File]:
    """What reads a file, and tells of it once it was read; arguments as in `storage.audit.note`."""

    def reading() -> File:
        file = read()
        ws.audit.record(what, subject, subject_id, corpus_id=corpus_id, **detail)
        return file

    return reading
