"""A store that cannot be reached is one line for people wherever it is met: which, and the setting that names it."""

from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import StoreDown
from storage.errors import Unreachable

DATABASE = "Start it, or correct TRIPTYCH_DATABASE_URL."
VECTORS = "Start it, or correct TRIPTYCH_CHROMA_URL."
FILES = "Correct TRIPTYCH_FILES_URL, or install that part."


@contextmanager
def reached(remedy: str) -> Iterator[None]:
    """Raises StoreDown, with one of the remedies above, when a store does not answer inside the block."""
    try:
        yield
    except Unreachable as error:
        raise StoreDown(f"There is no use of {error}.", remedy) from error
