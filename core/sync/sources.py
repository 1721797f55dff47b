"""What a person does with sources: add, look (dry run), sync now, set up, pause, remove."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from core.errors import BadInput, Conflict, NotFound
from core.ingestion import intake
from core.sync import labels, leaving
from core.sync.folder import walk
from core.sync.looking import replaced
from core.sync.naming import clean_url
from storage.errors import NotFound as NoRow
from storage.jobs import OPEN
from storage.rows import SourceRow

if TYPE_CHECKING:
    from core.workspace import Workspace

OnRemoval = Literal["keep", "remove", "erase"]
"""What becomes of a document whose file is gone; `erase`: what was made of it goes too (`storage.traces`)."""


class Settings(TypedDict):
    """What a person chooses for a source."""

    every_minutes: int
    on_removal: OnRemoval


MOST_URLS = 500
LONGEST_PAUSE = 7 * 24 * 60
PATIENCE_S = 15.0


def add_folder(
    ws: "Workspace",
    corpus_id: int,
    folder: Path | str,
    *,
    on_removal: OnRemoval = "keep",
    every_minutes: int = 10,
    added_by: str = "",
) -> SourceRow:
    """Add a folder as a source, paused until it is resumed or synced.

    Raises:
        BadInput: it is no folder, or one that cannot be watched. Conflict: the corpus watches it already.
        NotFound: there is no such corpus.
    """
    path = Path(folder).expanduser()
    if not str(folder).strip() or not path.is_absolute():
        raise BadInput("Give the whole path of the folder.", "It begins with / (or ~).")
    if not path.is_dir():
        raise BadInput(f"There is no folder {path} on the machine that runs Triptych.", "See how it is spelt there.")
    path = path.resolve()
    if path == path.parent or path.is_relative_to(ws.home):
        raise BadInput(f"{path} cannot be watched.", "Name the folder that holds your documents.")
    found = walk(path, ws.home)  # raises Unreachable where it cannot be listed
    for other in _of_corpus(ws, corpus_id, "folder"):
        theirs = Path(other.location["path"])
        if path.is_relative_to(theirs) or theirs.is_relative_to(path):
            raise Conflict(f"This corpus watches {theirs} already.", "Watch another folder, or remove that one first.")
    label = labels.free(ws, corpus_id, path, found.files)
    return ws.sources.add(
        corpus_id,
        "folder",
        {"path": str(path)},
        label=label,
        on_removal=on_removal,
        every_minutes=_minutes(every_minutes),
        added_by=added_by,
    )


def add_urls(
    ws: "Workspace",
    corpus_id: int,
    urls: Sequence[str],
    *,
    on_removal: OnRemoval = "keep",
    every_minutes: int = 60,
    added_by: str = "",
) -> SourceRow:
    """Add web addresses as one source, paused until it is resumed or synced; only these are ever asked for.

    Those that the corpus follows already (`addresses` says which) are left out.

    Raises:
        BadInput: one is no web address, or there are none or too many. Conflict: the corpus has all of them already.
        NotFound: there is no such corpus.
    """
    return ws.sources.add(
        corpus_id,
        "urls",
        {"urls": addresses(ws, corpus_id, urls)[0]},
        on_removal=on_removal,
        every_minutes=_minutes(every_minutes),
        added_by=added_by,
    )


def addresses(
    ws: "Workspace", corpus_id: int, lines: Sequence[str], but: int | None = None
) -> tuple[list[str], list[str]]:
    """What a list of addresses comes to: those that a source may follow, and those that other sources follow already.

    Args:
        but: the source whose list it is to be.

    Raises:
        BadInput, Conflict, NotFound: as in `add_urls`.
    """
    wanted = list(dict.fromkeys(clean_url(url) for url in lines if url.strip()))
    others = [source for source in _of_corpus(ws, corpus_id, "urls") if source.id != but]
    known = {url for source in others for url in source.location["urls"]}
    new = [url for url in wanted if url not in known]
    if not wanted or len(new) > MOST_URLS:
        raise BadInput(f"Give 1 to {MOST_URLS} web addresses, one a line.")
    if not new:
        raise Conflict("This corpus follows these addresses already.", "Press Sync now to have them read again.")
    return new, [url for url in wanted if url in known]


def sync_now(ws: "Workspace", source_id: int, agreed: int = 0) -> int:
    """Queue a sync of a source at once and go on following it; returns the job's id.

    Args:
        agreed: so many removals the person has seen in a dry run.

    Raises:
        NotFound: the source was removed.
    """
    try:
        ws.sources.change(source_id, enabled=True)
        job_id = ws.sources.request(source_id, {"agreed": agreed, "again": True})
    except NoRow as error:
        raise NotFound("This source was removed.", "Add it again.") from error
    ws.wake()
    return job_id


def deleted_here(ws: "Workspace", source: SourceRow) -> list[str]:
    """The paths of files whose documents a person deleted; a sync leaves them alone until they change."""
    bare = {item.path: item for item in ws.sources.bare(source.id)}
    due = replaced(ws, source, bare) if bare else {}
    return [path for path in bare if path not in due]


def take_again(ws: "Workspace", source_id: int, paths: Sequence[str]) -> int:
    """Bring documents back that a person deleted, with a sync at once; returns how many files. Raises NotFound."""
    try:
        count = ws.sources.take_again(source_id, paths)
        if count:
            ws.sources.request(source_id, {"again": True})
    except NoRow as error:
        raise NotFound("This source was removed.", "Add it again.") from error
    ws.wake()
    return count


def set_up(
    ws: "Workspace",
    source_id: int,
    *,
    enabled: bool | None = None,
    every_minutes: int | None = None,
    on_removal: OnRemoval | None = None,
    urls: Sequence[str] | None = None,
) -> None:
    """Pause or resume a source, or change when it is looked at, what becomes of vanished files, and its addresses.

    An address that leaves the list is gone from the source at the next sync, as a file is that was removed.

    Raises:
        NotFound: the source was removed. BadInput, Conflict: the addresses are none (`add_urls`).
    """
    wanted: dict[str, Any] = {"enabled": enabled, "every_minutes": every_minutes, "on_removal": on_removal}
    if every_minutes is not None:
        wanted["every_minutes"] = _minutes(every_minutes)
    try:
        if urls is not None:
            corpus_id = ws.sources.get(source_id).corpus_id
            wanted["location"] = {"urls": addresses(ws, corpus_id, urls, but=source_id)[0]}
        ws.sources.change(source_id, **{name: value for name, value in wanted.items() if value is not None})
    except NoRow as error:
        raise NotFound("This source was removed.", "Add it again.") from error
    if ws.running:
        ws.watch.wake()


def remove(ws: "Workspace", source_id: int, documents: OnRemoval) -> None:
    """Stop following a source for good; its documents are kept, or deleted unless another source has them too.

    Args:
        documents: `erase` deletes what was made of them as well.
    """
    try:
        source = ws.sources.get(source_id)
    except NoRow:
        return
    ws.sources.change(source_id, enabled=False)
    _end_jobs(ws, source)
    if documents != "keep":
        ids = leaving.documents(ws, ws.sources.items(source_id).values())
        intake.delete_documents(ws, ids, erase=documents == "erase")
    ws.sources.remove(source_id)


def _end_jobs(ws: "Workspace", source: SourceRow) -> None:
    """Cancel a source's jobs and wait for the running step of one."""

    def under_way() -> list[int]:
        jobs = ws.jobs.list(source.corpus_id, OPEN, limit=1000)
        return [job.id for job in jobs if job.kind == "sync" and job.payload.get("source_id") == source.id]

    for job_id in under_way():
        ws.jobs.request_cancel(job_id)
    ws.wake()
    until = time.monotonic() + PATIENCE_S
    while ws.running and under_way() and time.monotonic() < until:
        time.sleep(0.05)


def _of_corpus(ws: "Workspace", corpus_id: int, kind: str) -> list[SourceRow]:
    try:
        ws.corpora.get(corpus_id)
    except NoRow as error:
        raise NotFound("That corpus does not exist any more.", "Choose another one.") from error
    return [source for source in ws.sources.list(corpus_id) if source.kind == kind]


def _minutes(value: int) -> int:
    if not 1 <= value <= LONGEST_PAUSE:
        raise BadInput(f"A source is looked at every 1 to {LONGEST_PAUSE:,} minutes.", "Choose a number in between.")
    return value
