"""One look at one source, whatever its kind, compared with what was taken and with what the corpus has: the dry run."""

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.sync.fetching import Fetcher
from core.sync.folder import look_at_folder
from core.sync.naming import document_name
from core.sync.plan import Look, Plan, Seen, compare
from core.sync.rereading import says_the_same
from core.sync.web import Keep, look_at_urls
from storage.admission import Arrival
from storage.recognising import same
from storage.rows import SourceItemRow, SourceRow

if TYPE_CHECKING:
    from core.workspace import Workspace

FAILED = "its document failed before"
REPLACED = "another document took the place of its own"
SAME_NAME = "Its name is the same as another's but for signs that do not show. Rename it."
OTHERS = "Another source of this corpus has a document of that name. Stop following one of the two."
Items = Mapping[str, SourceItemRow]


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
        again: try once more what could not be taken and what failed, as *Sync now* does.
        keep: given the content of pages that are new or changed; without it, it is thrown away.
        check: called now and then; may raise to end the look.
        told: told what a look at web addresses waits for.

    Raises:
        Unreachable: a folder cannot be listed; the message says why.
    """
    items = ws.sources.items(source.id)
    due = replaced(ws, source, items)
    if again:
        due |= dict.fromkeys(ws.sources.failed(source.id), FAILED)
    if source.kind == "folder":
        root = Path(source.location["path"])
        found = look_at_folder(root, items, ws.home, time.time(), again, due)
    else:
        with tempfile.TemporaryDirectory(dir=ws.scratch) as folder:
            found = look_at_urls(
                source.location["urls"],
                items,
                Fetcher(),
                Path(folder),
                keep,
                check,
                told,
                due,
                partial(says_the_same, ws, source),
            )
    return _foreseen(ws, source, items, compare(items, _told_apart(ws, source, items, found), agreed, due))


def replaced(ws: "Workspace", source: SourceRow, items: Items) -> dict[str, str]:
    """The paths whose document is gone because another came under its name, and why they are due.

    A document that a person deleted is gone as well, but left no other in its place, so that it stays away. Copies of
    a file shared its document, and are due with it.
    """
    bare = [item for item in items.values() if item.document_id is None and item.content_sha256 and not item.problem]
    taken = ws.corpora.ids_of_names(source.corpus_id, (document_name(source, item.path) for item in bare))
    contents = {item.content_sha256 for item in bare if document_name(source, item.path) in taken}
    return {item.path: REPLACED for item in bare if item.content_sha256 in contents}


def _told_apart(ws: "Workspace", source: SourceRow, items: Items, found: Look) -> Look:
    """The look without files whose documents would replace each other, or those of another source, for ever."""
    pairs = [(document_name(source, each.path), each) for each in sorted(found.seen, key=lambda each: each.path)]
    named: dict[str, Seen] = {}
    for name, each in pairs:
        named.setdefault(name, each)
    new = {name: each for name, each in named.items() if _bare(items.get(each.path)) and not each.problem}
    theirs = _of_others(ws, source, new)
    seen: list[Seen] = []
    for name, each in pairs:
        problem = SAME_NAME if named[name] is not each else OTHERS if name in theirs else ""
        seen.append(Seen(each.path, each.size, each.mtime_ns, problem=problem) if problem else each)
    return Look(tuple(seen), found.unreached, found.waiting, found.links)


def _bare(item: SourceItemRow | None) -> bool:
    return item is None or item.document_id is None


def _of_others(ws: "Workspace", source: SourceRow, new: Mapping[str, Seen]) -> set[str]:
    """Those of the names whose documents stand for files of other sources, and have other contents."""
    ids = ws.corpora.ids_of_names(source.corpus_id, new)
    holders = ws.sources.holders(each for of_name in ids.values() for each in of_name)
    others = {key for key, items in holders.items() if any(item.source_id != source.id for item in items)}
    documents = ws.corpora.documents_by_ids(others).values()
    return {row.name for row in documents if not same(row.content_sha256, new[row.name].sha256)}


def _foreseen(ws: "Workspace", source: SourceRow, items: Items, plan: Plan) -> Plan:
    """The plan with what will become of what is taken: is its content here already, does it replace a document?"""
    arrivals = [Arrival(document_name(source, each.path), each.sha256, each.size) for each in plan.arriving]
    if not arrivals:
        return plan
    here: dict[str, str] = {}
    replaces: set[str] = set()
    for each, (verdict, of) in zip(plan.arriving, ws.documents.foresee(source.corpus_id, arrivals), strict=True):
        if verdict in ("unchanged", "duplicate"):
            here[each.path] = of
        elif verdict == "replaced" and _bare(items.get(each.path)):
            replaces.add(each.path)
    return replace(plan, here=here, replaces=frozenset(replaces))
