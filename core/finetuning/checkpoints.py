"""Checkpoints that are whole or absent: tensors and state written aside, hashed, and named by a manifest last.

    checkpoints/step-000120/   adapter.safetensors  optimizer.safetensors  state.json  manifest.json

A folder is renamed into place when everything in it is on the disk; one whose hashes do not agree with its
manifest is passed over for the one before. Knows nothing of models or training.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
KEPT = 2
"""Newest checkpoints that stay, beside the best one."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`state` is what `save` was given; tensors are read by name from the folder."""

    folder: Path
    step: int
    state: dict[str, Any]

    def tensors(self, name: str) -> dict[str, Any]:
        """The tensors saved as `name`, on the CPU."""
        from safetensors.torch import load_file

        return dict(load_file(self.folder / f"{name}.safetensors"))


def save(root: Path, step: int, tensors: Mapping[str, Mapping[str, Any]], state: dict[str, Any]) -> Path:
    """Write one checkpoint; afterwards it is on the disk, whole.

    Args:
        root: the folder of all checkpoints of a run.
        tensors: file name without ending -> tensors by name.

    Raises:
        OSError: the disk is full or broken; nothing half-written is left under its final name.
    """
    from safetensors.torch import save_file

    root.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".writing-", dir=root))
    try:
        for name, values in tensors.items():
            save_file({key: value.contiguous() for key, value in values.items()}, aside / f"{name}.safetensors")
        _write(aside / "state.json", json.dumps({"step": step, **state}))
        hashes = {file.name: sha256(file) for file in sorted(aside.iterdir())}
        for name in hashes:
            _sync(aside / name)
        _write(aside / MANIFEST, json.dumps(hashes, indent=1))
        target = root / f"step-{step:06d}"
        if target.exists():  # a run that was killed after its checkpoint comes by the same step again
            shutil.rmtree(target)
        aside.rename(target)
        _sync(root)
        return target
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def newest(root: Path) -> Checkpoint | None:
    """The newest complete checkpoint; None when there is none."""
    for folder in sorted(root.glob("step-*"), reverse=True):
        if (found := opened(folder)) is not None:
            return found
    return None


def opened(folder: Path) -> Checkpoint | None:
    """A checkpoint whose files are those that its manifest names; None otherwise."""
    try:
        hashes: dict[str, str] = json.loads((folder / MANIFEST).read_text("utf-8"))
        if any(sha256(folder / name) != digest for name, digest in hashes.items()):
            return None
        state = json.loads((folder / "state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return Checkpoint(folder, int(state["step"]), state)


def prune(root: Path, best_step: int | None) -> None:
    """Keep the newest few and the best; take the rest and what was left half-written away."""
    folders = sorted(root.glob("step-*"), reverse=True)
    for folder in folders[KEPT:]:
        if best_step is None or folder.name != f"step-{best_step:06d}":
            shutil.rmtree(folder, ignore_errors=True)
    for left in root.glob(".writing-*"):
        shutil.rmtree(left, ignore_errors=True)


def sha256(file: Path) -> str:
    """Of a file's bytes, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
