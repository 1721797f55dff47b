"""What a sync would do: what is at a source now, compared with what was taken from it. Pure.

look (folder or web) -> Look -> compare with the items -> Plan -> shown (dry run) or carried out (syncing)
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from storage.recognising import keyed, same
from storage.rows import SourceItemRow

FEW = 10
"""So many vanished files are believed as long as others of the source are still there."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A file or web page that is at the source now.

    Attributes:
        path: below the folder, with forward slashes; or the address.
        size: bytes.
        mtime_ns, etag, last_modified: what tells without reading whether it may have changed.
        sha256: of its content (hex); that of the item where it need not be read. "" when it is not taken.
        media_type: what a server called it; "" for files.
        problem: why it is not taken; "" when it is.
    """

    path: str
    size: int
    mtime_ns: int = 0
    etag: str = ""
    last_modified: str = ""
    sha256: str = ""
    media_type: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a source found.

    Attributes:
        seen: what is there.
        unreached: paths, or beginnings of paths that end in "/", of which nothing could be learned, and why.
            What was taken from there stays as it is.
        waiting: paths that are still being written.
        links: how many symbolic links were not followed.
    """

    seen: tuple[Seen, ...]
    unreached: Mapping[str, str]
    waiting: tuple[str, ...] = ()
    links: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done so that the corpus is level with the source.

    Attributes:
        added, changed: to be taken.
        again: to be taken once more though they are the same, and for the reason that `due` has.
        moved: was `path`, is now the `Seen`: the same content under another name.
        removed: gone from the source.
        left_out: there, but not taken, and why.
        refreshed: the same content, though its date or tag is another.
        unchanged: how many are as they were.
        withheld: more is gone than is believed without asking: `removed` is not carried out.
        unreached, waiting, links: as in `Look`.
        due: why a path is to be taken even if nothing about it changed.
        here: of those to be taken, the content that the corpus has already, and the name of its document.
        replaces: of those to be taken, the paths whose document takes the place of one that is not of this source.
    """

    added: tuple[Seen, ...]
    changed: tuple[Seen, ...]
    moved: tuple[tuple[str, Seen], ...]
    removed: tuple[SourceItemRow, ...]
    left_out: tuple[Seen, ...]
    refreshed: tuple[Seen, ...]
    again: tuple[Seen, ...]
    unchanged: int
    withheld: bool
    unreached: Mapping[str, str]
    waiting: tuple[str, ...]
    links: int
    due: Mapping[str, str] = field(default_factory=dict)
    here: Mapping[str, str] = field(default_factory=dict)
    replaces: frozenset[str] = frozenset()

    @property
    def arriving(self) -> tuple[Seen, ...]:
        """What is to be taken, in the order in which it is."""
        return (*self.changed, *self.added, *self.again)

    @property
    def work(self) -> bool:
        """Whether there is anything for a sync to do; other dates and tags are noted without one."""
        news = (self.arriving, self.moved, self.left_out)
        return any(news) or bool(self.removed and not self.withheld)

    @property
    def problem(self) -> tuple[str, str]:
        """What stands in the way, in one line, and its remedy; two empty texts when nothing does."""
        if self.withheld:
            gone = "All files are" if not self.unchanged else f"{len(self.removed)} files are"
            return f"{gone} gone from the source at once, so nothing was removed.", (
                "If that is right, look at the dry run and agree to it; else bring the files back."
            )
        if self.unreached:
            path, why = next(iter(self.unreached.items()))
            more = f" (and {len(self.unreached) - 1} more)" if len(self.unreached) > 1 else ""
            return f"{path}{more}: {why}", "What was taken from there stays until it can be reached."
        return "", ""


def compare(
    items: Mapping[str, SourceItemRow], look: Look, agreed: int = 0, due: Mapping[str, str] | None = None
) -> Plan:
    """What is new, changed, moved or gone.

    Args:
        items: what was taken, by path.
        agreed: so many removals a person has seen and agreed to.
        due: paths that are taken even if nothing about them changed, and why.
    """
    due = due or {}
    found: dict[str, list[Seen]] = defaultdict(list)
    for seen in look.seen:
        found[_verdict(items.get(seen.path), seen, seen.path in due)].append(seen)
    there = {seen.path for seen in look.seen} | set(look.waiting)
    removed = [item for path, item in items.items() if path not in there and not _unreached(path, look.unreached)]
    moved, added = _moves(removed, found["added"])
    came_from = {path for path, _ in moved}
    gone = tuple(item for item in removed if item.path not in came_from)
    return Plan(
        added=tuple(added),
        changed=tuple(found["changed"]),
        moved=tuple(moved),
        removed=gone,
        left_out=tuple(found["left out"]),
        refreshed=tuple(found["refreshed"]),
        again=tuple(found["again"]),
        unchanged=len(found["unchanged"]),
        withheld=len(gone) > agreed and _too_many(len(gone), len(items)),
        unreached=look.unreached,
        waiting=look.waiting,
        links=look.links,
        due={seen.path: due[seen.path] for seen in found["again"]},
    )


def _verdict(item: SourceItemRow | None, seen: Seen, due: bool) -> str:
    if seen.problem:
        return (
            "unchanged" if item is not None and item.problem == seen.problem and _same_date(item, seen) else "left out"
        )
    if item is None or not item.content_sha256:
        return "added"
    if not same(item.content_sha256, seen.sha256):
        return "changed"
    if due:
        return "again"
    return "unchanged" if _same_date(item, seen) and not item.problem else "refreshed"


def _same_date(item: SourceItemRow, seen: Seen) -> bool:
    now = (seen.size, seen.mtime_ns, seen.etag, seen.last_modified)
    return (item.size, item.mtime_ns, item.etag, item.last_modified) == now


def _unreached(path: str, unreached: Mapping[str, str]) -> bool:
    return path in unreached or any(each.endswith("/") and path.startswith(each) for each in unreached)


def _too_many(removed: int, known: int) -> bool:
    """Whether so much is gone that a share that is not mounted, or a server gone astray, is likelier than intent."""
    return removed > 0 and (removed == known or (removed > FEW and removed * 2 > known))


def _moves(removed: list[SourceItemRow], added: list[Seen]) -> tuple[list[tuple[str, Seen]], list[Seen]]:
    """Pairs of a vanished path and a new one with the same content; and what is new besides."""
    by_content: dict[str, list[SourceItemRow]] = defaultdict(list)
    for item in removed:
        if item.document_id is not None:
            by_content[item.content_sha256].append(item)
    moved: list[tuple[str, Seen]] = []
    new: list[Seen] = []
    for seen in added:
        held = by_content.get(seen.sha256) or by_content.get(keyed(seen.sha256))
        if held:
            moved.append((held.pop(0).path, seen))
        else:
            new.append(seen)
    return moved, new
