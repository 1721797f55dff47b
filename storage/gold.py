"""Gold questions of a corpus: questions whose answers are known. Rows in, rows out.

A corpus holds each question once; two questions are the same when they differ in white space and case only.
Knows nothing of how they are asked or scored.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from storage import audit
from storage.corpora import parts
from storage.database import Database
from storage.errors import Exists, NotFound
from storage.rows import GoldRow, copied
from storage.tables import Corpus, GoldQuestion

Rows = list  # the word itself names a method of the class below
CHANGEABLE = frozenset(("question", "answer", "answerable", "documents", "page", "evidence", "meta"))


@dataclass(frozen=True, slots=True)
class GoldDraft:
    """A gold question before it is a row; fields as in the table `gold_questions`."""

    question: str
    answer: str = ""
    answerable: bool = True
    documents: Sequence[str] = ()
    page: int | None = None
    evidence: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)
    origin: str = "written"


class GoldQuestions:
    """All writes are one transaction each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, corpus_id: int, draft: GoldDraft) -> GoldRow:
        """Add one question; raises NotFound without the corpus, Exists when it has that question already."""
        added = self.add_many(corpus_id, [draft])
        if not added:
            raise Exists(f"the gold question {draft.question!r}")
        return added[0]

    def add_many(self, corpus_id: int, drafts: Iterable[GoldDraft]) -> Rows[GoldRow]:
        """Add those questions that the corpus does not have yet, and return them; raises NotFound."""
        with self._database.write() as session:
            if session.get(Corpus, corpus_id) is None:
                raise NotFound(f"corpus {corpus_id}")
            known = _known(session, corpus_id)
            new: list[GoldQuestion] = []
            for draft in drafts:
                if _same(draft.question) not in known:
                    known[_same(draft.question)] = 0
                    new.append(GoldQuestion(corpus_id=corpus_id, **_values(draft)))
            session.add_all(new)
            session.flush()
            if new:
                audit.note(session, "added", "gold questions", corpus_id=corpus_id, number=len(new))
            return [copied(GoldRow, row) for row in new]

    def list(
        self, corpus_id: int, *, offset: int = 0, limit: int | None = None, search: str = "", origin: str = ""
    ) -> Rows[GoldRow]:
        """A corpus's questions, oldest first; `search` is a part of question or answer."""
        query = select(GoldQuestion).where(*_matching(corpus_id, search, origin)).order_by(GoldQuestion.id)
        with self._database.read() as session:
            return [copied(GoldRow, row) for row in session.scalars(query.offset(offset).limit(limit))]

    def count(self, corpus_id: int, *, search: str = "", origin: str = "") -> int:
        """How many questions `list` gives without a limit."""
        query = select(func.count(GoldQuestion.id)).where(*_matching(corpus_id, search, origin))
        with self._database.read() as session:
            return session.scalar(query) or 0

    def update(self, gold_id: int, **changes: Any) -> GoldRow:
        """Change fields of a question, all but its corpus, origin and age.

        Raises:
            NotFound: it is gone. Exists: the corpus has another question in these words.
        """
        assert changes.keys() <= CHANGEABLE, sorted(changes.keys() - CHANGEABLE)
        with self._database.write() as session:
            row = session.get(GoldQuestion, gold_id)
            if row is None:
                raise NotFound(f"gold question {gold_id}")
            known = _known(session, row.corpus_id)
            if known.get(_same(changes.get("question", row.question)), gold_id) != gold_id:
                raise Exists(f"the gold question {changes['question']!r}")
            for name, value in changes.items():
                setattr(row, name, list(value) if name == "documents" else value)
            audit.note(session, "changed", "gold question", gold_id, corpus_id=row.corpus_id)
            return copied(GoldRow, row)

    def delete(self, gold_ids: Iterable[int]) -> None:
        """Delete questions; those that are gone are passed over."""
        with self._database.write() as session:
            _note_deleted(session, gold := sorted(set(gold_ids)))
            for part in parts(gold):
                session.execute(delete(GoldQuestion).where(GoldQuestion.id.in_(part)))
        self._database.forget_deleted()


def _note_deleted(session: Session, gold_ids: Sequence[int]) -> None:
    found = Counter[int]()
    for part in parts(gold_ids):
        found.update(session.scalars(select(GoldQuestion.corpus_id).where(GoldQuestion.id.in_(part))))
    for corpus_id, number in sorted(found.items()):
        audit.note(session, "deleted", "gold questions", corpus_id=corpus_id, number=number)


def _values(draft: GoldDraft) -> dict[str, Any]:
    return asdict(draft) | {"documents": list(draft.documents), "meta": dict(draft.meta)}


def _known(session: Session, corpus_id: int) -> dict[str, int]:
    """Ids by question, for telling which are there already."""
    rows = session.execute(
        select(GoldQuestion.question, GoldQuestion.id).where(GoldQuestion.corpus_id == corpus_id)
    ).all()
    return {_same(row[0]): row[1] for row in rows}


def _same(question: str) -> str:
    return " ".join(question.split()).casefold()


def _matching(corpus_id: int, search: str, origin: str) -> Sequence[ColumnElement[bool]]:
    found = GoldQuestion.question.icontains(search, autoescape=True)
    found |= GoldQuestion.answer.icontains(search, autoescape=True)
    only = [GoldQuestion.origin == origin] if origin else []
    return [GoldQuestion.corpus_id == corpus_id, *([found] if search else []), *only]
