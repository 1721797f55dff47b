"""Gives documents other names, and with them all that is kept by the name of a document.

Edits of chunks, examples, gold questions, evaluations and adapters name documents, since a name outlives a newer
version of one; the full text holds names as well. All of it follows in the caller's transaction: what stayed behind
would belong to nobody, and would outlive the deletion of the document. Every version that has the name goes along.
Files that hold names (the folders of adapters) are the caller's.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storage import audit
from storage.corpora import parts
from storage.lexical import Lexical
from storage.tables import (
    Adapter,
    Chunk,
    ChunkEdit,
    Document,
    Evaluation,
    EvaluationAnswer,
    EvaluationFinding,
    Example,
    GoldQuestion,
)

Names = dict[str, str]


def rename(session: Session, lexical: Lexical, wanted: Mapping[int, str]) -> tuple[set[int], dict[int, Names]]:
    """Name documents, by id, where no other document of their corpus has that name.

    Returns:
        the ids renamed or named so already; and by corpus the names that were left, each with the one in its place.
    """
    done: set[int] = set()
    moved: dict[int, Names] = {}
    for document_id, name in wanted.items():
        document = session.get(Document, document_id)
        if document is None or _taken(session, document, name):
            continue
        done.add(document_id)
        if document.name != name:
            _note(moved.setdefault(document.corpus_id, {}), document.name, name)
            _move(session, document.corpus_id, document.name, name)
            audit.note(session, "renamed", "document", document_id, name=name, corpus_id=document.corpus_id)
    for corpus_id, names in moved.items():
        _move_mentions(session, corpus_id, names)
        _search_again(session, lexical, corpus_id, names)
    return done, moved


def _taken(session: Session, document: Document, name: str) -> bool:
    same = select(Document.id).where(Document.corpus_id == document.corpus_id, Document.name == name)
    return document.name != name and session.scalar(same.limit(1)) is not None


def _note(names: Names, old: str, new: str) -> None:
    """Of a document that is named twice only the first name and the last count."""
    first = next((before for before, after in names.items() if after == old), old)
    names[first] = new


def _move(session: Session, corpus_id: int, old: str, new: str) -> None:
    """What holds one name in a column of its own."""
    columns = (Document, Document.name), (ChunkEdit, ChunkEdit.document_name), (Example, Example.document)
    for table, column in columns:
        named = (table.corpus_id == corpus_id) & (column == old)
        session.execute(update(table).where(named).values({column.key: new}))


def _move_mentions(session: Session, corpus_id: int, names: Names) -> None:
    """What holds names among other things."""
    for gold in session.scalars(select(GoldQuestion).where(GoldQuestion.corpus_id == corpus_id)):
        if names.keys() & set(gold.documents):
            gold.documents = _all(names, gold.documents)
    for adapter in session.scalars(select(Adapter).where(Adapter.corpus_id == corpus_id)):
        if names.keys() & adapter.documents.keys():
            adapter.documents = {names.get(name, name): sha256 for name, sha256 in adapter.documents.items()}
        if names.keys() & set(adapter.result.get("corpus") or ()):
            adapter.result = adapter.result | {"corpus": sorted(_all(names, adapter.result["corpus"]))}
    for run in session.scalars(select(Evaluation).where(Evaluation.corpus_id == corpus_id)):
        if any(names.keys() & set(each.get("documents") or ()) for each in run.questions):
            run.questions = [each | {"documents": _all(names, each.get("documents") or ())} for each in run.questions]
    _move_measured(session, corpus_id, names)


def _move_measured(session: Session, corpus_id: int, names: Names) -> None:
    """Places that answers of evaluations name, and documents of which a change was asked for."""
    answers = select(EvaluationAnswer).join(Evaluation, Evaluation.id == EvaluationAnswer.evaluation_id)
    for answer in session.scalars(answers.where(Evaluation.corpus_id == corpus_id)):
        for column in ("citations", "passages"):
            places = getattr(answer, column)
            if any(place.get("document") in names for place in places):
                setattr(answer, column, [_place(names, place) for place in places])
    findings = select(EvaluationFinding).join(Evaluation, Evaluation.id == EvaluationFinding.evaluation_id)
    for row in session.scalars(findings.where(Evaluation.corpus_id == corpus_id)):
        content = _place(names, row.content)
        if "probes" in content:
            content = content | {"probes": [_place(names, each) for each in content["probes"]]}
        if content != row.content:
            row.content = content


def _place(names: Names, found: dict[str, Any]) -> dict[str, Any]:
    return found | {"document": names[found["document"]]} if found.get("document") in names else found


def _all(names: Names, found: Iterable[str]) -> list[str]:
    return [names.get(name, name) for name in found]


def _search_again(session: Session, lexical: Lexical, corpus_id: int, names: Names) -> None:
    """The full text of ready documents holds their names; of others it holds nothing yet."""
    session.flush()
    for part in parts(sorted(set(names.values()))):
        of_names = Document.name.in_(part) & (Document.corpus_id == corpus_id) & (Document.status == "ready")
        rows = session.execute(select(Chunk.id).join(Document, Document.id == Chunk.document_id).where(of_names)).all()
        lexical.remove(session, [row.id for row in rows], wipe=False)
        lexical.add(session, rows)
