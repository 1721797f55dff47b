"""`triptych watch` and `triptych sync`: what would change, then the change, waited for."""

import json
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.commands.agreeing import NOT_DONE, agreed
from core.commands.following import Line, follow
from core.commands.index import open_workspace
from core.commands.terminal import say
from core.errors import BadInput, TriptychError
from core.finetuning import registry
from core.settings import Settings
from core.sync import leaving, sources
from core.sync.looking import look
from core.sync.plan import Plan
from core.sync.sources import OnRemoval
from core.sync.syncing import KEEPS, where
from storage.jobs import OPEN
from storage.rows import AdapterRow, CorpusRow, SourceRow

if TYPE_CHECKING:
    from core.workspace import Workspace

LOOK_S = 0.2
NAMED = 20
BECOMES = {
    "keep": "their documents are kept",
    "remove": "their documents are deleted",
    "erase": "their documents are deleted, and what was made from them",
}
REPLACES = "it replaces a document of that name, which is not of this source"
VERBS = {
    "added": "+",
    "changed": "~",
    "again": "^",
    "already_here": "=",
    "replaces": "x",
    "moved": ">",
    "removed": "-",
    "left_out": "!",
    "waiting": "…",
    "unreached": "?",
}


@dataclass(frozen=True, slots=True)
class Options:
    """What the two commands share.

    `agreed` says that every removal shown by a dry run is meant, `yes` that a source may be synced for the first time.
    """

    dry_run: bool
    as_json: bool
    agreed: bool = False
    yes: bool = False


def watch(
    settings: Settings,
    corpus_name: str,
    places: Sequence[str],
    on_removal: OnRemoval,
    every_minutes: int | None,
    options: Options,
) -> int:
    """Add folders and web addresses as sources and sync them; returns the exit code (1: some could not be taken).

    With `dry_run`, or when a person who sees the plan says no, nothing is kept: the sources are not added.

    Raises:
        BadInput, Conflict, NotFound: as in `core.sync.sources`.
    """
    with open_workspace(settings) as ws:
        corpus = _corpus(ws, corpus_name)
        urls = [place for place in places if "://" in place]
        added: list[SourceRow] = []
        wanted = False
        try:
            for place in places:
                if place not in urls:
                    folder = Path(place).expanduser().absolute()
                    added.append(sources.add_folder(ws, corpus.id, folder, on_removal=on_removal,
                                                    every_minutes=every_minutes or 10))  # fmt: skip
            if urls:
                _say_left_out(sources.addresses(ws, corpus.id, urls)[1])
                added.append(
                    sources.add_urls(ws, corpus.id, urls, on_removal=on_removal, every_minutes=every_minutes or 60)
                )
            if options.dry_run:
                return _sync(ws, corpus, added, options)
            wanted = _agreed(ws, added, options)
        finally:
            for source in () if wanted else added:
                ws.sources.remove(source.id)
        return _sync(ws, corpus, added, options) if wanted else NOT_DONE


def sync(settings: Settings, corpus_name: str, options: Options) -> int:
    """Sync all sources of a corpus and wait until what is new can be asked; returns the exit code."""
    with open_workspace(settings) as ws:
        corpus = _corpus(ws, corpus_name)
        found = ws.sources.list(corpus.id)
        if not found:
            raise BadInput(
                f"The corpus {corpus_name!r} has no source.", "Add one: triptych watch --corpus NAME FOLDER."
            )
        if not options.dry_run and not _agreed(ws, found, options):
            return NOT_DONE
        return _sync(ws, corpus, found, options)


def as_json(source: SourceRow, plan: Plan, learned: Sequence[AdapterRow] = ()) -> dict[str, Any]:
    """A dry run as JSON; `learned` are adapters that learned from documents which would go."""
    return {
        "source": where(source),
        "added": [each.path for each in plan.added if each.path not in plan.here],
        "changed": [each.path for each in plan.changed if each.path not in plan.here],
        "again": [{"path": path, "reason": why} for path, why in plan.due.items() if path not in plan.here],
        "already_here": [{"path": path, "reason": f"the same content is in {of}"} for path, of in plan.here.items()],
        "replaces": [{"path": path, "reason": REPLACES} for path in sorted(plan.replaces)],
        "moved": [{"from": path, "to": each.path} for path, each in plan.moved],
        "removed": [each.path for each in plan.removed],
        "on_removal": source.on_removal,
        "learned_from_them": registry.told(learned),
        "withheld": plan.withheld,
        "left_out": [{"path": each.path, "reason": each.problem} for each in plan.left_out],
        "waiting": list(plan.waiting),
        "unreached": [{"path": path, "reason": why} for path, why in plan.unreached.items()],
        "unchanged": plan.unchanged + len(plan.refreshed),
    }


