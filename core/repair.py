"""Puts a workspace in order at its start: what the last owner may have left behind when it went away.

The rows are the truth. Look-ups whose counts differ from them are made anew from them, without
embedding anything again.
"""

import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from core.conversations import files
from core.finetuning import registry
from core.finetuning.checkpoints import sha256
from core.ingestion.editing import feed
from storage.rows import IndexRow

if TYPE_CHECKING:
    from core.workspace import Workspace

log = logging.getLogger(__name__)
YOUNG_S = 3600.0
"""Another process may be about to write the row of a file younger than this."""
PROBE_S = 120.0
SEAL = "vectors.seal"
OURS = "corpus-"
"""How the names of our collections begin: a Chroma server may hold others."""


def after_start(ws: "Workspace") -> None:
    """Everything that a new owner puts in order; quick when there is nothing to do."""
    ws.conversations.mark_interrupted()
    if ws.lexical.forget():
        ws.database.forget_deleted()
    if requeued := ws.jobs.requeue_abandoned():
        log.info("%d jobs go on where the last process left them", requeued)
    for folder in ws.scratch.parent.iterdir():
        if folder.name.isdigit() and not _alive(int(folder.name)):
            shutil.rmtree(folder, ignore_errors=True)
    ws.files.sweep(ws.documents.needs_file, YOUNG_S)
    if ws.corpora.indexes() or (ws.home / "vectors").exists():
        check_look_ups(ws)
    if stray := registry.sweep(ws):
        log.info("%d folders of adapters that are gone were deleted", stray)
    if orphans := files.delete_orphans(ws):
        log.info("%d sets of files of conversations that are gone were deleted", orphans)


def check_look_ups(ws: "Workspace") -> None:
    """Compare full text and vectors with the rows, and make anew what differs."""
    embedded = not ws.settings.chroma_url
    if embedded and ws.lock is not None and damaged(ws):
        log.warning("the vectors were damaged; they are made anew from the rows")
        shutil.rmtree(ws.home / "vectors", ignore_errors=True)
    for corpus_id, rows in ws.edits.unfed().items():
        feed(ws, corpus_id, rows)
    indexes = ws.corpora.indexes()
    for name in {name for name in ws.vectors.names() if name.startswith(OURS)} - {row.collection for row in indexes}:
        ws.vectors.drop(name)
    for index in indexes:
        if ws.vectors.count(index.collection) != ws.indexes.count_ready(index.id):
            rebuild_vectors(ws, index)
    corpora = [corpus.id for hidden in (False, True) for corpus in ws.corpora.list(hidden)]
    if any(ws.lexical.count(corpus_id) != ws.indexes.count_chunks(corpus_id) for corpus_id in corpora):
        log.warning("the full text differs from the rows; it is made anew")
        ws.lexical.rebuild()


def damaged(ws: "Workspace") -> bool:
    """Whether Chroma's files are not to be opened: changed since an orderly end, or not searchable by a child."""
    seal, folder = ws.home / SEAL, ws.home / "vectors"
    try:
        sealed = json.loads(seal.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        sealed = None
    seal.unlink(missing_ok=True)  # from here on they change
    if not folder.is_dir():
        return False
    if sealed is not None and ws.lock is not None and not ws.lock.unclean:
        return bool(sealed != _hashes(folder))
    return not survives_probe(ws)


def seal_vectors(ws: "Workspace") -> None:
    """Write down the sha256 of Chroma's files at an orderly end: whatever changes them afterwards is noticed."""
    folder = ws.home / "vectors"
    if folder.is_dir():
        part = ws.home / f".{SEAL}.part"
        part.write_text(json.dumps(_hashes(folder)), "utf-8")
        part.replace(ws.home / SEAL)


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}


def rebuild_vectors(ws: "Workspace", index: IndexRow) -> None:
    """Make an index's collection anew from the vectors' rows."""
    log.warning("the vectors of corpus %d differ from the rows; they are made anew", index.corpus_id)
    ws.vectors.rebuild(index.collection, ws.indexes.ready(index.id))


def survives_probe(ws: "Workspace") -> bool:
    """Whether a child can open and search every collection: damage may end the process that meets it."""
    command = [sys.executable, "-m", "storage.probe", str(ws.home / "vectors")]
    try:
        return subprocess.run(command, capture_output=True, timeout=PROBE_S, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
