"""Looks at a workspace and says in plain words what is healthy, what was repaired, and what a person must decide.

Rows and files are held against their hashes and against each other; look-ups (full text, vectors) are held against
the rows and, when asked for, made anew from them. Nothing that cannot be made again is ever deleted here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from core import room
from core.errors import TriptychError
from core.finetuning.checkpoints import sha256
from core.keeping.journal import verdict_words
from core.repair import FULL_TEXT, TALK, VECTORS, rebuild_vectors, rebuild_words
from storage import lexical, talk_text
from storage.agreement import differing
from storage.errors import Damaged, NotFound
from storage.jobs import OPEN
from storage.snapshot import integrity

if TYPE_CHECKING:
    from core.workspace import Workspace

State = Literal["healthy", "repaired", "not looked at", "decide"]
STUCK = timedelta(hours=1)
REPAIR = "Run triptych doctor --repair."


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, in a sentence; `remedy` is what to do where a person must decide."""

    what: str
    state: State
    words: str
    remedy: str = ""


def examine(ws: "Workspace", repair: bool = False) -> list[Finding]:
    """Run every check; with `repair`, look-ups that differ from the rows are made anew.

    What the workspace repaired by itself since it was opened is told with what is healthy now.
    A process that does not own the workspace looks at everything but the vectors.
    """
    checks: list[Callable[[Workspace, bool], Iterator[Finding]]] = [
        *(_rows, _uploads, _full_text, _talk, _vectors, _adapters, _audit, _base_models, _jobs, _disk)
    ]
    return [_told(ws, finding) for check in checks for finding in check(ws, repair)]


def repaired(ws: "Workspace") -> list[Finding]:
    """What the workspace repaired by itself since it was opened, without looking at anything."""
    return [Finding(each.what, "repaired", each.words) for each in ws.repaired]


def _told(ws: "Workspace", found: Finding) -> Finding:
    """A finding with what was repaired of the same before, which is no news where something is still wrong."""
    done = [each.words for each in ws.repaired if each.what == found.what]
    if not done or found.state in ("repaired", "decide"):
        return found
    return replace(found, state="repaired", words=f"{done[-1]} {found.words}")


def _rows(ws: "Workspace", _repair: bool) -> Iterator[Finding]:
    if ws.database.dialect != "sqlite":
        yield Finding("Rows", "healthy", "They are on a database server, which looks after them itself.")
    elif wrong := integrity(ws.database.file):
        yield Finding("Rows", "decide", f"The database is damaged: {wrong[0]}.", "Restore the newest backup.")
    else:
        yield Finding("Rows", "healthy", "The database file is whole, and every reference leads to a row.")


def _uploads(ws: "Workspace", _repair: bool) -> Iterator[Finding]:
    wanted, wrong = 0, []
    for hidden in (False, True):
        for corpus in ws.corpora.list(hidden):
            for document in ws.corpora.documents_by_ids(ws.corpora.document_ids(corpus.id)).values():
                wanted += 1
                if not document.original_removed and not _unchanged(ws, document.content_sha256):
                    wrong.append(document.name)
    if wrong:
        names = ", ".join(sorted(wrong)[:5])
        words = f"Of {len(wrong):,} documents the stored file is missing or not what was uploaded: {names}."
        yield Finding("Uploads", "decide", words, "Upload them again, or restore a backup. Their text is still there.")
    else:
        yield Finding("Uploads", "healthy", f"The stored files of all {wanted:,} documents are what was uploaded.")


def _unchanged(ws: "Workspace", content: str) -> bool:
    try:
        return sha256(ws.files.path(content)) == content
    except (NotFound, OSError):
        return False


def _full_text(ws: "Workspace", repair: bool) -> Iterator[Finding]:
    healthy = "It holds the words of every chunk, and no others."
    yield _words(ws, repair, lexical.TABLE, Finding(FULL_TEXT, "healthy", healthy), ws.lexical.in_step)


def _talk(ws: "Workspace", repair: bool) -> Iterator[Finding]:
    healthy = "It holds the words of every question and answer, and no others."
    yield _words(ws, repair, talk_text.TABLE, Finding(TALK, "healthy", healthy), ws.conversations.words_in_step)


