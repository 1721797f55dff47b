"""`triptych adapters`, run as people run it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from core.settings import Settings
from core.workspace import Workspace


def triptych(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "core.cli", "adapters", *arguments, "--corpus", "leases"]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)


def test_adapters_are_listed_promoted_rolled_back_withdrawn_and_deleted_beside_a_server(tmp_path: Path) -> None:
    with Workspace.open(Settings.load(tmp_path / "workspace")) as ws:
        corpus = ws.corpora.create("leases", "legal")
        for _ in range(2):
            ws.adapters.take_in(corpus.id, "grounded", "SmolLM2", "x", note="imported.")
        assert "does not serve" not in triptych("promote", "grounded-v1").stderr
        assert triptych("promote", "grounded-v2").stdout.startswith("grounded-v2 serves. The gate did not see it win.")
        told = {row["name"]: row["status"] for row in json.loads(triptych("list", "--json").stdout)}
        assert told == {"grounded-v1": "retired", "grounded-v2": "promoted"}
        assert triptych("rollback", "grounded").stdout == "grounded-v1 serves again.\n"
        assert triptych("withdraw", "grounded").returncode == 0
        assert triptych("withdraw", "grounded-v1").returncode == 2
        assert triptych("delete", "grounded-v1").returncode == 0
        assert [row.version for row in ws.adapters.list(corpus.id)] == [2]


def test_what_is_not_there_or_refused_is_one_line_and_exit_2(tmp_path: Path) -> None:
    with Workspace.open(Settings.load(tmp_path / "workspace")) as ws:
        ws.corpora.create("leases", "legal")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "adapter_model.bin").write_bytes(b"cos")
    for arguments, why in (
        (("promote", "grounded-v9"), "There is no adapter grounded-v9."),
        (("promote", "sparse-v1"), "names no adapter"),
        (("judge", "grounded-v9"), "There is no adapter grounded-v9."),
        (("export", "grounded", "--form", "peft", "--out", str(tmp_path / "x.zip")), "There is no adapter grounded."),
        (("import", str(tmp_path / "mine"), "--kind", "grounded"), "is a pickle"),
        (("import", str(tmp_path / "nowhere"), "--kind", "grounded"), "There is no folder or zip"),
    ):
        done = triptych(*arguments)
        assert (done.returncode, why in done.stderr, done.stderr.count("\n")) == (2, True, 1), done.stderr
