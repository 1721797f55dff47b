"""What a workspace repaired by itself while it is open, for the doctor to tell."""

from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Repair:
    """One repair: of what (a subject of the doctor's), and in a sentence what was done; `at` is when."""

    what: str
    done: str
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def words(self) -> str:
        """When it was, and what was done."""
        return f"{self.at:%d %b, %H:%M} UTC: {self.done}"
