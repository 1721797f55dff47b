"""Looks at web addresses: asks each host's robots.txt, then for what has changed since the last time.

An address that is gone (404, 410) is gone; any other trouble is trouble, and what was taken from it stays.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from core.ingestion.arriving import why_not_taken
from core.ingestion.parsing.kinds import kind_of
from core.sync.fetching import Fetched, Fetcher, NotFetched
from core.sync.plan import Look, Seen
from core.sync.robots import Robots
from storage.recognising import same
from storage.rows import SourceItemRow

GONE = (404, 410)
MANY = "It holds many documents. Download it and drop it on the Corpus page."
Keep = Callable[[Path, str], None]
"""Given the file with what was fetched and its sha256."""
Alike = Callable[[Path, str, SourceItemRow], bool]
"""Given the file with what was fetched, its media type, and the item: whether it says what it said, in other bytes."""


def look_at_urls(
    urls: Iterable[str],
    items: Mapping[str, SourceItemRow],
    fetcher: Fetcher,
    folder: Path,
    keep: Keep | None = None,
    check: Callable[[], None] = lambda: None,
    told: Callable[[str], None] = lambda _: None,
    due: Container[str] = (),
    alike: Alike = lambda *_: False,
) -> Look:
    """Ask for every address, and for none that its host does not allow, nor sooner than it wants.

    Args:
        items: what was taken, by address.
        folder: for what is fetched, until it was looked at.
        keep: called for what is new or changed, before it is thrown away.
        check: called before each address and while waiting; may raise to end the look.
        told: told what is waited for.
        due: addresses whose content is wanted even if it is as it was.
        alike: asked about a page whose bytes are others; one that says the same is unchanged.
    """
    robots = Robots(fetcher, folder, check, told)
    seen: list[Seen] = []
    unreached: dict[str, str] = {}
    for url in dict.fromkeys(urls):
        check()
        try:
            known = None if url in due else items.get(url)
            answer = _ask(fetcher, url, known, folder / "page", robots)
            if answer.status not in (200, 304, *GONE):
                unreached[url] = _said(answer.status)
            elif answer.status not in GONE:
                seen.append(_seen(url, answer, known, folder / "page", keep, alike))
        except NotFetched as error:
            unreached[url] = error.message
    return Look(tuple(seen), unreached)


def _ask(fetcher: Fetcher, url: str, item: SourceItemRow | None, into: Path, robots: Robots) -> Fetched:
    if item is None or item.problem:
        return fetcher.get(url, into, before=robots.let)
    return fetcher.get(url, into, item.etag, item.last_modified, before=robots.let)


def _seen(url: str, answer: Fetched, item: SourceItemRow | None, page: Path, keep: Keep | None, alike: Alike) -> Seen:
    if answer.status == 304 and item is not None:
        return Seen(url, item.size, 0, item.etag, item.last_modified, item.content_sha256)
    kind = kind_of(page, _file_name(url))
    problem = why_not_taken(kind, answer.size) or (MANY if kind == "zip" else "")
    sha256 = "" if problem else answer.sha256
    other = bool(sha256) and (item is None or not same(item.content_sha256, sha256))
    if other and item is not None and alike(page, answer.media_type, item):
        return Seen(url, item.size, 0, answer.etag, answer.last_modified, item.content_sha256, answer.media_type)
    if keep is not None and other:
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
