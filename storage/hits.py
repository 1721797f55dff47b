"""What every look-up returns."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that a look-up found; a higher score is better and comparable within one search only."""

    chunk_id: int
    score: float
