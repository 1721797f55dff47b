"""Fetches one web address into a file, within limits: size, time, redirects, and where they may lead.

Only GET, only http and https, no cookies, no credentials, no proxy. A page that was fetched before is asked for with
its tag and date, so an unchanged one costs a line. What the bytes are is for the sandbox to find out.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpcore

from core.errors import TriptychError
from core.sync.naming import clean_url
from core.sync.reach import Backend, Deadline, Refused, trusted

MIB = 1024 * 1024
REDIRECTS = (301, 302, 303, 307, 308)
Before = Callable[[str, str], None]
"""Given an address that is about to be asked for, and the kind of host that it has to be at ("" before the first).

It may raise NotFetched to leave the address alone, and may take its time, which does not count.
"""


class NotFetched(TriptychError):
    """An address did not give its content: what was taken from it before stays."""


@dataclass(frozen=True, slots=True)
class Fetching:
    """What a fetch may cost.

    Attributes:
        seconds: from the first connection to the last byte, redirects included.
        wait_s: for the next byte.
        most: bytes, as sent and as unpacked.
        redirects: how many are followed.
    """

    seconds: float = 60.0
    wait_s: float = 20.0
    most: int = 50 * MIB
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: `status` 200 with the content's `size` and `sha256`, or another status with neither."""

    url: str
    status: int
    size: int = 0
    sha256: str = ""
    media_type: str = ""
    etag: str = ""
    last_modified: str = ""


class Fetcher:
    """Fetches addresses one at a time."""

    def __init__(self, limits: Fetching | None = None) -> None:
        self.limits = limits or Fetching()
        self.agent = f"Triptych/{version('triptych')}"
        self._trusted = trusted()

    def get(
        self,
        url: str,
        into: Path,
        etag: str = "",
        last_modified: str = "",
        most: int = 0,
        before: Before = lambda *_: None,
        kind: str = "",
    ) -> Fetched:
        """Fetch an address, following redirects, into a file.

        Args:
            etag, last_modified: of the version at hand; the status is 304 when it is still the one.
            most: bytes, if fewer than the limits say.
            before: asked before each address, those that redirects lead to as well.
            kind: of the hosts that may be connected to (`reach.kind_of_host`); "" for whatever the first one is.

        Raises:
            NotFetched: no answer, or one that is over a limit or leads astray; the message says which.
        """
        headers = {"User-Agent": self.agent, "Accept": "*/*", "Accept-Encoding": "identity, gzip;q=0.5"}
        headers |= {"If-None-Match": etag} if etag else {}
        headers |= {"If-Modified-Since": last_modified} if last_modified else {}
        deadline = Deadline(self.limits.seconds)
        backend = Backend(deadline, kind)
        for _ in range(self.limits.redirects + 1):
            with deadline.resting():
                before(url, backend.kind)
            with _told(), httpcore.ConnectionPool(self._trusted, network_backend=backend) as pool:
                answer = self._one(pool, url, headers, into, most or self.limits.most)
            if isinstance(answer, Fetched):
                return answer
            url = self._next(url, answer)
        raise NotFetched(f"It redirects more than {self.limits.redirects} times.", "Name the address it ends at.")

    def _one(
        self, pool: httpcore.ConnectionPool, url: str, headers: dict[str, str], into: Path, most: int
    ) -> Fetched | str:
        """One request: its answer, or where it redirects to."""
        timeouts = {"connect": self.limits.wait_s, "read": self.limits.wait_s, "write": self.limits.wait_s}
        with pool.stream("GET", url, headers=list(headers.items()), extensions={"timeout": timeouts}) as answer:
            sent = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
            if answer.status in REDIRECTS and sent.get("location"):
                return sent["location"]
            if answer.status != 200:
                return Fetched(url, answer.status)
            size, sha256 = _write(_unpacked(answer.iter_stream(), sent, most), into, most)
        media_type = sent.get("content-type", "").partition(";")[0].strip().lower()[:100]
        tags = sent.get("etag", "")[:300], sent.get("last-modified", "")[:100]
        return Fetched(url, 200, size, sha256, media_type, *tags)

    def _next(self, url: str, location: str) -> str:
        try:
            target = clean_url(urljoin(url, location))
        except (TriptychError, ValueError) as error:
            raise NotFetched("It redirects to something that is no web address.", "Name the address itself.") from error
        if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
            raise NotFetched("It redirects from https to http.", "Name the http address itself, if you trust it.")
        return target


def _write(blocks: Iterator[bytes], into: Path, most: int) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    with into.open("wb") as file:
        for block in blocks:
            size += len(block)
            if size > most:
                raise _too_large(most)
            digest.update(block)
            file.write(block)
    return size, digest.hexdigest()


def _unpacked(blocks: Iterator[bytes], sent: dict[str, str], most: int) -> Iterator[bytes]:
    """The content; gzip is unpacked, never to more than `most` bytes at a time."""
    with suppress(ValueError):
        if int(sent.get("content-length", "0")) > most:
            raise _too_large(most)
    coding = sent.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        yield from blocks
        return
    if coding not in ("gzip", "x-gzip"):
        raise NotFetched(f"It is sent packed as {coding[:20]!r}, which was not asked for.", "Tell its administrator.")
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    for block in blocks:
        try:
            yield unpacking.decompress(block, most + 1)
        except zlib.error as error:
            raise NotFetched("What it sent is damaged.", "Try again later.") from error


def _too_large(most: int) -> NotFetched:
    return NotFetched(f"It is larger than {most / MIB:g} MB.", "Download it and add its parts.")


@contextmanager
def _told() -> Iterator[None]:
    """What keeps an address from being fetched, as a line for people."""
    try:
        yield
    except Refused as error:
        raise NotFetched(f"A redirect was not followed: {error}.", "Name the address itself.") from error
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise NotFetched(_trouble(error), "See whether a browser can open it.") from error


def _trouble(error: Exception) -> str:
    if isinstance(error, httpcore.TimeoutException):
        return "It did not answer in time."
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "Its certificate is not one that this machine trusts."
    if isinstance(error, httpcore.ConnectError):
        return f"It cannot be connected to: {str(error)[:200] or 'no answer'}."
    return f"The connection broke off: {str(error)[:200] or type(error).__name__}."
