"""What the harness has the server do: the same core calls as the pages, one function an act.

An act returns what it has to acknowledge, as JSON; when it returns, the person would see it done. `told` acknowledges a
part of it before.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.assistants import live
from core.errors import Conflict
from core.evaluation import running
from core.evaluation.questions import of_rows
from core.finetuning import registry, tuning
from core.ingestion import editing, intake, reindexing
from core.ingestion.embedders import Choice
from core.keeping import backup as backups
from core.repair import rebuild_vectors
from core.workspace import Workspace
from storage.examples import ExampleDraft
from storage.gold import GoldDraft

Told = Callable[[dict[str, Any]], None]
QUICK = {"epochs": 10.0, "batch": 4, "longest": 160, "looks": 30, "patience": 99, "rank": 4, "alpha": 8}


def corpus(ws: Workspace, _told: Told, name: str, base: str = "") -> dict[str, Any]:
    """A new corpus; `base` is a GGUF file that answers and learns for it."""
    made = intake.create_corpus(ws, name, "legal")
    if base:
        row = ws.base_models.by_name("tiny") or ws.base_models.create("tiny", "gguf", base)
        ws.assistants.choose_base_model(made.id, row.id)
    return {"id": made.id}


def delete_corpus(ws: Workspace, _told: Told, corpus: int) -> dict[str, Any]:
    intake.delete_corpus(ws, corpus)
    return {}


def upload(ws: Workspace, _told: Told, corpus: int, files: dict[str, str]) -> dict[str, Any]:
    took = intake.add_files(ws, corpus, [(name, text.encode()) for name, text in files.items()])
    assert not took.rejected, took.rejected
    return {"job": took.job_id}


def retry(ws: Workspace, _told: Told, corpus: int) -> dict[str, Any]:
    """What a person does about documents whose job was given up."""
    return {"documents": intake.retry_all(ws, corpus, ws.corpora.document_ids(corpus, status="failed"))}


def delete(ws: Workspace, _told: Told, corpus: int, names: list[str]) -> dict[str, Any]:
    rows = ws.corpora.documents(corpus, limit=10_000)
    intake.delete_documents(ws, [row.id for row in rows if row.name in names])
    return {}


def ask(ws: Workspace, told: Told, corpus: int, question: str, conversation: int | None) -> dict[str, Any]:
    talk = conversation or ws.conversations.create(corpus).id
    answer = live.start(ws, talk, question, "rag")
    told({"conversation": talk, "answer": answer})
    for _ in live.follow(ws, answer):
        pass
    row = ws.conversations.message(answer)
    return {"conversation": talk, "answer": answer, "text": row.text, "status": row.status}


def forget(ws: Workspace, _told: Told, conversation: int) -> dict[str, Any]:
    """Delete a conversation."""
    ws.conversations.delete(conversation)
    return {}


def forget_adapters(ws: Workspace, _told: Told, corpus: int) -> dict[str, Any]:
    """Delete every adapter whose training is over."""
    for row in ws.adapters.list(corpus):
        if row.status != "training":
            registry.delete(ws, row.id)
    return {}


def vote(ws: Workspace, _told: Told, answer: int, verdict: str, correction: str) -> dict[str, Any]:
    ws.conversations.give_feedback(answer, verdict, correction)
    return {}


def edit(ws: Workspace, _told: Told, corpus: int, name: str, text: str) -> dict[str, Any]:
    row = next(row for row in ws.corpora.documents(corpus, limit=10_000) if row.name == name)
    if row.status != "ready":
        raise Conflict("It is being indexed.", "Try again when it is ready.")
    editing.edit(ws, ws.corpora.chunks(row.id)[0].id, text)
    return {}


def gold(ws: Workspace, _told: Told, corpus: int, question: str, answer: str) -> dict[str, Any]:
    return {"id": ws.gold.add(corpus, GoldDraft(question, answer)).id}


def examples(ws: Workspace, _told: Told, corpus: int, pairs: dict[str, str]) -> dict[str, Any]:
    drafts = [ExampleDraft(question, answer) for question, answer in pairs.items()]
    return {"added": ws.examples.add(corpus, drafts)}


def train(ws: Workspace, _told: Told, corpus: int) -> dict[str, Any]:
    return {"job": tuning.start(ws, corpus, ("closed-book",), "quick", dict(QUICK)).id}


def promote(ws: Workspace, _told: Told, adapter: int) -> dict[str, Any]:
    ws.adapters.promote(adapter)
    return {}


def evaluate(ws: Workspace, _told: Told, corpus: int) -> dict[str, Any]:
    golds = of_rows(ws.gold.list(corpus)[:12])
    row = running.start(ws, corpus, golds, ["base", "quote", "rag"])
    return {"evaluation": row.id, "job": row.job_id, "answers": 3 * len(golds)}


def rebuild(ws: Workspace, _told: Told) -> dict[str, Any]:
    """As `triptych doctor --repair` does when both look-ups differ from the rows."""
    ws.lexical.rebuild()
    for index in ws.corpora.indexes():
        rebuild_vectors(ws, index)
    return {}


def reindex(ws: Workspace, _told: Told, corpus: int, folder: str) -> dict[str, Any]:
    """The other embedding model: begun where the packaged one serves, else the packaged one swapped in again."""
    other, active = ws.index_changes.other(corpus), ws.corpora.active_index(corpus)
    if other is not None and active is not None:
        reindexing.swap(ws, other.id)
        return {"swapped": other.id}
    probed = ws.embedders.probe(Choice("folder", folder))
    return {"begun": reindexing.begin(ws, corpus, probed).id}


def backup(ws: Workspace, _told: Told, file: str) -> dict[str, Any]:
    return {"members": backups.write(ws, Path(file)).members}


ACTS: dict[str, Callable[..., dict[str, Any]]] = {
    act.__name__: act
    for act in (
        *(corpus, delete_corpus, upload, retry, delete, ask, vote, edit, gold, examples),
        *(forget, forget_adapters, train, promote, evaluate, rebuild, reindex, backup),
    )
}
