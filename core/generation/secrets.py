"""Keys of endpoints: encrypted at rest, or only the name of an environment variable.

    "env:NAME"     the key is in that environment variable
    "fernet:..."   the key, encrypted with the workspace's secret
    ""             no key

The workspace's secret is TRIPTYCH_SECRET_KEY (a Fernet key), or the file `secret.key` in the workspace, made at
the first need and readable by its owner alone. Whoever has both the file and the database has the keys: a backup
that must not hold them leaves the file out. Nothing here is logged.
"""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BadInput

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

VARIABLE = "TRIPTYCH_SECRET_KEY"
FILE = "secret.key"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEY = re.compile(r"[!-~]+")


class Secrets:
    """Seals and opens keys of one workspace."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def seal(self, key: str) -> str:
        """Encrypt a key; "" stays "". Raises BadInput: it can be no key, or TRIPTYCH_SECRET_KEY is no Fernet key."""
        key = sendable(key)
        return f"fernet:{self._fernet(create=True).encrypt(key.encode()).decode()}" if key else ""

    def open(self, secret: str) -> str:
        """The key itself, "" when there is none.

        Raises:
            BadInput: the environment variable is not set, or the workspace's secret is another one now; or what is
                there can be no key.
        """
        if not secret:
            return ""
        kind, _, value = secret.partition(":")
        if kind == "env":
            if not os.environ.get(value):
                raise BadInput(f"The environment variable {value} is not set.", "Set it and start Triptych again.")
            return sendable(os.environ[value], f"The key in the environment variable {value}")
        from cryptography.fernet import InvalidToken

        try:
            return sendable(self._fernet().decrypt(value.encode()).decode())
        except InvalidToken as error:
            raise _unreadable() from error

    def _fernet(self, *, create: bool = False) -> "Fernet":
        from cryptography.fernet import Fernet

        given = os.environ.get(VARIABLE)
        secret = given.encode() if given else self._from_file(create)
        try:
            return Fernet(secret)
        except ValueError as error:
            where = VARIABLE if given else f"The file {FILE} of the workspace"
            remedy = (
                "Make one: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
            )
            raise BadInput(f"{where} does not hold a Fernet key.", remedy) from error

    def _from_file(self, create: bool) -> bytes:
        from cryptography.fernet import Fernet

        file = self._home / FILE
        if not file.exists():
            if not create:
                raise _unreadable()
            part = self._home / f".{FILE}.{os.getpid()}"
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(Fernet.generate_key())
                opened.flush()
                os.fsync(opened.fileno())
            try:
                os.link(part, file)  # whole or not at all, and never over another process's
            except FileExistsError:
                pass
            finally:
                part.unlink()
        return file.read_bytes()


def sendable(key: str, which: str = "The key") -> str:
    """A key without the space around it; raises BadInput, which does not show it, when no header can carry it."""
    key = key.strip()
    if key and not _KEY.fullmatch(key):
        remedy = "Copy it anew, the key alone, from where it was given out."
        raise BadInput(f"{which} holds a space, a line break, a curly quote or another character no key has.", remedy)
    return key


def in_environment(name: str) -> str:
    """The secret that names an environment variable; raises BadInput when that is no name of one."""
    if not _NAME.fullmatch(name.strip()):
        raise BadInput(f"{name.strip()[:40]!r} is no name of an environment variable.", "For example: OPENAI_API_KEY.")
    return f"env:{name.strip()}"


def described(secret: str) -> str:
    """What may be shown of it: where the key is, never the key."""
    if not secret:
        return "none"
    return f"from {secret[4:]}" if secret.startswith("env:") else "stored, encrypted"


def _unreadable() -> BadInput:
    return BadInput("The stored key cannot be decrypted: this workspace's secret is another one.", "Enter it again.")
