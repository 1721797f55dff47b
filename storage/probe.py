"""Opens and searches every collection of a Chroma folder, and ends: run in a child, which damage may kill.

python -m storage.probe FOLDER
"""

import sys
from pathlib import Path

from storage.vectors import Vectors


def main(folder: Path) -> None:
    """Touch what a search would touch; raises (or dies) when a collection is damaged."""
    vectors = Vectors(folder)
    for name in vectors.names():
        if vectors.count(name):
            vectors.probe(name)
    vectors.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
