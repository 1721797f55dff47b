"""The `triptych` command: understands arguments, calls core, prints. What it does is in `core/commands`.

    triptych run                                        serve the dashboard
    triptych index  --corpus C --domain D PATH...       add documents and wait until they can be asked
    triptych search --corpus C "question"               what retrieval finds, no base model
    triptych ask    --corpus C "question"               an answer with its sources
    triptych watch  --corpus C FOLDER|URL...            follow folders and web addresses
    triptych sync   --corpus C [--dry-run]              bring what is followed up to date now
    triptych reindex --corpus C [--usual N] [--embedding M]  another embedding model, other chunks
    triptych train  --corpus C --examples F             adapters for the modes finetuned and hybrid
    triptych evaluate --corpus C --questions F          gold questions in several modes, and the verdict
    triptych threshold --corpus C [--at 0.3 | --domain] how sure it must be before it answers
    triptych backup FILE | restore FILE --workspace W   one file with everything; a new workspace from it
    triptych doctor [--repair]                          what is healthy, and what a person must decide
    triptych audit [--verify] [--json] [--since DATE]   who did what, when; whether the log is whole
    triptych forget-person NAME                         take somebody out of the audit log
    triptych adapters list | import | judge | promote | rollback | withdraw | export | delete
    triptych models list | add | test | use             base models beside the embedded one

Exit codes: 0 done, 1 some documents failed (they are listed), 2 bad usage, 3 it could not be done.
"""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from core import room
from core.commands import adapters, keeping, models
from core.commands.terminal import say
from core.errors import UNSTORABLE, BadInput, Conflict, NotFound, TriptychError
from core.settings import Settings
from storage.errors import NotFound as Gone
from storage.errors import Unstorable

DONE, BAD_USAGE, NOT_DONE, INTERRUPTED = 0, 2, 3, 130  # 1 comes from core/commands/index.py

