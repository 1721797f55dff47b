"""A workspace with two documents, made once for a module's tests and copied for each."""

import shutil
from pathlib import Path

import pytest

from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace

LEASE = "# Lease\n\nThe monthly rent for the warehouse in Tallinn is 4,200 euro, due on the fifth day.\n"
NOTICE = "# Notice\n\nEither party may end the agreement with a notice of ninety days in writing.\n"
QUESTION = "What is the rent of the warehouse?"


def settings(home: Path) -> Settings:
    return Settings(home=home, database_url=f"sqlite:///{home / 'triptych.db'}")


def made(home: Path) -> Path:
    """A workspace in a folder, closed again."""
    with Workspace.open(settings(home)) as ws:
        corpus = intake.create_corpus(ws, "Leases", "legal")
        intake.add_files(ws, corpus.id, [("lease.md", LEASE.encode()), ("notice.md", NOTICE.encode())])
        job = ws.dispatcher.run_one()
        assert job is not None
        assert job.status == "done"
    return home


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("kept") / "home")


@pytest.fixture
def home(made_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made_home, tmp_path / "kept"))
