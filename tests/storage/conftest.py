"""What the tests of storage share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.seal import FILE


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    """A new one, whose audit log is sealed beside the test's files."""
    opened = Database.open(database_url)
    opened.seal = tmp_path / FILE
    yield opened
    opened.close()
