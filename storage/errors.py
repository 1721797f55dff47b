"""What can go wrong in storage; core turns these into errors for people."""


class StorageError(Exception):
    """Base of all mistakes that storage reports."""


class NotFound(StorageError):
    """There is no row or file of that id or name."""


class Busy(StorageError):
    """Something else is being done to it; `args[0]` says what. It can be tried again."""


class Vanished(StorageError):
    """What was stored went with the last document of the same content before its own row was there: store it again."""


class Exists(StorageError):
    """There is one of that name already."""


class Swapped(StorageError):
    """Another index serves the corpus since: nothing was written."""


class WrongDimension(StorageError):
    """Vectors of another length than the index's: nothing was written."""


class LeaseLost(StorageError):
    """Another worker has claimed the job since, or it is over: nothing was written."""


class Unstorable(StorageError):
    """A text holds a character that the database cannot keep: half a surrogate pair, or (on PostgreSQL) NUL."""


class Unreachable(StorageError):
    """A database or Chroma server does not answer; `args[0]` says which one and why."""


class Newer(StorageError):
    """The database was brought to a schema that this version does not know: nothing was changed."""


class Locked(StorageError):
    """Another process has the workspace open.

    Attributes:
        owner: what the lock file says of that process.
    """

    def __init__(self, message: str, owner: object = None) -> None:
        super().__init__(message)
        self.owner = owner


class Rebuilding(StorageError):
    """A look-up is being made anew from the rows; the rows themselves can be searched meanwhile."""


class Damaged(StorageError):
    """What stands in a look-up does not fit together; `args[0]` names it. It can be made anew from the rows."""


class Stuck(StorageError):
    """A look-up's library did not come back in its time; the rows themselves can be searched meanwhile."""