app = typer.Typer(
    help="Domain assistants over your own documents.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(adapters.app, name="adapters")
app.add_typer(models.app, name="models")
app.add_typer(keeping.app)


class OnRemoval(StrEnum):
    """What becomes of a document whose file is gone from its source."""

    keep = "keep"
    remove = "remove"
    erase = "erase"


class Mode(StrEnum):
    """How answers are made."""

    rag = "rag"
    base = "base"
    finetuned = "finetuned"
    hybrid = "hybrid"


class AdapterKind(StrEnum):
    """Which adapter is trained."""

    closed_book = "closed-book"
    grounded = "grounded"
    both = "both"


class Preset(StrEnum):
    """How long it is trained."""

    quick = "quick"
    balanced = "balanced"
    thorough = "thorough"


Workspace = Annotated[
    Path | None, typer.Option("--workspace", "-w", help="The folder that holds all state (TRIPTYCH_HOME).")
]
Corpus = Annotated[str, typer.Option("--corpus", "-c", help="The name of the corpus.")]
Asked = Annotated[str | None, typer.Argument(help="A question.", show_default=False)]
Questions = Annotated[Path | None, typer.Option(help='Questions, one {"id", "question"} a line.')]
Out = Annotated[Path | None, typer.Option(help="Where the results go, one a line.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be added, changed and removed.")]
Yes = Annotated[bool, typer.Option("--yes", help="Sync for the first time without being asked.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(invoke_without_command=True)
def common(version: Annotated[bool, typer.Option("--version", help="Say which version this is.")] = False) -> None:
    """Domain assistants over your own documents."""
    if version:
        from importlib.metadata import version as installed

        say(f"triptych {installed('triptych')}")
        raise typer.Exit(DONE)


@app.command()
def run(
    workspace: Workspace = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on; this machine only by default.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on; 8501 by default.")] = None,
) -> None:
    """Serve the dashboard until interrupted."""
    settings = Settings.load(workspace, host, port)
    chosen = {"TRIPTYCH_HOME": settings.home, "TRIPTYCH_HOST": settings.host, "TRIPTYCH_PORT": settings.port}
    environment = os.environ | {name: str(value) for name, value in chosen.items()}
    os.execve(sys.executable, [sys.executable, "-m", "dashboard"], environment)


@app.command()
def index(
    paths: Annotated[list[Path], typer.Argument(help="Files, folders, ZIPs, or a corpus.jsonl.")],
    corpus: Corpus,
    domain: Annotated[str | None, typer.Option("--domain", "-d", help="The domain of a corpus that is new.")] = None,
    workspace: Workspace = None,
) -> None:
    """Add documents to a corpus and wait until they can be asked."""
    from core.commands.index import index as do

    raise typer.Exit(do(Settings.load(workspace), corpus, domain, paths))


@app.command()
def search(
    corpus: Corpus,
    question: Asked = None,
    questions: Questions = None,
    out: Out = None,
    top: Annotated[int, typer.Option(min=1, max=100, help="Passages a question.")] = 10,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Show what retrieval finds; no base model is asked."""
    from core.commands import asking

    request = asking.Request.of(question, questions, out, as_json)
    with asking.searching(Settings.load(workspace), corpus, top) as ask:
        request.put(ask, asking.readable_results, resume=False)


@app.command("ask")
def ask_(
    corpus: Corpus,
    question: Asked = None,
    questions: Questions = None,
    out: Out = None,
    mode: Annotated[Mode, typer.Option(help="How the answer is made.")] = Mode.rag,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Answer a question, or a file of them, from a corpus."""
    from core.commands import asking

    request = asking.Request.of(question, questions, out, as_json)
    with asking.answering(Settings.load(workspace), corpus, mode.value) as ask:
        request.put(ask, asking.readable_answer, resume=True)


@app.command()
def watch(
    places: Annotated[list[str], typer.Argument(metavar="FOLDER|URL...", help="Folders, or web addresses.")],
    corpus: Corpus,
    on_removal: Annotated[OnRemoval, typer.Option(help="What becomes of documents whose file is gone.")] = (
        OnRemoval.keep
    ),
    every: Annotated[int | None, typer.Option(min=1, help="Minutes between two looks; 10, for addresses 60.")] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Follow folders and web addresses: say what a sync would do, then sync, and on time while the dashboard serves."""
    from core.commands import sync as command

    options = command.Options(dry_run, as_json, yes=yes)
    raise typer.Exit(command.watch(Settings.load(workspace), corpus, places, on_removal.value, every, options))


@app.command()
def sync(
    corpus: Corpus,
    dry_run: DryRun = False,
    yes: Yes = False,
    agree: Annotated[bool, typer.Option(help="Remove what is gone, even if it is most of the source.")] = False,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Bring a corpus level with the folders and addresses it follows, and wait until that can be asked."""
    from core.commands import sync as command

    options = command.Options(dry_run, as_json, agree, yes)
    raise typer.Exit(command.sync(Settings.load(workspace), corpus, options))


@app.command()
def reindex(
    corpus: Corpus,
    structure: Annotated[str, typer.Option(help="What documents are cut at: section, clause, table, qa.")] = "",
    usual: Annotated[int | None, typer.Option(help="Usual characters of a chunk.")] = None,
    longest: Annotated[int | None, typer.Option(help="Most characters of a chunk.")] = None,
    as_domain: Annotated[bool, typer.Option("--as-domain", help="Cut documents as the corpus's domain says.")] = False,
    embedding: Annotated[
        str, typer.Option(help="The embedding model: packaged, a folder, or an endpoint's address.")
    ] = "",
    model: Annotated[str, typer.Option(help="Its name at the endpoint.")] = "",
    key_variable: Annotated[str, typer.Option(help="The environment variable that holds the endpoint's key.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would take.")] = False,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Index a corpus with another embedding model or other chunks; the old index serves until the new one is whole."""
    import json

    from core.commands import reindex as command

    wanted = command.Wanted(embedding, model, key_variable, structure, usual, longest, as_domain)
    found = command.reindex(Settings.load(workspace), corpus, wanted, dry_run=dry_run)
    say(json.dumps(found, ensure_ascii=False) if as_json else command.readable(found))


@app.command()
def train(
    corpus: Corpus,
    examples: Annotated[Path | None, typer.Option(help="Pairs to add first: CSV, JSONL or XLSX.")] = None,
    kind: Annotated[AdapterKind, typer.Option(help="Which adapter.")] = AdapterKind.both,
    preset: Annotated[Preset, typer.Option(help="How long.")] = Preset.balanced,
    wait: Annotated[bool, typer.Option("--wait", help="Beside a running server: wait until it is done.")] = False,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Train adapters on a corpus's examples; each is promoted only if it wins."""
    import json

    from core.commands import train as command

    found = command.train(Settings.load(workspace), corpus, examples, kind.value, preset.value, wait=wait)
    say(json.dumps(found, ensure_ascii=False) if as_json else command.readable(found))


@app.command()
def evaluate(
    corpus: Corpus,
    questions: Annotated[
        Path | None, typer.Option(help="Gold questions: CSV, JSONL or XLSX; those of the corpus when left out.")
    ] = None,
    modes: Annotated[str, typer.Option(help="Modes, with commas.")] = "base,quote,rag,finetuned,hybrid",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many questions.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the report goes: JSON, or a page (.html), or a document (.pdf).")
    ] = None,
    only_changed: Annotated[
        bool, typer.Option("--only-changed", help="Take over answers of earlier runs that would come out the same.")
    ] = False,
    likelihood: Annotated[
        bool, typer.Option("--likelihood", help="How probable the gold answer is, where the engine says.")
    ] = False,
    freshness: Annotated[bool, typer.Option("--freshness", help="Who notices a changed document.")] = False,
    forgetting: Annotated[
        bool, typer.Option("--forgetting", help="General questions, before and after training.")
    ] = False,
    judge: Annotated[str, typer.Option(help="Name of a base model at an endpoint that compares the answers.")] = "",
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Measure the modes on gold questions, and say which to use."""
    import json

    from core.commands import evaluate as command
    from core.evaluation.options import Options

    options = Options(only_changed, likelihood, freshness=freshness, forgetting=forgetting)
    found = command.evaluate(Settings.load(workspace), corpus, questions, modes, limit, options, judge)
    if out is not None:
        command.write(found, out)
    say(json.dumps(found, ensure_ascii=False) if as_json else command.readable(found))


@app.command()
def threshold(
    corpus: Corpus,
    at: Annotated[
        float | None, typer.Option(min=0, max=1, help="Decline what is less probably answered than that.")
    ] = None,
    as_domain: Annotated[bool, typer.Option("--domain", help="Go back to its domain's.")] = False,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Show or choose how sure a corpus must be before it answers, and what that declines of its gold questions."""
    import json

    from core.commands import threshold as command

    if at is not None and as_domain:
        raise BadInput("Both --at and --domain were given.", "Give one of them.")
    found = command.threshold(Settings.load(workspace), corpus, choose=at, as_domain=as_domain)
    say(json.dumps(found) if as_json else command.readable(found))


def main() -> None:
    """Run a command; errors meant for people are one line on stderr, and no traceback."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        app()
    except (BadInput, NotFound, Conflict) as error:
        _end(str(error), BAD_USAGE)
    except TriptychError as error:
        _end(str(error), NOT_DONE)
    except Gone:
        _end(
            "What this belongs to is not there any more: somebody deleted it meanwhile. Look what there is.", BAD_USAGE
        )
    except Unstorable:
        _end(" ".join(UNSTORABLE), BAD_USAGE)
    except Exception as error:  # SQLite and Chroma have errors of their own for a full disk
        if why := room.told(error):
            _end(str(why), NOT_DONE)
        raise
    except SystemExit as end:
        if end.code == INTERRUPTED:
            say("Stopped. What was done is kept; the same command goes on from there.", file=sys.stderr)
        raise


def _end(message: str, code: int) -> None:
    say(message, file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
