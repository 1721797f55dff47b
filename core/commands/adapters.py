"""`triptych adapters`: what can be done with adapters, from the command line. Works beside a running server.

triptych adapters list     --corpus C [--json]
triptych adapters import   FOLDER_OR_ZIP --corpus C --kind closed-book|grounded
triptych adapters promote  grounded-v2 --corpus C
triptych adapters rollback grounded --corpus C         the kind alone is the one that serves
triptych adapters withdraw grounded --corpus C
triptych adapters judge    grounded-v2 --corpus C      an imported one, before the gate
triptych adapters export   grounded-v2 --corpus C --form merged --out FILE
triptych adapters delete   grounded-v1 --corpus C
triptych adapters vllm     grounded-v2 --corpus C      the line that starts vLLM with it
triptych adapters offered  --corpus C                  what the corpus's endpoint has that may be adapters
triptych adapters choose   NAME --corpus C --kind grounded [--trained grounded-v2]
triptych adapters test     grounded-v3 --corpus C      one that was chosen at the endpoint
"""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.commands.terminal import say
from core.errors import BadInput, NotFound, TriptychError

if TYPE_CHECKING:
    from core.workspace import Workspace
    from storage.rows import AdapterRow, CorpusRow, JobRow

NAME = re.compile(r"(closed-book|grounded)(?:[- ]v(\d{1,9}))?")
BY = "command line"

app = typer.Typer(help="List, import, judge, promote, export and delete adapters.", no_args_is_help=True)


class OneKind(StrEnum):
    """Which mode an adapter is for."""

    closed_book = "closed-book"
    grounded = "grounded"


class ExportForm(StrEnum):
    """What an export is for."""

    peft = "peft"
    merged = "merged"
    q8_0 = "q8_0"
    f16 = "f16"


Folder = Annotated[Path | None, typer.Option("--workspace", "-w", help="The folder that holds all state.")]
Corpus = Annotated[str, typer.Option("--corpus", "-c", help="The name of the corpus.")]
Adapter = Annotated[str, typer.Argument(help="grounded-v2, say; a kind alone is the one that serves.")]


@app.command("list")
def list_(
    corpus: Corpus,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    workspace: Folder = None,
) -> None:
    """Show a corpus's adapters, the newest first."""
    with _opened(workspace, corpus) as (ws, found):
        rows = ws.adapters.list(found.id)
        if as_json:
            say(json.dumps([_json(row) for row in rows], ensure_ascii=False))
            return
        for row in rows:
            words = row.gate.get("words") or row.note
            say(f"{name_of(row)}\t{row.status}\t{row.base_model}\t{words}".rstrip())


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(help="A PEFT folder, or a zip of one; safetensors only.")],
    corpus: Corpus,
    kind: Annotated[OneKind, typer.Option(help="Which mode it is for.")],
    workspace: Folder = None,
) -> None:
    """Take in an adapter that was trained elsewhere, as a candidate."""
    from core.finetuning import importing

    with _opened(workspace, corpus) as (ws, found):
        row = importing.take_in(ws, found.id, kind.value, source, by=BY)
        say(f"{name_of(row)} is a candidate. {row.note}")


@app.command()
def promote(name: Adapter, corpus: Corpus, workspace: Folder = None) -> None:
    """Have an adapter serve its mode; where the gate did not see it win, that is recorded as your decision."""
    from core.finetuning import gate

    with _opened(workspace, corpus) as (ws, found):
        row = gate.overrule(ws, _adapter(ws, found.id, name).id, by=BY)
        say(f"{name_of(row)} serves.{' The gate did not see it win.' if not row.gate.get('passed') else ''}")


@app.command()
def rollback(name: Adapter, corpus: Corpus, workspace: Folder = None) -> None:
    """Have the adapter serve again that did before."""
    from core.finetuning import registry

    with _opened(workspace, corpus) as (ws, found):
        say(f"{name_of(registry.roll_back(ws, _serving(ws, found.id, name).id))} serves again.")


@app.command()
def withdraw(name: Adapter, corpus: Corpus, workspace: Folder = None) -> None:
    """Let no adapter of its kind serve."""
    from core.finetuning import registry

    with _opened(workspace, corpus) as (ws, found):
        row = _serving(ws, found.id, name)
        registry.withdraw(ws, row.id)
        say(f"{name_of(row)} serves no more.")


@app.command()
def delete(name: Adapter, corpus: Corpus, workspace: Folder = None) -> None:
    """Delete an adapter and its files; this cannot be undone."""
    from core.finetuning import registry

    with _opened(workspace, corpus) as (ws, found):
        row = _adapter(ws, found.id, name)
        registry.delete(ws, row.id)
        say(f"{name_of(row)} is deleted.")


@app.command()
def export(
    name: Adapter,
    corpus: Corpus,
    form: Annotated[ExportForm, typer.Option(help="What it is for.")],
    out: Annotated[Path, typer.Option(help="The zip to write.")],
    workspace: Folder = None,
) -> None:
    """Write an adapter out as a zip, checked; beside a running server it is asked, and waited for."""
    from core.finetuning import exporting

    with _working(workspace, corpus) as (ws, found):
        row = _adapter(ws, found.id, name)
        job = _done(ws, exporting.start(ws, row.id, form.value), "export")
        try:
            shutil.copyfile(exporting.target(ws, row, form.value), out)
        except OSError as error:
            raise BadInput(f"{out} cannot be written: {error.strerror}.", "Give another place.") from error
        say(f"{out}: {job.message}")


