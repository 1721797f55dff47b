"""`triptych backup` and `triptych restore`, as one types them."""

import subprocess
import sys
from pathlib import Path

import pytest

from core.workspace import Workspace
from storage import people
from tests.core.keeping.conftest import settings

pytestmark = pytest.mark.embedded  # needs more than one workspace; test_moving.py has the larger form
ROOT = Path(__file__).resolve().parents[3]


def triptych(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "core.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_workspace_that_is_in_use_is_backed_up_and_restored_elsewhere(home: Path, tmp_path: Path) -> None:
    with Workspace.open(settings(home)):
        done = triptych("backup", tmp_path / "all.zip", "--workspace", home)
    assert done.returncode == 0, done.stderr
    assert "enter keys of endpoints again" in done.stdout
    done = triptych("restore", tmp_path / "all.zip", "--workspace", tmp_path / "new")
    assert done.returncode == 0, done.stderr
    again = triptych("restore", tmp_path / "all.zip", "--workspace", tmp_path / "new")
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    with Workspace.open(settings(tmp_path / "new"), owner=False) as ws:
        assert ws.corpora.statistics(ws.corpora.list()[0].id).ready == 2


def test_backing_up_what_is_no_workspace_makes_none(tmp_path: Path) -> None:
    done = triptych("backup", tmp_path / "all.zip", "--workspace", tmp_path / "nowhere")
    assert done.returncode == 2
    assert not (tmp_path / "nowhere").exists()


def test_a_person_is_forgotten_and_one_that_nobody_knows_is_told_who_is_known(home: Path) -> None:
    with Workspace.open(settings(home)) as ws:
        [name] = people.people(ws.database)
    done = triptych("forget-person", "somebody else", "--workspace", home)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"In it is: {name}." in done.stderr
    done = triptych("forget-person", name, "--workspace", home)
    assert done.returncode == 0, done.stderr
    assert f"{name} stood in " in done.stdout
    assert "are as they were written" in triptych("audit", "--verify", "--workspace", home).stdout
    with Workspace.open(settings(home), owner=False) as ws:
        assert people.people(ws.database) == {}
