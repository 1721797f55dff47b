"""One look at one source, whatever its kind, compared with what was taken: the dry run."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from core.sync.fetching import Fetcher
from core.sync.folder import look_at_folder
from core.sync.naming import document_name
from core.sync.plan import Look, Plan, Seen, compare
from core.sync.web import Keep, look_at_urls
from storage.rows import SourceRow

if TYPE_CHECKING:
    from core.workspace import Workspace


def look(
    ws: "Workspace",
    source: SourceRow,
    *,
    agreed: int = 0,
    again: bool = False,
    keep: Keep | None = None,
    check: Callable[[], None] = lambda: None,
    told: Callable[[str], None] = lambda _: None,
) -> Plan:
    """What a sync of the source would do now; writes nothing.

    Args:
        agreed: so many removals a person has seen and agreed to.
        again: look again at files that could not be taken.
        keep: given the content of pages that are new or changed; without it, it is thrown away.
        check: called now and then; may raise to end the look.
        told: told what a look at web addresses waits for.

    Raises:
        Unreachable: a folder cannot be listed; the message says why.
    """
    items = ws.sources.items(source.id)
    if source.kind == "folder":
        root = Path(source.location["path"])
        found = look_at_folder(root, items, ws.home, time.time(), again)
    else:
        with tempfile.TemporaryDirectory(dir=ws.scratch) as folder:
            found = look_at_urls(source.location["urls"], items, Fetcher(), Path(folder), keep, check, told)
    return compare(items, _told_apart(source, found), agreed)


def _told_apart(source: SourceRow, found: Look) -> Look:
    """The look without files whose names come to the same when they are made safe: they would replace each other."""
    names: dict[str, str] = {}
    seen: list[Seen] = []
    for each in sorted(found.seen, key=lambda each: each.path):
        first = names.setdefault(document_name(source, each.path), each.path)
        if first != each.path:
            each = Seen(each.path, each.size, each.mtime_ns, problem="Its name is the same as another's but for signs "
                        "that do not show. Rename it.")  # fmt: skip
        seen.append(each)
    return Look(tuple(seen), found.unreached, found.waiting, found.links)
