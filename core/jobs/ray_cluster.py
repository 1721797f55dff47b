"""A Ray cluster as the dashboard holds it: jobs are sent there, and it may be lost at any time, as one value.

The process that drives it is `ray_driver.py`; this one never imports Ray.
"""

import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from typing import TYPE_CHECKING

from core.errors import StoreDown
from core.jobs.ray_joining import HEAD_S, NODE_S, VARIABLE
from core.jobs.ray_talk import Cancel, Ended, Failed, Leave, Machines, News, Order, Run
from core.jobs.resources import Resources
from core.settings import Settings
from storage.rows import JobRow

if TYPE_CHECKING:
    from core.evaluation.elsewhere import Carried

JOIN_S = HEAD_S + 2 * NODE_S
"""Seconds until joining is given up, whatever Ray waits for."""
LEAVE_S = 30.0
LOST = "The Ray cluster was lost."


class Sent:
    """A job that was sent to the cluster.

    Attributes:
        over: set when it has ended there, or the cluster was lost.
        how: it ended; None while it has not. What was lost with the cluster has `failed` and `lost`.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.over = threading.Event()
        self.how: Ended | None = None
        self.lost = False


class RayCluster:
    """A joined cluster. Join anew when it is `lost`."""

    def __init__(self, address: str, stopping: threading.Event | None = None) -> None:
        """Join it.

        Args:
            stopping: set when joining is to end at once.

        Raises:
            BadInput: it is no address.
            StoreDown: Ray is not installed, the cluster does not answer, or this machine cannot join it.
        """
        self.lost = threading.Event()
        self.machines: Sequence[Mapping[str, float]] = ()
        """What each machine of the cluster has, in Ray's names, as last told; empty until it was."""
        self._numbers = itertools.count()
        self._sent: dict[int, Sent] = {}
        self._lock, self._sending = threading.Lock(), threading.Lock()
        self._channel, theirs = Pipe()
        command = [sys.executable, "-m", "core.jobs.ray_driver", address, str(theirs.fileno())]
        self._process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
        )
        theirs.close()
        try:
            self._join(address, stopping or threading.Event())
        except BaseException:
            self._end(0.0)
            self._channel.close()
            raise
        threading.Thread(target=self._listen, name="ray-cluster", daemon=True).start()

    def send(self, takes: Resources, settings: Settings, job: JobRow, carried: "Carried") -> Sent:
        """Have a claimed job done there."""
        sent = Sent(next(self._numbers))
        with self._lock:
            self._sent[sent.number] = sent
        self._order(Run(sent.number, takes, settings, job, carried))
        if self.lost.is_set():  # it may have been before this was among what is told so
            self._over(sent, None)
        return sent

    def cancel(self, sent: Sent) -> None:
        """End one that was sent; nothing happens when it has ended."""
        self._order(Cancel(sent.number))

    def close(self) -> None:
        """Leave the cluster, which ends what was sent there."""
        self._order(Leave())
        self._end(LEAVE_S)

    def _join(self, address: str, stopping: threading.Event) -> None:
        until = time.monotonic() + JOIN_S
        while not self._channel.poll(0.1):
            if stopping.is_set() or time.monotonic() >= until:
                why = "this program is ending" if stopping.is_set() else f"it took more than {JOIN_S:g} seconds"
                raise StoreDown(f"The Ray cluster {address} was not joined: {why}.", f"Correct {VARIABLE}.")
        try:
            news: News = self._channel.recv()
        except EOFError as error:
            message = f"The Ray cluster {address} was not joined: Ray ended the process that tried."
            raise StoreDown(message, f"Look at the lines above, and correct {VARIABLE}.") from error
        if isinstance(news, Failed):
            raise news.error

    def _order(self, order: Order) -> None:
        with self._sending, suppress(OSError):  # the cluster was lost, which `_listen` tells
            self._channel.send(order)

    def _listen(self) -> None:
        try:
            with suppress(EOFError, OSError):
                while True:
                    self._hear(self._channel.recv())
        finally:
            self.lost.set()
            with self._lock:
                under_way = list(self._sent.values())
            for sent in under_way:
                self._over(sent, None)
        self._end(LEAVE_S)
        with self._sending:
            self._channel.close()

    def _hear(self, news: News) -> None:
        if isinstance(news, Machines):
            self.machines = news.have
        elif isinstance(news, Ended):
            with self._lock:
                sent = self._sent[news.number]
            self._over(sent, news)

    def _over(self, sent: Sent, news: Ended | None) -> None:
        """Say how it ended; `None`: nobody knows, the cluster was lost."""
        with self._lock:
            if self._sent.pop(sent.number, None) is None:
                return
        sent.lost = news is None
        sent.how = news or Ended(sent.number, True, LOST)
        sent.over.set()

    def _end(self, patience_s: float) -> None:
        """Wait for the end of the process, which leaves the cluster by itself when its pipe ends."""
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
