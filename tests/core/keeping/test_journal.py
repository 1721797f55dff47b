"""What people do stands in the audit log, by id; the log never holds what was said, and names only while they exist."""

import json
from pathlib import Path

import pytest

from core.conversations import export, files
from core.domains import domain, written
from core.ingestion import editing, intake
from core.keeping import backup, journal
from core.keeping.doctor import examine
from core.keeping.restoring import restore
from core.workspace import Workspace
from storage.examples import ExampleDraft
from tests.core.keeping.conftest import settings
from tests.core.keeping.test_commands_of_keeping import triptych

SECRET = "quivermoss"


def acts(ws: Workspace, tmp_path: Path) -> None:
    """One of every kind that changes rows here."""
    corpus = intake.create_corpus(ws, "Ledger", "legal").id
    intake.add_files(ws, corpus, [(f"{SECRET}.md", f"# {SECRET}\n\nThe {SECRET} is due.".encode())])
    ws.dispatcher.run_one()
    document = ws.corpora.documents(corpus)[0].id
    editing.edit(ws, ws.corpora.chunks(document)[0].id, f"{SECRET} in other words")
    talk = ws.conversations.create(corpus).id
    ws.conversations.add_question(talk, f"What is {SECRET}?", title=SECRET)
    export.export(ws, talk, export.FORMATS[0])
    files.delete(ws, talk)
    ws.examples.add(corpus, [ExampleDraft(f"Who is {SECRET}?", SECRET)])
    ws.assistants.choose_mode(corpus, "hybrid")
    model = ws.base_models.create("mine", "endpoint", "http://127.0.0.1:1", secret="sealed")
    ws.base_models.delete(model.id)
    values = written.write(domain("legal")).replace('name = "legal"', 'name = "mine"')
    ws.domains.take_in(values)
    ws.domains.delete("mine")
    intake.delete_document(ws, document, erase=True)
    backup.write(ws, tmp_path / "all.zip")
    intake.delete_corpus(ws, corpus)


def test_everything_that_is_done_is_told_and_nothing_that_was_said(home: Path, tmp_path: Path) -> None:
    with Workspace.open(settings(home)) as ws:
        before = ws.audit.count()
        acts(ws, tmp_path)
        rows = list(reversed(ws.audit.newest(ws.audit.count() - before)))
        told = [f"{row.subject} {row.action}" for row in rows]
        assert told == [
            *("corpus created", "document added", "chunk edited", "conversation exported", "conversation deleted"),
            *("examples added", "settings changed", "base model added", "base model key stored", "base model removed"),
            *("domain added", "domain deleted", "document deleted", "workspace backup written", "corpus deleted"),
        ]
        assert SECRET not in json.dumps([journal.as_json(ws, row) for row in rows])
        assert ws.audit.verify().whole
        assert next(each for each in examine(ws) if each.what == "Audit log").state == "healthy"


def test_a_name_is_shown_only_while_the_document_exists(home: Path) -> None:
    with Workspace.open(settings(home)) as ws:
        corpus = ws.corpora.list()[0].id
        document = next(row for row in ws.corpora.documents(corpus) if row.name == "lease.md")
        shown = {line.which for line in journal.lines(ws)}
        assert {"lease.md", "notice.md", "Leases"} <= shown
        intake.delete_document(ws, document.id)
        lines = journal.lines(ws)
        assert "lease.md" not in {line.which for line in lines}
        assert lines[0].what == f"document {document.id} deleted"


@pytest.mark.embedded  # needs two workspaces; test_moving.py has the larger form
def test_the_command_lists_and_verifies_and_a_restored_workspace_goes_on_with_its_log(
    home: Path, tmp_path: Path
) -> None:
    with Workspace.open(settings(home)) as ws:
        backup.write(ws, tmp_path / "all.zip")
    restored = restore(tmp_path / "all.zip", settings(tmp_path / "new")).home
    listed = triptych("audit", "--workspace", restored)
    assert listed.returncode == 0, listed.stderr
    assert listed.stdout.splitlines()[0].split(": ")[1].startswith("workspace restored")
    assert "(lease.md)" in listed.stdout
    as_json = triptych("audit", "--json", "--since", "2020-01-01", "--workspace", restored)
    assert {json.loads(line)["subject"] for line in as_json.stdout.splitlines()} >= {"workspace", "corpus", "document"}
    assert triptych("audit", "--verify", "--workspace", restored).returncode == 0
    (restored / "audit.seal").write_text(json.dumps({"number": 999, "sha256": "0" * 64}))
    broken = triptych("audit", "--verify", "--workspace", restored)
    assert broken.returncode == 1
    assert "cut off" in broken.stdout
    assert triptych("audit", "--since", "yesterday", "--workspace", restored).returncode == 2