@app.command()
def judge(name: Adapter, corpus: Corpus, workspace: Folder = None) -> None:
    """Put an imported adapter before the gate: it answers held-out questions, and serves if it wins."""
    from core.finetuning import importing

    with _working(workspace, corpus) as (ws, found):
        row = _adapter(ws, found.id, name)
        _done(ws, importing.start(ws, row.id, by=BY), "judging")
        judged = ws.adapters.get(row.id)
        say(f"{name_of(judged)}: {judged.status}. {judged.gate.get('words', '')}")


@app.command()
def vllm(
    names: Annotated[list[str], typer.Argument(help="Adapters that were trained here: grounded-v2, say.")],
    corpus: Corpus,
    workspace: Folder = None,
) -> None:
    """Print the line that starts vLLM with adapters that were trained here, on their base model's folder."""
    from core.finetuning import served

    with _opened(workspace, corpus) as (ws, found):
        say(served.command(ws, [_adapter(ws, found.id, name) for name in names]))


@app.command()
def offered(corpus: Corpus, workspace: Folder = None) -> None:
    """List the models of the corpus's endpoint that may be adapters of its base model."""
    from core.finetuning import served

    with _opened(workspace, corpus) as (ws, found):
        for each in served.offered(ws, found.id):
            say(f"{each.model}\t{f'adapter of {each.parent}' if each.parent else 'does not say'}")


@app.command()
def choose(
    model: Annotated[str, typer.Argument(help="Its name at the endpoint.")],
    corpus: Corpus,
    kind: Annotated[OneKind, typer.Option(help="Which mode it is for.")],
    trained: Annotated[str, typer.Option(help="The adapter trained here that it is: grounded-v2, say.")] = "",
    workspace: Folder = None,
) -> None:
    """Make a model of the corpus's endpoint one of its adapters, as a candidate."""
    from core.finetuning import served

    with _opened(workspace, corpus) as (ws, found):
        of = _adapter(ws, found.id, trained).id if trained else None
        row = served.choose(ws, found.id, kind.value, model, of, by=BY)
        say(f"{name_of(row)} is a candidate: {row.note}")


@app.command("test")
def try_(name: Adapter, corpus: Corpus, workspace: Folder = None) -> None:
    """Ask an adapter at the endpoint one short question, and hold it against the base model."""
    from core.finetuning import served

    with _opened(workspace, corpus) as (ws, found):
        trial, words = served.try_out(ws, _adapter(ws, found.id, name).id)
        if trial.problem:
            raise TriptychError(trial.problem, trial.remedy)
        say(f"{words} First word after {trial.first_word_s or 0:.1f} s: {trial.answer}")


def name_of(row: "AdapterRow") -> str:
    """What an adapter is called here."""
    return f"{row.kind}-v{row.version}"


@contextmanager
def _opened(folder: Path | None, corpus: str) -> "Iterator[tuple[Workspace, CorpusRow]]":
    from core.settings import Settings
    from core.workspace import Workspace

    with Workspace.open(Settings.load(folder), owner=False) as ws:
        yield ws, _corpus(ws, corpus)


@contextmanager
def _working(folder: Path | None, corpus: str) -> "Iterator[tuple[Workspace, CorpusRow]]":
    """A workspace in which jobs are done: here, or by the server that owns it."""
    from core.commands.index import open_workspace
    from core.settings import Settings

    with open_workspace(Settings.load(folder)) as ws:
        found = _corpus(ws, corpus)
        if ws.lock is not None:
            ws.dispatcher.start()
        yield ws, found


def _done(ws: "Workspace", job: "JobRow", what: str) -> "JobRow":
    """A job once it is done, followed until then; raises TriptychError with its reason when it was not."""
    from core.commands.train import followed

    if followed(ws, job.id) != "done":
        raise TriptychError(ws.jobs.get(job.id).error or f"The {what} was cancelled.")
    return ws.jobs.get(job.id)


def _corpus(ws: "Workspace", name: str) -> "CorpusRow":
    found = ws.corpora.by_name(name)
    if found is None:
        raise NotFound(f"There is no corpus named {name!r}.", "Make one with triptych index.")
    return found


def _adapter(ws: "Workspace", corpus_id: int, name: str) -> "AdapterRow":
    match = NAME.fullmatch(name)
    if match is None:
        raise BadInput(f"{name!r} names no adapter.", "Write it like grounded-v2; see triptych adapters list.")
    kind, version = match.groups()
    for row in ws.adapters.list(corpus_id):
        if row.kind == kind and (row.version == int(version) if version else row.status == "promoted"):
            return row
    raise NotFound(f"There is no adapter {name}.", "See triptych adapters list.")


def _serving(ws: "Workspace", corpus_id: int, name: str) -> "AdapterRow":
    row = _adapter(ws, corpus_id, name)
    if row.status != "promoted":
        raise BadInput(f"{name_of(row)} does not serve.", "See triptych adapters list.")
    return row


def _json(row: "AdapterRow") -> dict[str, Any]:
    fields = (
        "id",
        "kind",
        "version",
        "status",
        "base_model",
        "base_sha256",
        "recipe",
        "result",
        "gate",
        "note",
        "files",
    )
    return {"name": name_of(row)} | {field: getattr(row, field) for field in fields}
