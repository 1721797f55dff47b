"""Opens and searches every collection of a Chroma folder, and ends: run in a child, which damage may kill.

    python -m storage.probe FOLDER

Where TRIPTYCH_DATABASE_URL names the rows' database, collections are compared with the rows as well (a sample of the
vectors); the names of those that differ are printed, a line each.
"""

import os
import sys
from pathlib import Path

from storage.agreement import differing
from storage.corpora import Corpora
from storage.database import Database
from storage.indexes import Indexes
from storage.vectors import Vectors

SAMPLED = 500
"""Vectors of each collection: a start takes no more than moments longer for it."""


def main(folder: Path, url: str = "") -> None:
    """Touch what a search would touch; raises (or dies) when a collection is damaged."""
    vectors = Vectors(folder)
    names = vectors.names()
    for name in names:
        if vectors.count(name):
            vectors.probe(name)
    if url:
        compare(vectors, url, names)
    vectors.close()


def compare(vectors: Vectors, url: str, names: list[str]) -> None:
    """Print the names of collections that differ from their rows."""
    database = Database(url)
    indexes = Indexes(database)
    for index in Corpora(database).indexes():
        if index.collection in names and differing(vectors, indexes, index.id, index.collection, SAMPLED):
            print(index.collection, flush=True)
    database.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), os.environ.get("TRIPTYCH_DATABASE_URL", ""))
