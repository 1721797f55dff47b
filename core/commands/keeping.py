"""`triptych backup | restore | doctor | audit | forget-person`: copies of a workspace, how one is, and who did what."""

from pathlib import Path
from typing import Annotated

import typer

from core.commands.terminal import say
from core.errors import BadInput
from core.settings import Settings

app = typer.Typer()
Workspace = Annotated[
    Path | None, typer.Option("--workspace", "-w", help="The folder that holds all state (TRIPTYCH_HOME).")
]


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The zip to write; it must not exist yet.")],
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Include the file that opens stored keys of endpoints.")
    ] = False,
    workspace: Workspace = None,
) -> None:
    """Write rows, uploads and adapters into one file; also while a server is running on the workspace."""
    from core.keeping.backup import write
    from core.workspace import Workspace as Opened

    settings = Settings.load(workspace)
    _there(settings)
    with Opened.open(settings, owner=False) as ws:
        done = write(ws, file, with_key=with_key)
    say(f"{done.file}: {done.members:,} files, {done.bytes / 1e6:.1f} MB, each with its sha256.")
    say("Look-ups, pictures and converted base models are left out: they are made again from these.")
    if not with_key:
        say(
            "The file that opens stored keys is left out: enter keys of endpoints again after restoring, or --with-key."
        )
    for what, which in (("missing", done.missing), ("damaged", done.damaged)):
        if which:
            say(f"{len(which):,} uploads were {what} already. Run triptych doctor.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="A new folder.")],
) -> None:
    """Make a new workspace from a backup, after every hash in it was checked."""
    from core.keeping.restoring import restore as do

    done = do(file, Settings.load(workspace))
    made = f"{done.manifest.made_at[:10]} by Triptych {done.manifest.triptych}"
    say(f"{done.home}: {len(done.manifest.members):,} files, as they were on {made}.")
    say("Look-ups are made again from the rows when it is first opened: triptych run --workspace " + str(done.home))
    if not done.with_key:
        say("Stored keys of endpoints were not in it: enter them again in Settings.")
    if done.manifest.missing:
        say(f"{len(done.manifest.missing):,} uploads were missing when it was made. Run triptych doctor.")


@app.command()
def doctor(
    repair: Annotated[bool, typer.Option("--repair", help="Make look-ups that differ from the rows anew.")] = False,
    workspace: Workspace = None,
) -> None:
    """Say what is healthy, what was repaired, and what a person must decide; exit code 1 if there is such a thing."""
    from core.commands.index import open_workspace
    from core.keeping.doctor import examine

    settings = Settings.load(workspace)
    _there(settings)
    with open_workspace(settings) as ws:
        findings = examine(ws, repair)
    for each in findings:
        say(f"{each.state:13} {each.what}: {each.words} {each.remedy}".rstrip())
    raise typer.Exit(int(any(each.state == "decide" for each in findings)))


@app.command()
def audit(
    verify: Annotated[
        bool, typer.Option("--verify", help="Read the whole chain; exit code 1 if it is broken.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with every field.")] = False,
    since: Annotated[str, typer.Option("--since", help="A date (UTC), or a date with a time.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many of the newest entries.")] = 50,
    workspace: Workspace = None,
) -> None:
    """Say who did what, when, and to which document, corpus or adapter; never what they say."""
    import json

    from core.keeping import journal
    from core.workspace import Workspace as Opened

    settings = Settings.load(workspace)
    _there(settings)
    moment = journal.moment(since) if since else None
    with Opened.open(settings, owner=False) as ws:
        if verify:
            found = ws.audit.verify()
            say(journal.verdict_words(found))
            raise typer.Exit(int(not found.whole))
        for row in ws.audit.newest(limit, since=moment):
            if as_json:
                say(json.dumps(journal.as_json(ws, row)))
                continue
            line = journal.told(ws, row)
            which = f" ({line.which})" if line.which else ""
            say(f"{line.number:6} {line.at:%Y-%m-%d %H:%M:%S} {line.who}: {line.what}{which} {line.details}".rstrip())


@app.command("forget-person")
def forget_person(
    name: Annotated[str, typer.Argument(help="As the audit log has it: the operating system's name of the user.")],
    workspace: Workspace = None,
) -> None:
    """Take a person's name out of the audit log, which is chained anew and says that this was done."""
    from core.keeping import journal
    from core.workspace import Workspace as Opened

    settings = Settings.load(workspace)
    _there(settings)
    with Opened.open(settings, owner=False) as ws:
        say(journal.forget(ws, name))


def _there(settings: Settings) -> None:
    """Raises BadInput when there is no workspace: none is made for the sake of it."""
    if settings.database_url.startswith("sqlite") and not (settings.home / "triptych.db").is_file():
        raise BadInput(f"There is no workspace in {settings.home}.", "Name one with --workspace.")
