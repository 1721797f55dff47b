"""Joins a Ray cluster as one of its drivers, from a machine that may have no node of it.

Ray lets nobody drive a cluster but through a node on the same machine, so one is started here when there is none: it
has no CPU, so no job comes to it, and it ends with this process, however that ends. Nothing is reported to anybody.

    python -m core.jobs.ray_joining ADDRESS     that node: it leaves in order when its standard input ends
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from importlib import import_module
from typing import IO, Any
from urllib.parse import urlsplit

from core.errors import BadInput, StoreDown

log = logging.getLogger(__name__)
HEAD_S = 30.0
"""Seconds a head has to answer: one that is started at the same time takes a while."""
NODE_S = 60.0
"""Seconds that a node of our own has to join."""
LEAVE_S = 15.0
OBJECTS = 512 << 20
"""Bytes for what a node of our own passes on: the adapters that go along with a job, what a training brings back."""
VARIABLE = "TRIPTYCH_RAY_ADDRESS"
_own: list[subprocess.Popen[bytes]] = []
"""The node of ours, with the pipe whose end ends it."""


def host_and_port(address: str) -> tuple[str, int]:
    """Where a cluster's head listens; raises BadInput."""
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or "/" in address:
        raise BadInput(f"{VARIABLE} cannot be used: {address!r} is not a host and a port.", "Write it like head:6379.")
    return host, port


def answers(address: str, timeout_s: float = 2.0) -> str:
    """Why nobody listens where a cluster's head should, "" when somebody does."""
    try:
        socket.create_connection(host_and_port(address), timeout_s).close()
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    return ""


def connect(address: str, patience_s: float = HEAD_S) -> None:
    """Join the cluster as a driver, with a node of our own where none runs here; `leave` ends both.

    Raises:
        BadInput: it is no address.
        StoreDown: Ray is not installed, the head does not answer, or this machine cannot join it.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ModuleNotFoundError as error:
        raise StoreDown("Ray is not installed.", f"pip install 'triptych[ray]', or unset {VARIABLE}.") from error
    _reach(address, patience_s)
    try:
        if not _node_here(address):
            _start_node(address)
        ray.init(address=address, ignore_reinit_error=True, log_to_driver=False, logging_level=logging.WARNING)
    except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        leave()
        why = " ".join(str(error.__cause__ or error).split())
        raise StoreDown(f"This machine cannot join the Ray cluster {address}: {why}", _other_ray(address)) from error


def leave() -> None:
    """Drive nothing any more, and end the node of our own."""
    import ray

    ray.shutdown()
    while _own:
        node = _own.pop()
        if node.stdin is not None:
            node.stdin.close()
        try:
            node.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            node.kill()
            node.wait()


def node_ended() -> bool:
    """Whether the node of our own has ended, as one does that lost its head."""
    return any(node.poll() is not None for node in _own)


def machines() -> list[dict[str, float]]:
    """What each machine of the joined cluster has, in Ray's names: CPU, GPU, memory in bytes."""
    import ray

    return [dict(node["Resources"]) for node in ray.nodes() if node["Alive"]]


def _reach(address: str, patience_s: float) -> None:
    """Wait until the head answers; raises StoreDown."""
    until = time.monotonic() + patience_s
    while why := answers(address):
        if time.monotonic() >= until:
            message = f"The Ray cluster {address} does not answer: {why}."
            raise StoreDown(message, f"Start its head, or correct {VARIABLE}.")
        time.sleep(0.5)


def _node_here(address: str) -> bool:
    """Whether a node of the cluster runs on this machine: looked for as Ray itself will, which waits a minute."""
    services, raylet = import_module("ray._private.services"), import_module("ray._raylet")
    with suppress(RuntimeError):  # how it says that there is none
        client = raylet.GcsClient(address=services.canonicalize_bootstrap_address(address))
        return services.get_node_to_connect_for_driver(client, timeout_seconds=1) is not None
    return False


def _start_node(address: str) -> None:
    """Have this machine join; raises StoreDown."""
    said = tempfile.TemporaryFile()  # noqa: SIM115  its last line says why it ended
    node = subprocess.Popen(
        [sys.executable, "-m", "core.jobs.ray_joining", address],
        stdin=subprocess.PIPE, stdout=said, stderr=said, start_new_session=True,
    )  # fmt: skip
    _own.append(node)
    until = time.monotonic() + NODE_S
    while not _node_here(address):
        if node.poll() is not None or time.monotonic() >= until:
            leave()
            message = f"No node of the Ray cluster {address} runs on this machine, and none could be started"
            raise StoreDown(f"{message}: {_last_line(said)}", _other_ray(address))


def _last_line(said: IO[bytes]) -> str:
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else f"it said nothing in {NODE_S:g} seconds."


def _other_ray(address: str) -> str:
    return (
        f"Look whether {address} is a Ray head, of the same version; "
        f"ray start --address={address} --num-cpus=0 on this machine says more."
    )


def _be_node(address: str) -> Any:
    """Be a node without CPUs until standard input ends."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)  # Ray drains the node and ends its processes

    from ray.scripts.scripts import main

    threading.Thread(target=watch, daemon=True).start()
    wanted = {"address": address, "num-cpus": 0, "num-gpus": 0, "object-store-memory": OBJECTS}
    sys.argv = ["ray", "start", *(f"--{name}={value}" for name, value in wanted.items()), "--block"]
    return main()


if __name__ == "__main__":
    sys.exit(_be_node(sys.argv[1]))
