"""`triptych models`, run as people run it; the endpoint is a real server."""

import os
import subprocess
import sys
from pathlib import Path

from core.generation.scripted import ScriptedChat
from core.settings import Settings
from core.workspace import Workspace
from tests.core.generation.openai_server import KEY, serving


def triptych(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "core.cli", "models", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)


def test_a_base_model_is_added_tested_and_chosen(tmp_path: Path) -> None:
    with Workspace.open(Settings.load(tmp_path / "workspace")) as workspace:
        corpus = workspace.corpora.create("leases", "legal")
        with serving(ScriptedChat(answers=["A contract binds."])) as server:
            options = ("--kind", "endpoint", "--at", server.url, "--model", "tiny")
            added = triptych("add", "office", *options, TRIPTYCH_ENDPOINT_KEY=KEY)
            assert added.returncode == 0, added.stderr
            tested = triptych("test", "office")
            assert "A contract binds." in tested.stdout
            assert "reads 2048 tokens" in tested.stdout
        assert triptych("use", "office", "--corpus", "leases").returncode == 0
        assert "leases" in triptych("list").stdout
        assert KEY not in added.stdout + tested.stdout + triptych("list", "--json").stdout
        assert workspace.assistant(corpus.id).base_model == "office"
        down = triptych("test", "office")
        assert down.returncode == 3
        assert "cannot be reached" in down.stderr
        assert triptych("use", "nobody", "--corpus", "leases").returncode == 2
        assert triptych("use", "embedded", "--corpus", "leases").returncode == 0
        assert workspace.assistants.of(corpus.id).base_model_id is None
