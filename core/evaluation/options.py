"""What an evaluation measures beside the scores, and what it may take over; kept with it as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Options:
    """Attributes:
    reuse: take over answers of earlier runs whose fingerprint is the same, and ask only the others.
    likelihood: how probable the gold answer is to each mode's engine, where that says.
    judge: the base model (an endpoint) that judges answers pair by pair; None for no judge.
    freshness: facts of documents that changed since the adapters learned are asked in all modes.
    forgetting: general questions are asked of the base model and of each adapter.
    """

    reuse: bool = False
    likelihood: bool = False
    judge: int | None = None
    freshness: bool = False
    forgetting: bool = False

    def json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Options":
        """From what `json` gave; what is not there is off."""
        return cls(**{name: found[name] for name in cls.__slots__ if name in found})
