"""What a workspace takes on disk, and what this installation is made of: for the Settings page and for reports."""

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.workspace import Workspace

PARTS = {
    "Rows (documents, conversations, jobs)": ("triptych.db", "triptych.db-wal", "triptych.db-shm"),
    "Uploaded files": ("files",),
    "Vectors": ("vectors",),
    "Converted base models": ("models",),
}
PACKAGES = ("triptych", "streamlit", "chromadb", "openvino-genai", "torch", "transformers", "langchain-core")


@dataclass(frozen=True, slots=True)
class Taken:
    """One part of the workspace and its size in bytes."""

    what: str
    bytes: int


def taken(workspace: "Workspace") -> list[Taken]:
    """The parts of the workspace folder; what is in none of them is "Other"."""
    home = workspace.home
    found = [Taken(what, sum(_bytes(home / name) for name in names)) for what, names in PARTS.items()]
    known = {name for names in PARTS.values() for name in names}
    rest = sum(_bytes(path) for path in home.iterdir() if path.name not in known)
    return [*found, Taken("Other", rest)]


def versions() -> dict[str, str]:
    """Names and versions of what answers are made with."""
    return {"Python": platform.python_version()} | {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _bytes(path: Path) -> int:
    """Of a file or of all files below a folder; what vanishes meanwhile counts nothing, links are not followed."""
    return sum(_size(file) for file in _files(path))


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for folder, _, names in os.walk(path):
        yield from (Path(folder) / name for name in names)


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size
    except FileNotFoundError:
        return 0
