"""`triptych models`: list, add, test and choose base models. Works beside a running server: only rows are written.

triptych models list
triptych models add NAME --kind endpoint --at http://localhost:11434/v1 --model qwen2.5:7b
triptych models test NAME
triptych models use NAME --corpus C         "embedded" goes back to the embedded one
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.commands.terminal import say
from core.errors import NotFound, TriptychError

if TYPE_CHECKING:
    from core.workspace import Workspace

EMBEDDED = "embedded"
KEY_VARIABLE = "TRIPTYCH_ENDPOINT_KEY"

app = typer.Typer(help="List, add, test and choose base models.", no_args_is_help=True)
Folder = Annotated[Path | None, typer.Option("--workspace", "-w", help="The folder that holds all state.")]
Name = Annotated[str, typer.Argument(help='A base model\'s name, or "embedded".')]


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False, workspace: Folder = None
) -> None:
    """Show the base models and which corpora they answer for."""
    with _opened(workspace) as ws:
        for row in ws.base_models.list():
            corpora = [corpus.name for corpus in ws.base_models.used_by(row.id)]
            shown = {"name": row.name, "kind": row.kind, "at": row.location, "model": row.model, "window": row.window}
            if as_json:
                say(json.dumps(shown | {"corpora": corpora}))
            else:
                say(f"{row.name}\t{row.kind}\t{row.location} {row.model}".rstrip() + f"\t{', '.join(corpora)}")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    kind: Annotated[str, typer.Option(help="endpoint, gguf or transformers.")],
    at: Annotated[str, typer.Option(help="Base URL, path of a file or folder, or a hub id that is on this machine.")],
    model: Annotated[str, typer.Option(help="Its name at the endpoint.")] = "",
    window: Annotated[int, typer.Option(min=0, help="Tokens it reads and writes together, at most.")] = 0,
    key_variable: Annotated[str, typer.Option(help="The environment variable that holds its key, now and later.")] = "",
    workspace: Folder = None,
) -> None:
    """Add a base model. A key to be stored encrypted is read from TRIPTYCH_ENDPOINT_KEY, never from an argument."""
    from core.generation import catalogue

    key = "" if key_variable else os.environ.get(KEY_VARIABLE, "")
    asked = catalogue.Described(name, kind, at, model, window, key, key_variable)
    with _opened(workspace) as ws:
        say(f"Added {catalogue.add(ws, asked).name}.")


@app.command("test")
def try_(name: Name, workspace: Folder = None) -> None:
    """Load it, ask it one short question, and say how it did."""
    from core.generation.trial import try_out

    with _opened(workspace) as ws:
        trial = try_out(ws, _id(ws, name))
    if trial.offered:
        say("Offered:", ", ".join(each.model for each in trial.offered), file=sys.stderr)
    elif trial.unlisted and not trial.problem:
        say("It does not list its models.", file=sys.stderr)
    if trial.problem:
        raise TriptychError(trial.problem, trial.remedy)
    speed = f", {trial.tokens_per_s:.0f} tokens/s" if trial.tokens_per_s else ""
    reads = f"reads {trial.window} tokens" if trial.window else "does not say how much it reads"
    say(f"First word after {trial.first_word_s or 0:.1f} s{speed}, {reads}: {trial.answer}")


@app.command()
def use(
    name: Name,
    corpus: Annotated[str, typer.Option("--corpus", "-c", help="The name of the corpus.")],
    workspace: Folder = None,
) -> None:
    """Answer a corpus with a base model from the next question on."""
    from core.generation import catalogue

    with _opened(workspace) as ws:
        found = ws.corpora.by_name(corpus)
        if found is None:
            raise NotFound(f"There is no corpus named {corpus!r}.", "Make one with triptych index.")
        catalogue.use(ws, found.id, _id(ws, name))
        say(f"{corpus} is answered by {name}.")


@contextmanager
def _opened(folder: Path | None) -> "Iterator[Workspace]":
    from core.settings import Settings
    from core.workspace import Workspace

    with Workspace.open(Settings.load(folder), owner=False) as ws:
        yield ws


def _id(ws: "Workspace", name: str) -> int | None:
    if name == EMBEDDED:
        return None
    row = ws.base_models.by_name(name)
    if row is None:
        raise NotFound(f"There is no base model named {name!r}.", "See triptych models list.")
    return row.id
