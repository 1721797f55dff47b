"""What jobs take of the machines of a Ray cluster, and how a person says otherwise (`TRIPTYCH_RAY_RESOURCES`).

    {"index": {"cpus": 2, "memory_mb": 4096}, "evaluate": {"cpus": 8}, "embedding": {"gpus": 0.5}}

A job of a kind is one task that stays until it has ended, an evaluation with the base model that answers it.
"embedding" is a batch of texts, of which index and reindex jobs send many over all workers. While a job waits for its
batches Ray gives its CPUs away, but not its GPUs and memory: the one GPU of a cluster is for the batches or for the
job, not for both.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.errors import BadInput

VARIABLE = "TRIPTYCH_RAY_RESOURCES"
REMEDY = 'Write it like {"index": {"cpus": 2, "memory_mb": 4096}, "embedding": {"gpus": 1}}.'


@dataclass(frozen=True, slots=True)
class Resources:
    """What one task takes of a machine in the cluster; `memory_mb` 0 asks for no particular amount."""

    cpus: float = 1.0
    gpus: float = 0.0
    memory_mb: int = 0

    def options(self) -> dict[str, Any]:
        """The same as options of a Ray task."""
        memory = {"memory": self.memory_mb << 20} if self.memory_mb else {}
        return {"num_cpus": self.cpus, "num_gpus": self.gpus} | memory

    def fit(self, there: Mapping[str, float]) -> int:
        """How many of them fit into what a cluster has (Ray's names: CPU, GPU, memory in bytes); at least 1."""
        room = [int(there.get(name, 0.0) / amount) for name, amount in self._asked().items()]
        return max(1, min(room, default=1))

    def lacking(self, machines: Sequence[Mapping[str, float]]) -> str:
        """What no machine of a cluster has of it, in words: "no machine of the cluster has 1 GPU"; "" when one has all.

        Args:
            machines: what each has, as in `fit`; how much of that is in use does not matter.
        """
        asked = self._asked()
        if any(all(there.get(name, 0.0) >= amount for name, amount in asked.items()) for there in machines):
            return ""
        most = {name: max((there.get(name, 0.0) for there in machines), default=0.0) for name in asked}
        lacks = [name for name, amount in asked.items() if most[name] < amount] or list(asked)  # or not at once
        return f"no machine of the cluster has {' and '.join(_in_words(name, asked[name]) for name in lacks)}"

    def _asked(self) -> dict[str, float]:
        """What is asked for at all, in Ray's names."""
        asked = {"CPU": self.cpus, "GPU": self.gpus, "memory": float(self.memory_mb << 20)}
        return {name: amount for name, amount in asked.items() if amount}


USUAL = {"index": Resources(), "reindex": Resources(), "evaluate": Resources(), "embedding": Resources()}
"""What each takes unless a person says otherwise; kinds of jobs that are not here stay on the dashboard's machine."""


def read(text: str) -> dict[str, Resources]:
    """What each takes, by the JSON of the variable; "" for the usual.

    Raises:
        BadInput: it is no such JSON, or asks for what there is not.
    """
    try:
        asked = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise _wrong(f"it is no JSON ({error})") from error
    if not isinstance(asked, dict):
        raise _wrong("it is not an object")
    if unknown := asked.keys() - USUAL.keys():
        raise _wrong(f"there is no {min(unknown)!r}, only {', '.join(USUAL)}")
    return USUAL | {name: _read(name, values) for name, values in asked.items()}


def _read(name: str, values: Any) -> Resources:
    if not isinstance(values, dict) or values.keys() - {"cpus", "gpus", "memory_mb"}:
        raise _wrong(f"{name!r} takes cpus, gpus and memory_mb")
    for what, number in values.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < math.inf:
            raise _wrong(f"{what} of {name!r} is not a number from 0 up")
        if not float(number).is_integer() and (what == "memory_mb" or (what == "gpus" and number > 1)):
            raise _wrong(f"{what} of {name!r} is to be a whole number")  # Ray shares one GPU, not two
    found = replace(USUAL[name], **values)
    return replace(found, memory_mb=int(found.memory_mb))


def _in_words(name: str, amount: float) -> str:
    if name == "memory":
        return f"{int(amount) >> 20} MB of memory"
    return f"{amount:g} {name}{'s' if amount > 1 else ''}"


def _wrong(why: str) -> BadInput:
    return BadInput(f"{VARIABLE} cannot be used: {why}.", REMEDY)
