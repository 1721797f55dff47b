"""`triptych watch` and `triptych sync`, from the dry run to the answerable document."""

import json
from pathlib import Path

import pytest

from core.commands import sync as command
from core.errors import BadInput
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace
from tests.core.sync.conftest import put


def test_a_folder_is_followed_from_the_command_line(
    settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Workspace.open(settings) as ws:
        intake.create_corpus(ws, "papers", "legal")
    put(folder, "lease.md", "# Lease\n\nThe rent is 4,200 euro.\n")
    put(folder, "photo.bin", b"MZ\0\0" * 20)
    dry, real = command.Options(True, False), command.Options(False, True)
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
