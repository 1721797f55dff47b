"""Looks at web addresses: asks each host's robots.txt, then for what has changed since the last time.

An address that is gone (404, 410) is gone; any other trouble is trouble, and what was taken from it stays.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from protego import Protego

from core.ingestion.arriving import why_not_taken
from core.ingestion.parsing.kinds import kind_of
from core.sync.fetching import Fetched, Fetcher, NotFetched
from core.sync.plan import Look, Seen
from storage.rows import SourceItemRow

ROBOTS = "Triptych"
ROBOTS_MOST = 512 * 1024
LONGEST_DELAY_S = 5.0
GONE = (404, 410)
MANY = "It holds many documents. Download it and drop it on the Corpus page."
Keep = Callable[[Path, str], None]
"""Given the file with what was fetched and its sha256."""


class Robots:
    """What hosts allow; asked once a host. A host without robots.txt allows all, one that fails allows nothing."""

    def __init__(self, fetcher: Fetcher, folder: Path) -> None:
        self._fetcher, self._file = fetcher, folder / "robots"
        self._known: dict[str, Protego | str] = {}

    def refusal(self, url: str) -> str:
        """Why an address may not be fetched; "" when it may."""
        rules = self._rules(url)
        if isinstance(rules, str):
            return rules
        return "" if rules.can_fetch(url, ROBOTS) else "Its host does not allow it (robots.txt)."

    def delay_s(self, url: str) -> float:
        """Seconds that the host wants between two requests."""
        rules = self._rules(url)
        return 0.0 if isinstance(rules, str) else min(rules.crawl_delay(ROBOTS) or 0.0, LONGEST_DELAY_S)

    def _rules(self, url: str) -> Protego | str:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._known:
            self._known[origin] = self._ask(f"{origin}/robots.txt")
        return self._known[origin]

    def _ask(self, url: str) -> Protego | str:
        try:
            answer = self._fetcher.get(url, self._file, most=ROBOTS_MOST)
        except NotFetched as error:
            return f"Its host's robots.txt: {error.message}"
        if answer.status >= 500:
            return f"Its host's robots.txt cannot be read ({answer.status}), so nothing is allowed."
        return Protego.parse(self._file.read_text("utf-8", "replace") if answer.status == 200 else "")


def look_at_urls(
    urls: Iterable[str],
    items: Mapping[str, SourceItemRow],
    fetcher: Fetcher,
    folder: Path,
    keep: Keep | None = None,
    check: Callable[[], None] = lambda: None,
) -> Look:
    """Ask for every address.

    Args:
        items: what was taken, by address.
        folder: for what is fetched, until it was looked at.
        keep: called for what is new or changed, before it is thrown away.
        check: called before each address; may raise to end the look.
    """
    robots = Robots(fetcher, folder)
    seen: list[Seen] = []
    unreached: dict[str, str] = {}
    for url in dict.fromkeys(urls):
        check()
        if why := robots.refusal(url):
            unreached[url] = why
            continue
        try:
            answer = _ask(fetcher, url, items.get(url), folder / "page")
            if answer.url != url and (why := robots.refusal(answer.url)):
                unreached[url] = why
            elif answer.status not in (200, 304, *GONE):
                unreached[url] = _said(answer.status)
            elif answer.status not in GONE:
                seen.append(_seen(url, answer, items.get(url), folder / "page", keep))
        except NotFetched as error:
            unreached[url] = error.message
        time.sleep(robots.delay_s(url))
    return Look(tuple(seen), unreached)


def _ask(fetcher: Fetcher, url: str, item: SourceItemRow | None, into: Path) -> Fetched:
    if item is None or item.problem:
        return fetcher.get(url, into)
    return fetcher.get(url, into, item.etag, item.last_modified)


def _seen(url: str, answer: Fetched, item: SourceItemRow | None, page: Path, keep: Keep | None) -> Seen:
    if answer.status == 304 and item is not None:
        return Seen(url, item.size, 0, item.etag, item.last_modified, item.content_sha256)
    kind = kind_of(page, _file_name(url))
    problem = why_not_taken(kind, answer.size) or (MANY if kind == "zip" else "")
    sha256 = "" if problem else answer.sha256
    if keep is not None and sha256 and (item is None or item.content_sha256 != sha256):
        keep(page, sha256)
    return Seen(
        url, answer.size, 0, answer.etag, answer.last_modified, sha256, answer.media_type, problem
    )  # a page has no date that could be trusted more than its content


def _file_name(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


def _said(status: int) -> str:
    if status in (401, 403):
        return f"It asks for a login or refuses us ({status})."
    return f"Its server answered {status}."