def _words(ws: "Workspace", repair: bool, table: str, healthy: Finding, in_step: Callable[[], bool]) -> Finding:
    if ws.running and table in ws.database.damaged - ws.unmended:
        words = "It differed from the rows and is being made anew from them; nothing waits for it."
        return replace(healthy, state="repaired", words=words)
    if in_step():
        return healthy
    if not repair:
        return replace(healthy, state="decide", words="It differs from the rows.", remedy=REPAIR)
    try:
        rebuild_words(ws, table)
        mended = in_step()
    except Damaged:
        mended = False
    if mended:
        return replace(healthy, state="repaired", words="It differed from the rows and was made anew from them.")
    words = "It differs from the rows and cannot be made anew: the database file itself is damaged."
    return replace(healthy, state="decide", words=words, remedy="Restore the newest backup.")


def _vectors(ws: "Workspace", repair: bool) -> Iterator[Finding]:
    if ws.lock is None and not ws.settings.chroma_url:
        words = "Another process has the workspace open; only that one can look."
        yield Finding(VECTORS, "not looked at", words, "Press Examine in its Settings, or stop it first.")
        return
    indexes = ws.corpora.indexes()
    if ws.vectors.distrusted and ws.running:
        words = "They differed from the rows and are being made anew from them; an exact search serves meanwhile."
        yield Finding(VECTORS, "repaired", words)
        return
    wrong = [index for index in indexes if not _found_again(ws, index.collection, index.id)]
    for index in wrong if repair else []:
        rebuild_vectors(ws, index)
    still = [index for index in wrong if not _found_again(ws, index.collection, index.id)]
    if still:
        words = f"{len(still)} of {len(indexes)} indexes differ from the rows."
        remedy = "Stop and start Triptych." if repair else REPAIR
        yield Finding(VECTORS, "decide", words, remedy)
    elif wrong:
        words = f"{len(wrong)} of {len(indexes)} indexes differed from the rows and were made anew from them."
        yield Finding(VECTORS, "repaired", words)
    else:
        yield Finding(VECTORS, "healthy", f"{len(indexes)} indexes find what the rows say.")


def _found_again(ws: "Workspace", collection: str, index_id: int) -> bool:
    """Whether a collection has the very vectors of the rows, and finds the exact nearest of some of them."""
    try:
        if ws.vectors.count(collection) != ws.indexes.count_ready(index_id):
            return False
        return not differing(ws.vectors, ws.indexes, index_id, collection)
    except Exception:  # noqa: BLE001  damage shows itself in every way there is
        return False


def _adapters(ws: "Workspace", _repair: bool) -> Iterator[Finding]:
    rows = [row for corpus in ws.corpora.list() for row in ws.adapters.list(corpus.id) if row.files]
    wrong = []
    for row in rows:
        folder = ws.serving.folder(row) / "adapter"
        if any(not (folder / name).is_file() or sha256(folder / name) != wanted for name, wanted in row.files.items()):
            wrong.append(f"{row.kind} v{row.version}")
    if wrong:
        words = f"The files of {', '.join(wrong[:5])} are missing or not what was learned."
        yield Finding("Adapters", "decide", words, "Restore a backup, or train again.")
    else:
        yield Finding("Adapters", "healthy", f"The files of all {len(rows)} adapters are what was learned.")


def _audit(ws: "Workspace", _repair: bool) -> Iterator[Finding]:
    found = ws.audit.verify()
    if found.whole:
        yield Finding("Audit log", "healthy", verdict_words(found))
    else:
        remedy = "Compare it with a backup; entries are never mended here."
        yield Finding("Audit log", "decide", verdict_words(found), remedy)


def _base_models(ws: "Workspace", _repair: bool) -> Iterator[Finding]:
    from core import models

    try:
        models.verified(models.EMBEDDING)
        models.verified(models.CHAT)
    except TriptychError as error:
        yield Finding("Base models", "decide", error.message, error.remedy)
    else:
        yield Finding("Base models", "healthy", "The two packaged models have their published sha256.")


def _jobs(ws: "Workspace", _repair: bool) -> Iterator[Finding]:
    before = datetime.now(UTC) - STUCK
    jobs = ws.jobs.list(statuses=OPEN, limit=1000)
    stuck = [job for job in jobs if job.status == "running" and job.lease_until and job.lease_until < before]
    if stuck:
        words = f"{len(stuck)} jobs were left by a process that is gone."
        yield Finding("Jobs", "decide", words, "Start Triptych: they go on.")
    else:
        yield Finding("Jobs", "healthy", f"{len(jobs)} jobs wait or are at work; none is stuck.")


def _disk(ws: "Workspace", _repair: bool) -> Iterator[Finding]:
    free = room.free(ws.home)
    if free < room.NEARLY:
        yield Finding("Disk", "decide", f"Only {free / 1e6:,.0f} MB are free.", "Free some: 1 GB should stay free.")
    else:
        yield Finding("Disk", "healthy", f"{free / 1e9:.1f} GB are free.")
