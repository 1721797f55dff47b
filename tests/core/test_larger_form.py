"""The larger form: rows in PostgreSQL and vectors on a Chroma server, both started for the test."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import StoreDown, WorkspaceLocked
from core.settings import Settings
from core.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
LEASE = "# Lease\n\nThe monthly rent for the warehouse in Tallinn is 4,200 euro, due on the fifth day.\n"


@pytest.fixture
def settings(tmp_path: Path, postgres_url: str, chroma_url: str) -> Settings:
    return Settings(tmp_path / "home", postgres_url, chroma_url=chroma_url)


def triptych(settings: Settings, *arguments: object) -> "subprocess.CompletedProcess[str]":
    stores = {"TRIPTYCH_DATABASE_URL": settings.database_url, "TRIPTYCH_CHROMA_URL": settings.chroma_url}
    command = [sys.executable, "-m", "core.cli", *map(str, arguments), "--workspace", str(settings.home)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | stores)


def test_the_command_line_indexes_and_searches_and_a_second_machine_searches_too(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "lease.md").write_text(LEASE)
    done = triptych(settings, "index", "--domain", "legal", "--corpus", "contracts", tmp_path / "lease.md")
    assert (done.returncode, done.stdout) == (0, "1 ready\n"), done.stderr
    with Workspace.open(settings) as ws:
        index = ws.corpora.indexes()[0]
        assert ws.vectors.count(index.collection) == ws.indexes.count_ready(index.id) == ws.lexical.count(1) > 0
        assert not (settings.home / "vectors").exists()
        elsewhere = Settings(tmp_path / "elsewhere", settings.database_url, chroma_url=settings.chroma_url)
        with pytest.raises(WorkspaceLocked, match="another dashboard"):
            Workspace.open(elsewhere)
        found = triptych(elsewhere, "search", "--corpus", "contracts", "What is the rent?", "--json")
    assert json.loads(found.stdout)["results"][0]["document"] == "lease.md", found.stderr


def test_a_store_that_is_down_is_one_line_that_names_it(tmp_path: Path, sqlite_url: str) -> None:
    with pytest.raises(StoreDown, match=r"127\.0\.0\.1:9.*TRIPTYCH_DATABASE_URL"):
        Workspace.open(Settings(tmp_path / "home", "postgresql://someone:secret@127.0.0.1:9/rows"))
    without_vectors = Settings(tmp_path / "home", sqlite_url, chroma_url="http://127.0.0.1:9")
    with Workspace.open(without_vectors) as ws, pytest.raises(StoreDown, match="TRIPTYCH_CHROMA_URL"):
        _ = ws.vectors
