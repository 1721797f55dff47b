"""Drives a Ray cluster in a process of its own: Ray ends the process that drives it when the cluster's head is lost.

    python -m core.jobs.ray_driver ADDRESS FD

    the dashboard (`ray_cluster.py`)  <- one pipe, FD (`ray_talk.py`) ->  this process  <->  workers (`ray_work.py`)

When the other end of the pipe is closed it leaves the cluster, which ends what it had begun there.
Knows nothing of rows.
"""

import os
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from core.errors import TriptychError
from core.jobs import ray_joining
from core.jobs.ray_talk import Cancel, Ended, Failed, Joined, Leave, Machines, Order, Run
from core.tracing import where

LOOK_S = 0.1
"""How soon it is seen that a task has ended."""
HEAD_S = 3.0
"""Seconds between two looks at the head."""
PATIENCE_S = 20.0
"""How long a head may be away: Ray itself waits a minute before it ends this process."""
GONE = 3
"""Exit code when the cluster was lost."""


class Driver:
    """Takes orders and tells news over a pipe. The cluster is joined already."""

    def __init__(self, channel: Connection, address: str) -> None:
        self._channel, self._address = channel, address
        self._tasks: dict[Any, int] = {}
        self._have: list[dict[str, float]] = []
        self._answered = time.monotonic()
        self._looked = 0.0

    def serve(self) -> int:
        """Until the other end is closed, or the cluster is lost; returns the exit code."""
        with suppress(EOFError):
            while True:
                while self._channel.poll(LOOK_S):
                    order: Order = self._channel.recv()
                    if isinstance(order, Leave):
                        return 0
                    self._take(order)
                self._tell_ended()
                if not self._head_there():
                    return GONE
        return 0

    def _take(self, order: Run | Cancel) -> None:
        import ray

        from core.jobs.ray_work import work

        if isinstance(order, Run):
            # Ray must not run it again by itself: an attempt is a claim, with a fencing token of its own.
            name = f"{order.job.kind} {order.job.id}"
            task = ray.remote(work).options(max_retries=0, name=name, **order.takes.options())
            self._tasks[task.remote(order.settings, order.job, order.carried)] = order.number
            return
        for ref, number in self._tasks.items():
            if number == order.number:
                with suppress(ray.exceptions.RayError):
                    ray.cancel(ref, force=True)

    def _tell_ended(self) -> None:
        import ray

        if not self._tasks:
            return
        refs = list(self._tasks)
        for ref in ray.wait(refs, num_returns=len(refs), timeout=0)[0]:
            self._channel.send(_how(ref, self._tasks.pop(ref)))

    def _head_there(self) -> bool:
        """False once the head was away for long, or what came in its place knows nothing of us."""
        now = time.monotonic()
        if now - self._looked < HEAD_S:
            return True
        self._looked = now
        if ray_joining.node_ended():
            return False
        have = None if ray_joining.answers(self._address) else _machines()
        if have is None:
            return now - self._answered < PATIENCE_S
        self._answered = now
        if have != self._have:
            self._have = have
            self._channel.send(Machines(have))
        return True


def _machines() -> list[dict[str, float]] | None:
    """What each machine has; None when the head does not say."""
    import ray

    try:
        return ray_joining.machines()
    except ray.exceptions.RayError:
        return None


def _how(ref: Any, number: int) -> Ended:
    """How a task has ended."""
    import ray

    try:
        ray.get(ref)
    except ray.exceptions.RayTaskError as error:
        told = str(error.cause) if isinstance(error.cause, TriptychError) else ""
        return Ended(number, True, told, where(error))
    except ray.exceptions.OutOfMemoryError as error:
        return Ended(number, True, "Its machine in the cluster ran out of memory.", where(error))
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError) as error:
        return Ended(number, True, "Its machine in the cluster, or its process there, was lost.", where(error))
    except Exception as error:  # noqa: BLE001  whatever ended it, the job is tried again
        return Ended(number, True, "", where(error))
    return Ended(number)


def main() -> int:
    """Run as a process."""
    address, channel = sys.argv[1], Connection(int(sys.argv[2]))
    code = 0
    with suppress(OSError):  # whoever started this is gone
        try:
            ray_joining.connect(address)
        except TriptychError as error:
            channel.send(Failed(error))
            return 1
        channel.send(Joined())
        code = Driver(channel, address).serve()
    if code:
        channel.close()
        os._exit(code)  # in an orderly end Ray would wait a minute for its head
    ray_joining.leave()
    return 0


if __name__ == "__main__":
    sys.exit(main())
