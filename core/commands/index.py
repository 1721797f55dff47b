"""`triptych index`: files, folders or a corpus.jsonl into a corpus, and wait until they can be asked."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.commands.following import Outcome, finish, follow
from core.commands.terminal import say
from core.errors import BadInput, WorkspaceLocked
from core.ingestion import flags
from core.ingestion.intake import Intake, add_files, create_corpus
from core.settings import Settings
from storage.rows import CorpusRow

if TYPE_CHECKING:
    from core.workspace import Workspace


def index(settings: Settings, corpus_name: str, domain: str | None, paths: Sequence[Path]) -> int:
    """Index files and say what became of them; returns the exit code (1: some failed).

    When another process owns the workspace it does the work, and this one follows it.

    Raises:
        BadInput: a path does not exist, or there is nothing in it; or the corpus is new and has no domain.
    """
    files = list(named(paths))
    with open_workspace(settings) as ws:
        if ws.lock is not None:
            ws.sandbox  # noqa: B018  a process of its own, which imports on another core meanwhile
        corpus = _corpus(ws, corpus_name, domain)
        intake = add_files(ws, corpus.id, files)
        if ws.lock is not None:
            ws.dispatcher.start()
        taken = [*intake.accepted, *intake.replaced, *intake.unchanged]
        outcome = follow(ws, (admitted.document_id for admitted in taken))
        if ws.lock is not None:
            finish(ws, corpus.id)
        return report(intake, outcome)


def open_workspace(settings: Settings) -> "Workspace":
    """The workspace as its owner or, when another process is, beside it."""
    from core.workspace import Workspace

    try:
        return Workspace.open(settings)
    except WorkspaceLocked:
        return Workspace.open(settings, owner=False)


def named(paths: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Every file with the name it will be cited by: its path below the folder that was given.

    Names that would fall together get the folder's name before them. Hidden files are left out.
    """
    found = [(root, path) for root in paths for path in _files(root)]
    if not found:
        raise BadInput("There is no file in what was named.", "Name files, or folders that hold some.")
    short = [path.relative_to(root).as_posix() if root.is_dir() else path.name for root, path in found]
    often = Counter(short)
    for name, (root, path) in zip(short, found, strict=True):
        folder = (root if root.is_dir() else root.parent).resolve().name
        yield (name if often[name] == 1 else f"{folder}/{name}"), path


def report(intake: Intake, outcome: Outcome) -> int:
    """Print what became of the files; returns the exit code."""
    counts = {
        "ready": len(outcome.ready),
        "unchanged": len(intake.unchanged),
        "replaced": len(intake.replaced),
        "duplicates": len(intake.duplicates),
        "failed": len(outcome.unfinished) + len(intake.rejected),
    }
    say(", ".join(f"{number} {what}" for what, number in counts.items() if number) or "nothing to index")
    for duplicate in intake.duplicates:
        say(f"  {duplicate.name}: the same content as {duplicate.of}; stored once")
    for row in outcome.ready:
        for note in row.notes:
            say(f"  {row.name}: {note}")
        for line in flags.told(row.flags):
            say(f"  {row.name}: {line}")
    for rejected in intake.rejected:
        say(f"  failed: {rejected.name}: {rejected.reason}")
    for row in outcome.unfinished:
        say(f"  {row.status}: {row.name}: {row.error} {row.remedy}".rstrip(": "))
    return 1 if counts["failed"] else 0


def _corpus(ws: "Workspace", name: str, domain: str | None) -> CorpusRow:
    corpus = ws.corpora.by_name(name)
    if corpus is None and domain is None:
        raise BadInput(f"There is no corpus {name!r} yet.", "Say which domain a new one is of: --domain.")
    if corpus is None:
        return create_corpus(ws, name, domain or "")
    if domain not in (None, corpus.domain):
        raise BadInput(f"The corpus {name!r} is of the domain {corpus.domain}.", "Leave --domain out, or name another.")
    return corpus


def _files(root: Path) -> list[Path]:
    if not root.exists():
        raise BadInput(f"{root} does not exist.", "Name files or folders that do.")
    if not root.is_dir():
        return [root]
    below = (path for path in root.rglob("*") if path.is_file())
    return sorted(path for path in below if not any(step.startswith(".") for step in path.relative_to(root).parts))