def readable(told: dict[str, Any]) -> str:
    """A dry run for people."""
    lines = [f"{told['source']}: {told['unchanged']} unchanged"]
    for kind, sign in VERBS.items():
        entries = told[kind]
        lines += [f"  {sign} {_entry(each)}" for each in entries[:NAMED]]
        lines += [f"  {sign} and {len(entries) - NAMED} more"] if len(entries) > NAMED else []
    if told["removed"]:
        kept = BECOMES[told["on_removal"]]
        held = "; too many at once, so not without --agree" if told["withheld"] else ""
        lines.append(f"  gone from the source: {len(told['removed'])}, {kept}{held}")
    if told["learned_from_them"]:
        lines.append(f"  learned from them, and keeps it: {told['learned_from_them']}")
    return "\n".join(lines)


def _entry(each: Any) -> str:
    if isinstance(each, str):
        return each
    return f"{each['from']} -> {each['to']}" if "from" in each else f"{each['path']}: {each['reason']}"


def _say_left_out(urls: Sequence[str]) -> None:
    if urls:
        say(f"followed by another source of this corpus already, left out: {', '.join(urls)}", file=sys.stderr)


def _dry_run(ws: "Workspace", source: SourceRow, plan: Plan) -> dict[str, Any]:
    return as_json(source, plan, leaving.learners(ws, source, plan.removed))


def _agreed(ws: "Workspace", found: Iterable[SourceRow], options: Options) -> bool:
    """Whether sources that were never synced may be, after a look at what that would do; raises as `agreed` does."""
    new = [source for source in found if not source.enabled and source.last_run_at is None]
    return not new or agreed(
        lambda: "\n".join(readable(_dry_run(ws, source, _look(ws, source))) for source in new), options.yes
    )


def _look(ws: "Workspace", source: SourceRow) -> Plan:
    """A look that says what it waits for."""
    shown = Line()
    try:
        return look(ws, source, again=True, told=shown.show)
    finally:
        shown.end()


def _sync(ws: "Workspace", corpus: CorpusRow, found: Sequence[SourceRow], options: Options) -> int:
    plans = {source.id: _look(ws, source) for source in found} if options.dry_run or options.agreed else {}
    if options.dry_run:
        told = [_dry_run(ws, source, plans[source.id]) for source in found]
        say(json.dumps(told, ensure_ascii=False) if options.as_json else "\n".join(map(readable, told)))
        return 0
    before = {row.id for row in _documents(ws, found)}
    gone = {key: len(plan.removed) for key, plan in plans.items()}
    jobs = [sources.sync_now(ws, source.id, gone.get(source.id, 0)) for source in found]
    if ws.lock is not None:
        ws.dispatcher.start()
    _follow_jobs(ws, jobs)
    if not options.as_json:
        for said in (ws.jobs.get(job_id).message for job_id in jobs):
            say(said) if said.startswith(KEEPS) else None
    outcome = follow(ws, (row.id for row in _documents(ws, found)))
    ready = [row for row in outcome.ready if row.id not in before]
    return _report(ws, corpus, [len(ready), len(outcome.unfinished)], found, options)


def _report(
    ws: "Workspace", corpus: CorpusRow, counts: Sequence[int], found: Iterable[SourceRow], options: Options
) -> int:
    now = [ws.sources.get(source.id) for source in found]
    problems = {
        where(source): f"{source.last_error} {source.last_remedy}".strip() for source in now if source.last_error
    }
    left_out = {
        item.path: item.problem for source in now for item in ws.sources.items(source.id).values() if item.problem
    }
    total = ws.corpora.statistics(corpus.id).documents
    if options.as_json:
        said = {"new": counts[0], "failed": counts[1], "documents": total, "problems": problems, "left_out": left_out}
        say(json.dumps(said, ensure_ascii=False))
    else:
        say(f"{counts[0]} new or changed, {counts[1]} failed; the corpus has {total} documents")
        for name, why in {**left_out, **problems}.items():
            say(f"  {name}: {why}")
    return 1 if problems or counts[1] else 0


def _documents(ws: "Workspace", found: Iterable[SourceRow]) -> list[Any]:
    items = (item for source in found for item in ws.sources.items(source.id).values())
    ids = {item.document_id for item in items if item.document_id is not None}
    return list(ws.corpora.documents_by_ids(ids).values())


def _follow_jobs(ws: "Workspace", ids: Sequence[int]) -> None:
    """Wait until none of the jobs is open; raises TriptychError for one that failed."""
    shown = Line()
    for job_id in ids:
        while (job := ws.jobs.get(job_id)).status in OPEN:
            shown.show(f"syncing: {job.message or job.status}")
            time.sleep(LOOK_S)
        if job.status == "failed":
            shown.end()
            raise TriptychError(job.error)
    shown.end()


def _corpus(ws: "Workspace", name: str) -> CorpusRow:
    corpus = ws.corpora.by_name(name)
    if corpus is None:
        raise BadInput(f"There is no corpus {name!r} yet.", "Make one on the Home page, or with: triptych index.")
    return corpus
