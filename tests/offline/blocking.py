"""No process of the tests reaches another machine: two walls, the second where the system allows it.

    every Python process    an audit hook refuses connections and names that are not this machine's own; children
                            get it through `sitecustomize.py` beside this file, on their PYTHONPATH
    programs in C and Rust  a network namespace that has a loopback and nothing else (Linux, with the right to make one)

What was refused is written down as well (`TRIPTYCH_CALLED_OUT` names the file), because a library may swallow the
error: the run fails when there is anything in it. Standard library only: it runs before everything else.
"""

import ctypes
import errno
import fcntl
import ipaddress
import os
import socket
import struct
import sys
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
NOTES = "TRIPTYCH_CALLED_OUT"
CLONE_NEWNET = 0x4000_0000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
CONNECTING = ("socket.connect", "socket.sendto", "socket.sendmsg")
NAMING = ("socket.getaddrinfo", "socket.gethostbyname")
ASKS_NOBODY = ("8.8.8.8",)
"""How Ray finds its own address: it connects a datagram socket and sends nothing. Refused, but no fault."""


class CalledOut(OSError):
    """A test, or what it started, wanted another machine."""


def block() -> None:
    """Refuse what leaves this machine, in this process and the Python processes it starts; cannot be undone."""
    if HERE not in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [HERE, os.environ.get("PYTHONPATH", "")]))
    if not getattr(sys, "_triptych_offline", False):
        sys._triptych_offline = True  # type: ignore[attr-defined]  # as lasting as the hook
        sys.addaudithook(_heard)


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event in CONNECTING:
        asked, address = arguments[:2]
        if asked.family in (socket.AF_INET, socket.AF_INET6) and address:
            _check(str(address[0]), address, named=False)
    elif event in NAMING and arguments[0]:
        host = arguments[0]
        _check(host.decode() if isinstance(host, bytes) else str(host), arguments[:2], named=True)


def _check(host: str, asked: object, *, named: bool) -> None:
    if host.rstrip(".").lower() in ("localhost", socket.gethostname().lower()):
        return
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        if named and not host:
            return
    else:
        # To look up an address is to ask nobody; an address that can be bound to is this machine's.
        if named or address.is_loopback or address.is_unspecified or _own(address):
            return
    if host not in ASKS_NOBODY and not host.endswith(".invalid"):
        _note(f"{asked} by {' '.join(sys.argv[:3])} ({os.getpid()})")
    raise CalledOut(errno.ENETUNREACH, f"the tests reach no other machine, and {asked} was asked for")


def _own(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as tried:
            tried.bind((str(address), 0))
            return True
    except OSError:
        return False


def _note(line: str) -> None:
    if file := os.environ.get(NOTES):
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(handle, f"{line}\n".encode())
        os.close(handle)


def alone() -> bool:
    """Give this process and its children a network with nothing but a loopback; False where that is not allowed.

    Call it while there is one thread: a thread that runs already keeps its network.
    """
    if not sys.platform.startswith("linux") or ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
    return True
