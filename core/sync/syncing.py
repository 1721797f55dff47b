"""The sync job: makes a corpus level with a source.

    look -> moved: renamed -> gone: deleted or kept, as the source says -> new and changed: stored and admitted

Admission queues the index job, which makes them answerable. Every step is a transaction that may be done twice, and
the next look finds what is left, so the job may be killed anywhere.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.finetuning import forgetting, registry
from core.ingestion import intake
from core.sync import leaving
from core.sync.folder import SETTLE_S, Unsettled, opened
from core.sync.looking import look
from core.sync.naming import document_name
from core.sync.plan import Plan, Seen
from storage.admission import Arrival
from storage.errors import NotFound, Vanished
from storage.rows import AdapterRow, JobRow, SourceItemRow, SourceRow
from storage.sources import Taken

if TYPE_CHECKING:
    from core.jobs.lease import Lease
    from core.workspace import Workspace

AT_ONCE = 50
"""Files stored and admitted together: few enough to be answerable soon, many enough to share an index job."""
KEEPS = "keeps what it learned from deleted documents"
"""What a sync says of adapters, in the message that its job ends with."""
LOOKS = 15
"""How often the job looks again at files that are still being written, before it leaves them to the next sync."""


@dataclass(frozen=True, slots=True)
class Sync:
    """What the steps of one attempt share; `learners` keep what they learned from documents that it deleted."""

    ws: "Workspace"
    lease: "Lease"
    source: SourceRow
    learners: dict[int, AdapterRow] = field(default_factory=dict)

    @property
    def job(self) -> JobRow:
        """The claimed job."""
        return self.lease.job


def run(ws: "Workspace", lease: "Lease") -> None:
    """Sync the source of a claimed job; safe to call again after being killed anywhere."""
    try:
        source = ws.sources.get(int(lease.job.payload["source_id"]))
    except NotFound:
        return
    sync = Sync(ws, lease, source)
    ws.jobs.say(lease.job, f"looking at {where(source)}")
    for number in range(LOOKS):
        plan = _look(sync, again=number == 0 and bool(lease.job.payload.get("again")))
        carry_out(sync, plan)
        if not plan.waiting:
            break
        ws.jobs.say(lease.job, f"waiting for {len(plan.waiting)} files that are still being written")
        _wait(lease)
    if sync.learners:
        ws.jobs.say(lease.job, f"{KEEPS}: {registry.told(sync.learners.values())}")
    problem, remedy = plan.problem
    if plan.waiting and not problem:
        problem, remedy = f"{len(plan.waiting)} files are being written all the time.", "They come when they rest."
    ws.sources.ran(lease.job, source.id, problem, remedy)


def give_up(ws: "Workspace", job: JobRow, reason: str) -> None:
    """Say on the source why its sync failed; what was taken stays taken."""
    if reason:
        ws.sources.ran(job, int(job.payload["source_id"]), reason)


def where(source: SourceRow) -> str:
    """A source in a few words."""
    if source.kind == "folder":
        return str(source.location["path"])
    urls = source.location["urls"]
    return str(urls[0]) if len(urls) == 1 else f"{len(urls)} addresses"


def _look(sync: Sync, again: bool) -> Plan:
    """Raises Unreachable, which ends the job: it says what to do, and nothing was removed."""
    keep = partial(_keep, sync.ws)
    agreed = int(sync.job.payload.get("agreed", 0))
    told = partial(sync.ws.jobs.say, sync.job)
    return look(sync.ws, sync.source, agreed=agreed, again=again, keep=keep, check=sync.lease.check, told=told)


def _keep(ws: "Workspace", page: Path, _sha256: str) -> None:
    ws.files.put(page)


def carry_out(sync: Sync, plan: Plan) -> None:
    """Do what the plan says, in an order in which nothing that is still there is ever without its document."""
    _move(sync, plan)
    if not plan.withheld:
        _remove(sync, plan.removed)
    _part_company(sync, plan)
    arriving, done = plan.arriving, 0
    for start in range(0, len(arriving), AT_ONCE):
        sync.lease.check()
        part = arriving[start : start + AT_ONCE]
        _take(sync, part)
        done += len(part)
        sync.ws.jobs.progress(sync.job, done, len(arriving), f"{done} of {len(arriving)} files")
    known = sync.ws.sources.items(sync.source.id) if plan.refreshed or plan.left_out else {}
    noted = [_as_taken(seen, known.get(seen.path)) for seen in (*plan.refreshed, *plan.left_out)]
    sync.ws.sources.record(sync.job, sync.source.id, noted)


def _move(sync: Sync, plan: Plan) -> None:
    """Give documents of moved files their new names; nothing is embedded again, nothing made of them lost."""
    if not plan.moved:
        return
    items = sync.ws.sources.items(sync.source.id)
    names = {items[path].document_id: document_name(sync.source, seen.path) for path, seen in plan.moved}
    _rename(sync, {key: name for key, name in names.items() if key is not None})
    sync.ws.sources.record(sync.job, sync.source.id, [_as_taken(seen, items[path]) for path, seen in plan.moved])
    sync.ws.sources.forget(sync.job, sync.source.id, [path for path, _ in plan.moved])


def _remove(sync: Sync, gone: Sequence[SourceItemRow]) -> None:
    """Take the documents of vanished files away, unless the source keeps them or another file has the same content."""
    sync.lease.check()
    if sync.source.on_removal != "keep":
        sync.learners.update({row.id: row for row in leaving.learners(sync.ws, sync.source, gone)})
        alone = _given_to_others(sync, gone)
        intake.delete_documents(sync.ws, alone, erase=sync.source.on_removal == "erase")
    if gone:
        sync.ws.sources.forget(sync.job, sync.source.id, [item.path for item in gone])


def _part_company(sync: Sync, plan: Plan) -> None:
    """A changed file whose document also stands for another file leaves it to that one, and gets one of its own."""
    changed = {seen.path for seen in plan.changed}
    if changed:
        items = sync.ws.sources.items(sync.source.id).values()
        _given_to_others(sync, [item for item in items if item.path in changed])


def _given_to_others(sync: Sync, leaving: Iterable[SourceItemRow]) -> list[int]:
    """Name documents after the files that still have their content; returns the documents that nobody else has."""
    leaving = list(leaving)
    ids = {item.document_id for item in leaving if item.document_id is not None}
    away = {item.id for item in leaving}
    sources = {source.id: source for source in sync.ws.sources.list(sync.source.corpus_id)}
    names, alone = {}, []
    for document_id, holders in sync.ws.sources.holders(ids).items():
        heirs = [item for item in holders if item.id not in away]
        if heirs:
            names[document_id] = document_name(sources[heirs[0].source_id], heirs[0].path)
        else:
            alone.append(document_id)
    _rename(sync, names)
    return alone


def _rename(sync: Sync, names: dict[int, str]) -> None:
    """Name documents, with all that is kept by their names: in rows, and in the folders of adapters."""
    if names:
        sync.ws.sources.rename_documents(sync.job, names, partial(forgetting.follow, sync.ws))


def _take(sync: Sync, part: Sequence[Seen]) -> None:
    """Store the content of files and have it admitted; a file that changes meanwhile is left to the next look."""
    stored = [(seen, sha256) for seen in part if (sha256 := _stored(sync, seen))]
    arrivals = [
        Arrival(
            name=document_name(sync.source, seen.path),
            content_sha256=sha256,
            size_bytes=seen.size,
            source=seen.path if sync.source.kind == "urls" else "",
            media_type=seen.media_type,
            added_by=sync.source.added_by,
        )
        for seen, sha256 in stored
    ]
    try:
        verdicts, _ = sync.ws.documents.admit(sync.source.corpus_id, arrivals)
    except Vanished:
        return
    sync.ws.wake()
    taken = [
        Taken(seen.path, seen.size, seen.mtime_ns, seen.etag, seen.last_modified, sha256, verdict.document_id)
        for (seen, sha256), verdict in zip(stored, verdicts, strict=True)
    ]
    sync.ws.sources.record(sync.job, sync.source.id, taken)


def _stored(sync: Sync, seen: Seen) -> str:
    """The sha256 of the content, which is stored now; "" when it is not what was seen any more."""
    if sync.source.kind == "urls":
        return seen.sha256 if sync.ws.files.exists(seen.sha256) else ""
    try:
        with opened(Path(sync.source.location["path"]), seen.path) as file:
            sha256 = sync.ws.files.put(file)
    except (OSError, Unsettled):
        return ""
    return sha256 if sha256 == seen.sha256 else ""


def _as_taken(seen: Seen, item: SourceItemRow | None) -> Taken:
    """A file that was not read again: its document, if there is one, stays."""
    sha256 = seen.sha256 or (item.content_sha256 if item else "")
    document_id = item.document_id if item else None
    dates = seen.mtime_ns, seen.etag, seen.last_modified
    return Taken(seen.path, seen.size, *dates, sha256, document_id, seen.problem)


def _wait(lease: "Lease") -> None:
    until = time.monotonic() + SETTLE_S / 2
    while time.monotonic() < until:
        lease.check()
        time.sleep(0.1)
