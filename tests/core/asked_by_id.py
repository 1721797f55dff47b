"""Whatever the stores read by an id, found by the signatures of their methods, so that a new one is asked as well.

Reading by an id alone is global on purpose: there are no accounts, and one person may open every corpus. A reader that
is told the corpus too has to give nothing of another corpus, whatever ids come with it.
"""

import inspect
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from core.workspace import Workspace
from tests.core.two_sides import Side

STORES = (
    "adapters", "assistants", "comparisons", "conversations", "corpora", "cuts", "documents", "edits", "evaluations",
    "examples", "gold", "index_changes", "indexes", "jobs", "lexical", "sources",
)  # fmt: skip
VALUES: dict[str, Callable[[Workspace, Side], Any]] = {
    "adapter_id": lambda ws, side: side.adapters["closed-book"],
    "chunk_id": lambda ws, side: side.chunks[0],
    "comparison_id": lambda ws, side: side.comparison,
    "conversation_id": lambda ws, side: side.talk,
    "count": lambda ws, side: 10,
    "document_id": lambda ws, side: side.documents[0],
    "document_ids": lambda ws, side: side.documents,
    "evaluation_id": lambda ws, side: side.evaluation,
    "files_corpus_id": lambda ws, side: side.files,
    "fingerprints": lambda ws, side: side.fingerprints,
    "ids": lambda ws, side: side.documents,
    "index": lambda ws, side: ws.corpora.active_index(side.corpus),
    "index_id": lambda ws, side: getattr(ws.corpora.active_index(side.corpus), "id", 0),
    "job_id": lambda ws, side: side.jobs[0],
    "keys": lambda ws, side: [(document, 1) for document in side.documents],
    "kind": lambda ws, side: "closed-book",
    "limit": lambda ws, side: 50,
    "message_id": lambda ws, side: side.answer,
    "names": lambda ws, side: side.names,
    "number": lambda ws, side: 1,
    "off": lambda ws, side: False,
    "ordinal": lambda ws, side: 0,
    "page": lambda ws, side: 1,
    "question": lambda ws, side: side.word,
    "source_id": lambda ws, side: side.source,
    "text": lambda ws, side: "Other words.",
    "wanted": lambda ws, side: side.word,
    "word": lambda ws, side: side.word,
    "words": lambda ws, side: [side.word],
}
"""What each parameter is given; one that is missing here makes the test say so."""
SPECIAL: dict[str, Callable[[Side], Any]] = {"corpora.chunks_by_ids": lambda side: side.chunks}
"""Where the parameter's name means something else."""
WITHOUT_ID = {
    "corpora.by_name",
    "documents.foresee",
    "documents.needs_file",
    "jobs.cancel_requested",
    "jobs.pause_requested",
    "lexical.agrees",
    "lexical.idf",
}
"""Readers that are given something else than an id: a name, a hash, files, words, the job one has claimed oneself."""


def readers(ws: Workspace) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every method that opens a transaction to read and is given an id or a row, by its name."""
    for store in STORES:
        for name, method in inspect.getmembers(getattr(ws, store), inspect.ismethod):
            named = f"{store}.{name}"
            if not name.startswith("_") and named not in WITHOUT_ID and reads(method.__func__) and parameters(method):
                yield named, method


@cache
def reads(function: Callable[..., Any]) -> bool:
    """Whether it opens a transaction to read."""
    return ".read()" in inspect.getsource(function)


def parameters(method: Callable[..., Any]) -> list[str]:
    """What a method has to be given; the corpus also where it may be left out."""
    found = inspect.signature(method).parameters.values()
    return [each.name for each in found if each.default is each.empty or each.name == "corpus_id"]


def asked(ws: Workspace, named: str, method: Callable[..., Any], mine: Side, other: Side) -> object:
    """What a reader says: about my corpus with the other's ids, or by my id alone."""
    wanted = parameters(method)
    whose = other if "corpus_id" in wanted else mine
    given = {
        name: mine.corpus if name == "corpus_id"
        else SPECIAL[named](whose) if named in SPECIAL
        else VALUES[name](ws, whose)
        for name in wanted
    }  # fmt: skip
    found = method(**given)
    return list(found) if isinstance(found, Iterator) else found
