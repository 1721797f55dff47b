"""Errors meant for the person who reads them: what happened, and what to do about it.

Everything raised on purpose in core and storage-facing code is a `TriptychError`; the command
line and the pages show `message` and `remedy` and nothing else. Anything that is not a
`TriptychError` is a defect of ours and keeps its traceback in the log.
"""


class TriptychError(Exception):
    """A mistake or a limit a person can do something about.

    Args:
        message: one line, what happened and what was kept.
        remedy: one line, what to do now. May be empty where there is nothing to do.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        """Both lines as one, for a terminal or a log."""
        return f"{self.message} {self.remedy}".strip()


UNSTORABLE = (
    "The text holds a character that cannot be stored; nothing was changed.",
    "Type it anew, or paste it plain.",
)
"""Message and remedy of a BadInput, for what `storage.errors.Unstorable` tells."""


class UnreadableFile(TriptychError):
    """A file gave no text: broken, encrypted, over a limit, or of a kind we do not read."""


class NotFound(TriptychError):
    """A corpus, document, conversation or job of that name does not exist."""


class Conflict(TriptychError):
    """The thing exists already, or changed while it was being changed."""


class BadInput(TriptychError):
    """What was given cannot be used as it is: an empty name, an unknown domain, a malformed line."""


class ModelMissing(TriptychError):
    """A model's file is absent or its sha256 is not the expected one."""


class EngineFailed(TriptychError):
    """The engine that writes answers could not start or stopped working."""


class NoRoom(TriptychError):
    """The disk has no room for it, or failed; what was there is kept."""


class StoreDown(TriptychError):
    """A database or Chroma server, or shared files, cannot be reached."""


class WorkspaceLocked(TriptychError):
    """Another process has this workspace open; the message names it."""


class PersonalData(TriptychError):
    """A document holds personal data, and its domain does not take such documents."""
