"""The files of a small folder, to be sent to another machine and written there."""

from pathlib import Path

Files = dict[str, bytes]


def read_files(folder: Path) -> Files:
    """A folder's files by name."""
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file()}


def write_files(folder: Path, files: Files) -> None:
    """The same on this machine."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
