"""Puts a workspace in order at its start: what the last owner may have left behind when it went away.

The rows are the truth. Look-ups whose counts differ from them, or that cannot be read, are made anew from them,
without embedding anything again. What was repaired is kept for the doctor to tell.
"""

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from core.conversations import files
from core.finetuning import registry
from core.finetuning.checkpoints import sha256
from core.ingestion.editing import feed
from core.repairs import Repair
from core.tracing import where
from storage import lexical, talk_text
from storage.errors import Damaged
from storage.rows import IndexRow

if TYPE_CHECKING:
    from core.workspace import Workspace

log = logging.getLogger(__name__)
YOUNG_S = 3600.0
"""Another process may be about to write the row of a file younger than this."""
PROBE_S = 120.0
SEAL = "vectors.seal"
VECTORS, FULL_TEXT, TALK = "Vectors", "Full text", "Full text of conversations"
"""Look-ups as people know them."""
WORDS = {lexical.TABLE: FULL_TEXT, talk_text.TABLE: TALK}
OURS = "corpus-"
"""How the names of our collections begin: a Chroma server may hold others."""


def after_start(ws: "Workspace", serving: bool = False) -> None:
    """Everything that a new owner puts in order; quick when there is nothing to do.

    Args:
        serving: look-ups are not made anew here but by the dispatcher, while the rows are searched in their place.
    """
    ws.conversations.mark_interrupted()
    _forget(ws)
    if requeued := ws.jobs.requeue_abandoned():
        log.info("%d jobs go on where the last process left them", requeued)
    for folder in ws.scratch.parent.iterdir():
        # One of our own number was a killed process's: in a container a server has the same number at each start.
        if folder.name.isdigit() and (folder == ws.scratch or not alive(int(folder.name))):
            shutil.rmtree(folder, ignore_errors=True)
    ws.scratch.mkdir(exist_ok=True)
    ws.documents.forget_originals()
    ws.files.sweep(ws.documents.needs_file, YOUNG_S)
    if ws.corpora.indexes() or (ws.home / "vectors").exists():
        check_look_ups(ws, serving)
    check_words(ws, serving)
    if stray := registry.sweep(ws):
        log.info("%d folders of adapters that are gone were deleted", stray)
    if orphans := files.delete_orphans(ws):
        log.info("%d sets of files of conversations that are gone were deleted", orphans)


def check_look_ups(ws: "Workspace", serving: bool = False) -> None:
    """Compare vectors with the rows, and make anew what differs."""
    embedded = not ws.settings.chroma_url
    differ = damaged(ws) if embedded and ws.lock is not None else set()
    if differ is None:
        log.warning("the vectors were damaged; they are made anew from the rows")
        shutil.rmtree(ws.home / "vectors", ignore_errors=True)
    wrong = agree(ws, differ or (), rebuild=not serving)
    if wrong and serving:
        ws.vectors.distrust(wrong)
        ws.owing.set()
    if not serving:
        _tell_vectors(ws, wrong, differ is None)


def check_words(ws: "Workspace", serving: bool = False) -> None:
    """Compare the full texts of documents and of conversations with the rows, and make anew what differs."""
    corpora = [corpus.id for hidden in (False, True) for corpus in ws.corpora.list(hidden)]
    if not ws.lexical.agrees({corpus_id: ws.indexes.count_chunks(corpus_id) for corpus_id in corpora}):
        ws.database.damaged.add(lexical.TABLE)
    if not ws.conversations.words_agree():
        ws.database.damaged.add(talk_text.TABLE)
    if not serving:
        mend_words(ws)


def mend_words(ws: "Workspace") -> None:
    """Make anew the full texts that are known to differ from the rows; others go on asking and writing meanwhile.

    One that cannot be made anew is left to the doctor and to the next start: questions are answered without it.
    """
    for table in sorted(ws.database.damaged - ws.unmended):
        what = WORDS[table]
        log.warning("the %s differs from the rows; it is made anew", what.lower())
        try:
            rebuild_words(ws, table)
        except Damaged as error:
            ws.unmended.add(table)
            log.error("the %s cannot be made anew: run triptych doctor\n%s", what.lower(), where(error))
        else:
            ws.repaired.append(Repair(what, "it differed from the rows and was made anew from them."))


