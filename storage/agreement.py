"""Whether a collection says what its rows say: damage that can still be searched is found by comparing, not by trying.

A flipped bit in Chroma's files need not stop a search: a vector is another one, or a neighbour is lost. So vectors are
read back and held against the rows', and each that is tried has to find itself and its exact nearest.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from storage.hits import Hit
from storage.indexes import Indexes
from storage.vectors import Floats, Vectors

CLOSE = 1e-3
"""How far a number of a stored vector may be from the row's: Chroma scales vectors to unit length once more."""
ITSELF = 0.99
NEAREST, SAME = 10, 8
"""Of ten nearest, so many must be the exact ones: the index is approximate."""
TRIED = 5
"""Vectors of an index whose nearest are compared with the exact ones."""
SEARCHED = 100
"""Vectors of each page of rows that have to find themselves."""


def differing(vectors: Vectors, indexes: Indexes, index_id: int, collection: str, most: int | None = None) -> str:
    """How a collection differs from the rows, in a few words; "" when it does not.

    Args:
        most: compare no more vectors than these, evenly spread; all when None. Vectors that the collection lacks, or
            has beyond the rows', are not looked for: counts tell those.
    """
    step = max(1, -(-indexes.count_ready(index_id) // most)) if most else 1
    first = True
    for ids, rows in indexes.ready(index_id):
        stored = vectors.stored(collection, ids[::step])
        mine = {key: row for key, row in zip(ids[::step], rows[::step], strict=True) if key in stored}
        if wrong := _another(mine, stored) or _not_found(vectors, collection, mine):
            return wrong
        if first and (wrong := _not_nearest(vectors, indexes, index_id, collection, mine)):
            return wrong
        first = first and not mine  # the exact nearest of a vector are looked for in all rows: a few times only
    return ""


def _another(mine: Mapping[int, Floats], stored: Mapping[int, Floats]) -> str:
    for key, row in mine.items():
        if stored[key].shape != row.shape or not np.allclose(stored[key], row, atol=CLOSE):
            return f"the vector of chunk {key} is another one"
    return ""


def _not_found(vectors: Vectors, collection: str, mine: Mapping[int, Floats]) -> str:
    for key in _tried(mine, SEARCHED):
        hits = vectors.search(collection, mine[key], NEAREST)
        if not hits or hits[0].score < ITSELF:
            return f"chunk {key} is not found by its own vector"
    return ""


def _not_nearest(vectors: Vectors, indexes: Indexes, index_id: int, collection: str, mine: Mapping[int, Floats]) -> str:
    for key in _tried(mine, TRIED):
        hits = vectors.search(collection, mine[key], NEAREST)
        if _missed(hits, indexes.nearest(index_id, mine[key], NEAREST)) > NEAREST - SAME:
            return f"what is nearest to chunk {key} is not found"
    return ""


def _tried(mine: Mapping[int, Floats], most: int) -> list[int]:
    return list(mine)[:: max(1, len(mine) // most)]


def _missed(hits: Sequence[Hit], exact: Sequence[Hit]) -> int:
    """How many of the exact nearest were not found; those as near as the last one found do not count."""
    found, last = {hit.chunk_id for hit in hits}, min(hit.score for hit in hits)
    return sum(hit.chunk_id not in found and hit.score > last + CLOSE for hit in exact)
