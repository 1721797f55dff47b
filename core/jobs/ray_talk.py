"""What the dashboard and the process that drives its Ray cluster say to each other: orders there, news back.

In a module of its own, because both ends have to know them by the same name.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import TriptychError
from core.jobs.resources import Resources
from core.settings import Settings
from storage.rows import JobRow

if TYPE_CHECKING:
    from core.evaluation.elsewhere import Carried


@dataclass(frozen=True, slots=True)
class Run:
    """Have a job done. `number`: how it is named between the two from now on."""

    number: int
    takes: Resources
    settings: Settings
    job: JobRow
    carried: "Carried"


@dataclass(frozen=True, slots=True)
class Cancel:
    """End one that was given."""

    number: int


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave the cluster."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Orders are taken now."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The cluster could not be joined."""

    error: TriptychError


@dataclass(frozen=True, slots=True)
class Machines:
    """What each machine of the cluster has, in Ray's names; told at the beginning and when it changes."""

    have: list[dict[str, float]]


@dataclass(frozen=True, slots=True)
class Ended:
    """A task has ended; in order unless `failed`: its row says how, then.

    Attributes:
        told: why it failed, one line for people; "" for a defect.
        at: for the log: which kind of error arose where.
    """

    number: int
    failed: bool = False
    told: str = ""
    at: str = ""


Order = Run | Cancel | Leave
News = Joined | Failed | Machines | Ended
