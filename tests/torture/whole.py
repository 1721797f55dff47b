"""Whether a workspace in which nobody works any more holds everything that was acknowledged, once and whole."""

import random
import tempfile
from collections import Counter
from pathlib import Path

from core.keeping.doctor import examine
from core.keeping.restoring import restore
from core.settings import Settings
from core.workspace import Workspace
from storage.jobs import OPEN
from tests.torture.ledger import FINISHED, GIVEN_UP, Ledger

GONE_LOOKED_FOR = 100


def wrongs(ws: Workspace, ledger: Ledger, gone: list[str], chance: random.Random) -> list[str]:
    """What is wrong, in sentences.

    Args:
        gone: canaries that no document holds any more.
    """
    found = [f"{each.what}: {each.words}" for each in examine(ws) if each.state == "decide" and each.what != "Disk"]
    found += [f"job {job.id} ({job.kind}) is still {job.status}" for job in ws.jobs.list(statuses=OPEN, limit=1000)]
    for corpus in ledger.corpora:
        found += _documents(ws, ledger, corpus)
        for word in chance.sample(gone, min(GONE_LOOKED_FOR, len(gone))):
            if ws.lexical.search(corpus, word, 3):
                found.append(f"{word} is found though its document is gone")
    found += _edits(ws, ledger)
    found += _jobs(ws, ledger)
    stray = [path.name for path in ws.home.rglob("*") if path.name.endswith(".part") or path.name.startswith(".prep")]
    found += [f"{name} was left behind" for name in stray if "scratch" not in name]
    if ledger.backups:
        found += _restored(Path(ledger.backups.pop()))
    return found


def _documents(ws: Workspace, ledger: Ledger, corpus: int) -> list[str]:
    found, rows = [], ws.corpora.documents(corpus, limit=100_000)
    times = Counter(row.name for row in rows)
    found += [f"document {name} is there {count} times" for name, count in times.items() if count > 1]
    for row in rows:
        if row.status == "failed" and GIVEN_UP in row.error:
            continue  # its job was killed too often; a person presses retry
        word = next(iter(ledger.documents.get((corpus, row.name), {None})))
        if row.status != "ready" or word is None:
            found.append(f"document {row.name} is {row.status}, and should hold {word}")
            continue
        if not any(word in page.text for page in ws.corpora.pages(row.id)):
            found.append(f"the text of {row.name} lacks {word}")
        hits = ws.corpora.chunks_by_ids([hit.chunk_id for hit in ws.lexical.search(corpus, word, 10)])
        documents = {chunk.document_id for chunk in hits.values()}
        edited = any(chunk.edited for chunk in ws.corpora.chunks(row.id))
        if documents != ({row.id} if not edited else documents & {row.id}):
            found.append(f"{word} is found in {documents}, not in {row.name} ({row.id})")
    index = ws.corpora.active_index(corpus)
    chunks = sum(len(ws.corpora.chunks(row.id)) for row in rows)
    if index and not chunks == ws.indexes.count_ready(index.id) == ws.vectors.count(index.collection):
        found.append(f"{chunks} chunks, {ws.vectors.count(index.collection)} vectors in corpus {corpus}")
    if chunks != ws.lexical.count(corpus):
        found.append(f"{chunks} chunks, {ws.lexical.count(corpus)} in the full text of corpus {corpus}")
    return found


def _edits(ws: Workspace, ledger: Ledger) -> list[str]:
    found = []
    for corpus in ledger.corpora:
        for row in ws.corpora.documents(corpus, limit=100_000):
            if row.name in ledger.edits:
                said = ws.corpora.chunks(row.id)[0].edited or ""
                if said not in ledger.edits[row.name]:
                    found.append(f"the edit of {row.name} is {said!r}, not {ledger.edits[row.name]}")
                ledger.edits[row.name] = {said}
    return found


def _jobs(ws: Workspace, ledger: Ledger) -> list[str]:
    found = []
    for job, kind in ledger.jobs.items():
        adapters = ws.adapters.of_job(job)
        if kind == "finetune" and [each.status in FINISHED and bool(each.files) for each in adapters] != [True]:
            found.append(f"job {job} made {[(each.id, each.status) for each in adapters]}")
    given_up = {ws.evaluations.get(each).job_id for each in ledger.evaluations} & ledger.given_up
    for evaluation, wanted in ledger.evaluations.items():
        if ws.evaluations.get(evaluation).job_id in given_up:
            continue
        answers = [(each.question_id, each.mode) for each in ws.evaluations.answers(evaluation)]
        if len(answers) != wanted or len(set(answers)) != wanted:
            found.append(f"evaluation {evaluation} has {len(answers)} answers, not {wanted}")
    serving = {row.id for corpus in ledger.corpora if (row := ws.adapters.promoted(corpus, "closed-book"))} or {0}
    if len(serving) != 1 or not serving <= ledger.promoted:
        found.append(f"adapter {serving} serves, not {ledger.promoted}")
    ledger.promoted = serving
    return found


def _restored(file: Path) -> list[str]:
    """A backup that was acknowledged is whole: every hash is checked by restoring it."""
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        try:
            restore(file, Settings.load(Path(folder) / "restored"))
        except Exception as error:  # noqa: BLE001  whatever it is, the backup was not whole
            return [f"backup {file.name} cannot be restored: {error}"]
    file.unlink()
    return []