def rebuild_words(ws: "Workspace", table: str) -> None:
    """Make a full text anew from the rows; raises Damaged when that cannot be done."""
    if table == talk_text.TABLE:
        ws.conversations.rebuild_words()
    elif ws.lexical.rebuild():
        ws.database.forget_deleted()
    ws.unmended.discard(table)


def agree(ws: "Workspace", differ: Collection[str] = (), rebuild: bool = True) -> list[str]:
    """Tell Chroma what it was not told, and make anew what differs in number, or is named.

    While an index job is at work its vectors come before its documents are ready: not to be called then.
    Returns the collections that differ, all of which were made anew unless `rebuild` is off.
    """
    for corpus_id, rows in ws.edits.unfed().items():
        feed(ws, corpus_id, rows)
    indexes = ws.corpora.indexes()
    ours = {name for name in ws.vectors.names() if name.startswith(OURS)}
    if gone := ours - {row.collection for row in indexes}:
        for name in gone:
            ws.vectors.drop(name)
        ws.vectors.leave_nothing()  # a deletion that was cut short was to leave none
    wrong = [
        index
        for index in indexes
        if index.collection in differ or ws.vectors.count(index.collection) != ws.indexes.count_ready(index.id)
    ]
    for index in wrong if rebuild else ():
        rebuild_vectors(ws, index)
    return [index.collection for index in wrong]


def settle(ws: "Workspace") -> None:
    """Make good what Chroma could not be told when it happened (a full disk, say), and what differed at the start.

    It is tried again while it fails.
    """
    mend_words(ws)
    if not ws.owing.is_set() or ws.jobs.list(statuses=["running"], limit=1):
        return
    ws.owing.clear()
    with ws.owing_vectors():
        _tell_vectors(ws, agree(ws, ws.vectors.distrusted))


def damaged(ws: "Workspace") -> set[str] | None:
    """The collections that differ from their rows; None when Chroma's files are not to be opened at all.

    They are not when they changed since an orderly end, or a child could not search them.
    """
    seal, folder = ws.home / SEAL, ws.home / "vectors"
    try:
        sealed = json.loads(seal.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        sealed = None
    seal.unlink(missing_ok=True)  # from here on they change
    if not folder.is_dir():
        return set()
    if sealed is not None and ws.lock is not None and not ws.lock.unclean:
        return None if sealed != _hashes(folder) else set()
    return probed(ws)


def seal_vectors(ws: "Workspace") -> None:
    """Write down the sha256 of Chroma's files at an orderly end: whatever changes them afterwards is noticed."""
    folder = ws.home / "vectors"
    if folder.is_dir():
        part = ws.home / f".{SEAL}.part"
        part.write_text(json.dumps(_hashes(folder)), "utf-8")
        part.replace(ws.home / SEAL)


def _forget(ws: "Workspace") -> None:
    """Take the words of what was removed out of the full text, should a deletion have been cut short."""
    try:
        if ws.lexical.forget():
            ws.database.forget_deleted()
    except Damaged as error:
        log.error("words of what was deleted may still be in the full text: run triptych doctor\n%s", where(error))


def _tell_vectors(ws: "Workspace", anew: Collection[str], unreadable: bool = False) -> None:
    """Keep for the doctor that collections were made anew."""
    if anew or unreadable:
        why = "their files were damaged" if unreadable else f"{len(anew)} indexes differed from the rows"
        ws.repaired.append(Repair(VECTORS, f"{why}; they were made anew from the rows."))


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}


def rebuild_vectors(ws: "Workspace", index: IndexRow) -> None:
    """Make an index's collection anew from the vectors' rows."""
    log.warning("the vectors of corpus %d differ from the rows; they are made anew", index.corpus_id)
    ws.vectors.rebuild(index.collection, ws.indexes.ready(index.id))


def probed(ws: "Workspace") -> set[str] | None:
    """What a child says that opens, searches and compares every collection: damage may end the process that meets it.

    Returns the collections that differ from their rows, None when the child did not get to its end.
    """
    command = [sys.executable, "-m", "storage.probe", str(ws.home / "vectors")]
    rows = os.environ | {"TRIPTYCH_DATABASE_URL": ws.settings.database_url}  # a command line is for all to see
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_S, env=rows, check=False)
    except subprocess.TimeoutExpired:
        return None
    return set(done.stdout.split()) if done.returncode == 0 else None


def alive(pid: int) -> bool:
    """Whether there is a process of that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
