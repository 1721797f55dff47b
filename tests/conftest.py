"""Every test gets a workspace of its own; none may touch the person's."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(autouse=True)
def _own_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path / "workspace"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared evaluation data (`data/`, `files/`, `hostile/`): TRIPTYCH_DATA, or beside the project."""
    folder = Path(os.environ.get("TRIPTYCH_DATA", Path(__file__).resolve().parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"the shared evaluation data is not at {folder}; set TRIPTYCH_DATA")
    return folder
