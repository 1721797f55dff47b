"""What the names of a followed folder's documents begin with: nothing that documents from elsewhere begin with."""

import os
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from core.ingestion.naming import clean_name
from core.sync.folder import Unsettled, digest, opened
from storage.recognising import same

if TYPE_CHECKING:
    from core.workspace import Workspace

ASKED = 50
"""So many files are read to find out whether documents came from this folder."""


def free(ws: "Workspace", corpus_id: int, folder: Path, files: Mapping[str, os.stat_result]) -> str:
    """The folder's name, with a number where other documents or sources have it.

    Documents that were kept when this very folder was followed before are no others: they go on under their names, and
    a changed file replaces its document.

    Args:
        files: what is in the folder, by path.
    """
    name = clean_name(folder.name)
    taken = {source.label for source in ws.sources.list(corpus_id) if source.kind == "folder"}
    names = ws.corpora.names(corpus_id)
    for number in count(1):
        label = name if number == 1 else f"{name} ({number})"
        ours = {each for each in names if each.startswith(f"{label}/")}
        if label not in taken and (not ours or _came_from(ws, corpus_id, label, ours, folder, files)):
            return label
    raise AssertionError("there is always another number")


def _came_from(
    ws: "Workspace", corpus_id: int, label: str, names: set[str], folder: Path, files: Mapping[str, os.stat_result]
) -> bool:
    """Whether most of the folder's files that have documents of their names have their contents, too."""
    contents = ws.corpora.contents(corpus_id)
    paths = {clean_name(f"{label}/{path}"): path for path in files}
    asked = sorted(name for name in names if name in contents and name in paths)[:ASKED]
    alike = sum(same(contents[name], _content(folder, paths[name])) for name in asked)
    return alike * 2 > len(asked)


def _content(folder: Path, path: str) -> str:
    try:
        with opened(folder, path) as file:
            return digest(file)
    except (OSError, Unsettled):
        return ""
