"""What hosts allow and how often they want to be asked, as their robots.txt says (RFC 9309, and Crawl-delay).

A host is asked for its rules once a look; when it was asked for a page last is remembered for as long as the process
lives, whichever source that was for. Knows nothing of pages.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from protego import Protego

from core.sync.fetching import Fetcher, NotFetched

NAME = "Triptych"
MOST = 512 * 1024
LONGEST_DELAY_S = 60.0
"""A host that wants a longer pause between two pages is left out, and that is said: nobody waits for such a sync."""
LOOK_S = 0.2


class Pace:
    """Turns at hosts, shared by all threads."""

    def __init__(self) -> None:
        self._free: dict[str, float] = {}
        self._lock = threading.Lock()

    def turn(self, host: str, pause_s: float, now: float) -> float:
        """Take the next turn at a host; returns the seconds until it comes.

        Args:
            pause_s: seconds that the host wants between two turns.
            now: of the monotonic clock.
        """
        with self._lock:
            at = max(now, self._free.get(host, now))
            self._free[host] = at + pause_s
            return at - now


PACE = Pace()


class Robots:
    """Asked before every request. A host without robots.txt allows all, one that fails allows nothing."""

    def __init__(
        self,
        fetcher: Fetcher,
        folder: Path,
        check: Callable[[], None] = lambda: None,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`check` is called while waiting and may raise to end it; `told` is told of a wait before it begins."""
        self._fetcher, self._file = fetcher, folder / "robots"
        self._check, self._told = check, told
        self._known: dict[tuple[str, str], Protego | str] = {}

    def refusal(self, url: str, kind: str = "") -> str:
        """Why an address may not be fetched; "" when it may.

        Args:
            kind: of host that it has to be at, where a redirect leads to it: elsewhere not even this is asked for.
        """
        rules = self._rules(url, kind)
        if isinstance(rules, str):
            return rules
        if not rules.can_fetch(url, NAME):
            return "Its host does not allow it (robots.txt)."
        pause = rules.crawl_delay(NAME) or 0.0
        if pause > LONGEST_DELAY_S:
            return (
                f"Its host wants {pause:,.0f} s between two pages (robots.txt), and {LONGEST_DELAY_S:.0f} s is the "
                "longest that is waited. Download it and drop it on the Corpus page."
            )
        return ""

    def let(self, url: str, kind: str = "") -> None:
        """Wait until an address may be fetched; raises NotFetched when it may not. `kind` as for `refusal`."""
        if why := self.refusal(url, kind):
            raise NotFetched(why)
        rules = self._rules(url, kind)
        pause = 0.0 if isinstance(rules, str) else rules.crawl_delay(NAME) or 0.0
        left = PACE.turn(_origin(url), pause, time.monotonic())
        until = time.monotonic() + left
        if left > LOOK_S:
            self._told(f"waiting: {urlsplit(url).netloc} wants {pause:g} s between two pages (robots.txt)")
        while (left := until - time.monotonic()) > 0:
            self._check()
            time.sleep(min(left, LOOK_S))

    def _rules(self, url: str, kind: str) -> Protego | str:
        host = _origin(url), kind
        if (host[0], "") in self._known:
            return self._known[host[0], ""]
        if host not in self._known:
            self._known[host] = self._ask(f"{host[0]}/robots.txt", kind)
        return self._known[host]

    def _ask(self, url: str, kind: str) -> Protego | str:
        try:
            answer = self._fetcher.get(url, self._file, most=MOST, kind=kind)
        except NotFetched as error:
            return f"Its host's robots.txt: {error.message}"
        if answer.status >= 500:
            return f"Its host's robots.txt cannot be read ({answer.status}), so nothing is allowed."
        return Protego.parse(self._file.read_text("utf-8", "replace") if answer.status == 200 else "")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
