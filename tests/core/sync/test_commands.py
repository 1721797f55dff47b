"""`triptych watch` and `triptych sync`, from the dry run to the answerable document."""

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.commands import sync as command
from core.errors import BadInput
from core.ingestion import intake
from core.settings import Settings
from core.sync import sources
from core.workspace import Workspace
from tests.core.sync.conftest import put


def test_a_folder_is_followed_from_the_command_line(
    settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Workspace.open(settings) as ws:
        intake.create_corpus(ws, "papers", "legal")
    put(folder, "lease.md", "# Lease\n\nThe rent is 4,200 euro.\n")
    put(folder, "photo.bin", b"MZ\0\0" * 20)
    dry, real = command.Options(True, False), command.Options(False, True, yes=True)
    assert command.watch(settings, "papers", [str(folder)], "remove", None, dry) == 0
    said = capsys.readouterr().out
    assert "+ lease.md" in said
    assert "! photo.bin: Files of this kind are not read" in said
    assert command.watch(settings, "papers", [str(folder)], "remove", 5, real) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["new"], told["failed"], told["documents"]) == (1, 0, 1)
    assert list(told["left_out"]) == ["photo.bin"]
    (folder / "lease.md").unlink()
    put(folder, "notice.md", "# Notice\n\nNinety days.\n")
    assert command.sync(settings, "papers", command.Options(True, True)) == 0
    (plan,) = json.loads(capsys.readouterr().out)
    assert (plan["added"], plan["removed"], plan["withheld"]) == (["notice.md"], ["lease.md"], False)
    assert command.sync(settings, "papers", real) == 0
    with Workspace.open(settings) as ws:
        (source,) = ws.sources.list()
        assert (source.every_minutes, source.enabled) == (5, True)
        assert [row.name for row in ws.corpora.documents(source.corpus_id)] == ["papers/notice.md"]


def test_what_cannot_be_followed_is_said_in_a_line(settings: Settings, folder: Path) -> None:
    with Workspace.open(settings) as ws:
        intake.create_corpus(ws, "papers", "legal")
    options = command.Options(False, False)
    with pytest.raises(BadInput, match="no corpus"):
        command.sync(settings, "other", options)
    with pytest.raises(BadInput, match="no source"):
        command.sync(settings, "papers", options)
    with pytest.raises(BadInput, match="no folder"):
        command.watch(settings, "papers", [str(folder / "absent")], "keep", None, options)
    with pytest.raises(BadInput, match="no web address"):
        command.watch(settings, "papers", ["ftp://x/y"], "keep", None, options)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], object]]:
    """Standard input is a terminal at which somebody types."""
    typed, shown = os.openpty()
    with os.fdopen(shown) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield lambda line: os.write(typed, line.encode() + b"\n")
    os.close(typed)


def papers(settings: Settings, folder: Path) -> None:
    with Workspace.open(settings) as ws:
        intake.create_corpus(ws, "papers", "legal")
    put(folder, "lease.md", "# Lease\n\nThe rent is 4,200 euro.\n")


def test_a_new_source_is_synced_once_a_person_saw_what_that_does(
    settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str], terminal: Callable[[str], object]
) -> None:
    papers(settings, folder)
    options = command.Options(False, False)
    terminal("n")
    assert command.watch(settings, "papers", [str(folder)], "keep", None, options) == 3
    said = capsys.readouterr().err
    assert "+ lease.md" in said
    assert "Nothing was done" in said
    with Workspace.open(settings) as ws:
        assert ws.sources.list() == []
        assert ws.jobs.list() == []
    terminal("y")
    assert command.watch(settings, "papers", [str(folder)], "keep", None, options) == 0
    assert command.sync(settings, "papers", options) == 0, "it was agreed to already: nobody is asked again"
    with Workspace.open(settings) as ws:
        (source,) = ws.sources.list()
        assert source.enabled


def test_without_a_terminal_a_first_sync_has_to_be_agreed_to_beforehand(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers(settings, folder)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    options = command.Options(False, False)
    with pytest.raises(BadInput, match="--dry-run, then add --yes"):
        command.watch(settings, "papers", [str(folder)], "keep", None, options)
    with Workspace.open(settings) as ws:
        assert ws.sources.list() == []
        source = sources.add_folder(ws, ws.corpora.list()[0].id, folder)
    with pytest.raises(BadInput, match="--dry-run, then add --yes"):
        command.sync(settings, "papers", options)
    assert command.sync(settings, "papers", command.Options(False, False, yes=True)) == 0
    with Workspace.open(settings) as ws:
        assert ws.sources.count_documents(source.id) == 1


def test_a_dry_run_tells_what_is_here_already_and_what_would_be_replaced(
    settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(folder, "lease.md", "# Lease\n\nThe rent is 4,200 euro.\n")
    with Workspace.open(settings) as ws:
        corpus = intake.create_corpus(ws, "papers", "legal").id
        sources.add_folder(ws, corpus, folder)
        sources.add_urls(ws, corpus, ["http://127.0.0.1:1/a"])
        uploads = [("by hand.md", (folder / "lease.md").read_bytes()), ("papers/new.md", b"# Old\n\nOld.\n")]
        intake.add_files(ws, corpus, uploads)
    put(folder, "new.md", "# New\n\nNew.\n")
    assert command.sync(settings, "papers", command.Options(True, True)) == 0
    plan = json.loads(capsys.readouterr().out)[0]
    assert plan["added"] == ["new.md"]
    assert plan["already_here"] == [{"path": "lease.md", "reason": "the same content is in by hand.md"}]
    assert [each["path"] for each in plan["replaces"]] == ["new.md"]
    command.watch(
        settings, "papers", ["http://127.0.0.1:1/a", "http://127.0.0.1:1/b"], "keep", None, command.Options(True, False)
    )
    assert "left out: http://127.0.0.1:1/a" in capsys.readouterr().err
