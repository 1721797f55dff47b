"""Connections that go where the person pointed, and no further: checked by address, not by name.

An address that a person typed may lead anywhere, also into their own network. Whatever it redirects to must be of
the same kind (public, private, this machine, link-local), so that no page outside can make us read one inside. The
address that is checked is the one that is connected to: a name that resolves otherwise a moment later gains nothing.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import certifi
import httpcore

CONNECT_S = 10.0


class Refused(Exception):
    """A redirect leads to another kind of host; the text says from where to where."""


class Deadline:
    """A moment by which everything must be over. Seconds of the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, most: float | None = None) -> float:
        """Seconds left, at most `most`; raises httpcore.ReadTimeout when there are none."""
        rest = self._end - time.monotonic()
        if rest <= 0:
            raise httpcore.ReadTimeout("it took too long")
        return rest if most is None else min(rest, most)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """The time that the block takes does not count."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._end += time.monotonic() - began


class Backend(httpcore.SyncBackend):
    """Opens connections to hosts of one kind: that of the first one."""

    def __init__(self, deadline: Deadline, kind: str = "") -> None:
        """`kind` is that of the first host, where it is known; "" until something was connected to."""
        self._deadline = deadline
        self.kind = kind

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to `host`, whose first address that answers is taken.

        Raises:
            Refused: it has no address of the kind of the first host.
            httpcore.ConnectError, ConnectTimeout: it does not exist, or does not answer.
        """
        addresses = resolved(host, port)
        self.kind = self.kind or kind_of_host(addresses[0])
        allowed = [address for address in addresses if kind_of_host(address) == self.kind]
        if not allowed:
            raise Refused(f"it leads from a {self.kind} address to a {kind_of_host(addresses[0])} one")
        for address in allowed:
            patience = self._deadline.left(CONNECT_S)
            try:
                stream = super().connect_tcp(address, port, patience, local_address, socket_options)
                return _Stream(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if address == allowed[-1]:
                    raise
        raise AssertionError("there was an address to try")


def resolved(host: str, port: int) -> list[str]:
    """The addresses of a host, best first; raises httpcore.ConnectError when there are none."""
    try:
        found = [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"there is no host called {host}") from error
    return list(dict.fromkeys(found))


class _Stream(httpcore.NetworkStream):
    """A stream of which no read or write waits beyond the deadline, however slowly bytes trickle in."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Some bytes."""
        return self._inner.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of the bytes."""
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        """The end."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same stream, encrypted; the certificate is checked against the name."""
        return _Stream(
            self._inner.start_tls(ssl_context, server_hostname, self._deadline.left(timeout)), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        """What the stream underneath knows."""
        return self._inner.get_extra_info(info)


def kind_of_host(address: str) -> str:
    """Where an IP address is: public, private, link-local, or this machine."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if ip.is_loopback or ip.is_unspecified:
        return "local"
    if ip.is_link_local:
        return "link-local"
    return "public" if ip.is_global else "private"


def trusted() -> ssl.SSLContext:
    """TLS with the certificates of this machine and the common ones."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
