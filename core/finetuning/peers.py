"""The processes that train one adapter together: each computes a part of every batch, all make the same step.

Data parallelism with gradients summed over all (Li et al., "PyTorch Distributed: Experiences on Accelerating Data
Parallel Training", 2020), of the LoRA matrices alone: the base model is frozen, so nothing else has to travel. Batches
and their order are those of one process, and so is what comes out, to the rounding of a sum.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

Part = TypeVar("Part")


class Peers(Protocol):
    """What the training loop asks of them; every process has to ask the same things in the same order."""

    rank: int

    def share(self, whole: Sequence[Part]) -> Sequence[Part]:
        """The part of a batch that this process computes."""
        ...

    def total(self, *numbers: float) -> list[float]:
        """The sum of each number over all processes."""
        ...

    def any(self, flag: bool) -> bool:
        """Whether one of them says so."""
        ...

    def add_gradients(self, parameters: Iterable[Any]) -> None:
        """Make every gradient the sum of all processes'."""
        ...


class Alone:
    """One process: everything is its own."""

    rank = 0

    def share(self, whole: Sequence[Part]) -> Sequence[Part]:
        """All of it."""
        return whole

    def total(self, *numbers: float) -> list[float]:
        """As they are."""
        return list(numbers)

    def any(self, flag: bool) -> bool:
        """As it is."""
        return flag

    def add_gradients(self, parameters: Iterable[Any]) -> None:
        """They are whole."""


class PeerLost(RuntimeError):
    """Another process is gone, or cannot be reached; what was computed since the last checkpoint is lost."""


class Distributed:
    """The processes of a torch process group that was set up before: gloo between CPUs, nccl between GPUs."""

    def __init__(self, device: str) -> None:
        """`device`: where tensors have to be for the group's backend to sum them."""
        import torch.distributed as group

        self._group = group
        self._device = device
        self.rank = group.get_rank()
        self._count = group.get_world_size()

    def share(self, whole: Sequence[Part]) -> Sequence[Part]:
        """Every so many-th: batches are sorted by length, so the parts take about as long."""
        return whole[self.rank :: self._count]

    def total(self, *numbers: float) -> list[float]:
        """The sum of each number over all processes, in 64 bits where the device has them."""
        import torch

        found = torch.tensor(numbers, dtype=torch.float64, device=self._device)
        self._sum(found)
        return [float(each) for each in found]

    def any(self, flag: bool) -> bool:
        """Whether one of them says so."""
        return self.total(float(flag))[0] > 0

    def add_gradients(self, parameters: Iterable[Any]) -> None:
        """In one message: thousands of small ones would wait for each other."""
        import torch

        learning = list(parameters)
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in learning]
        whole = torch.cat([part.reshape(-1) for part in parts])
        self._sum(whole)
        for parameter, summed in zip(learning, whole.split([p.numel() for p in learning]), strict=True):
            parameter.grad = summed.view_as(parameter)

    def _sum(self, tensor: Any) -> None:
        """In place, over all processes; raises PeerLost."""
        try:
            self._group.all_reduce(tensor)
        except RuntimeError as error:  # gloo and nccl have no error of their own for it
            raise PeerLost(str(error)) from error
