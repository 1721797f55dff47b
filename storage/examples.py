"""Training pairs of a corpus. Rows in, rows out.

A corpus holds each pair once: two pairs are the same when they differ in case and white space only. Knows
nothing of where pairs come from or how they are learned.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from storage import audit
from storage.corpora import parts
from storage.database import Database
from storage.errors import Exists, NotFound
from storage.rows import ExampleRow, copied
from storage.tables import Corpus, Example

Rows = list  # the word itself names a method of the class below
CHANGEABLE = frozenset(("question", "answer", "status", "evidence", "document", "page"))


@dataclass(frozen=True, slots=True)
class ExampleDraft:
    """A training pair before it is a row; fields as in the table `examples`."""

    question: str
    answer: str
    document: str = ""
    page: int | None = None
    evidence: str = ""
    form: str = ""
    origin: str = "upload"
    status: str = "accepted"
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Names question and answer, without regard to case and white space."""
        return digest(self.question, self.answer)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which examples: all of the fields that are given must hold; `search` is looked for in question and answer."""

    status: str = ""
    origin: str = ""
    document: str = ""
    search: str = ""


class Examples:
    """All writes are one transaction each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, corpus_id: int, drafts: Iterable[ExampleDraft]) -> int:
        """Add those pairs that the corpus does not have yet; returns how many. Raises NotFound."""
        with self._database.write() as session:
            if session.get(Corpus, corpus_id) is None:
                raise NotFound(f"corpus {corpus_id}")
            known = set(session.scalars(select(Example.digest).where(Example.corpus_id == corpus_id)))
            added, origins = 0, Counter[str]()
            for draft in drafts:
                if draft.digest in known:
                    continue
                known.add(draft.digest)
                values = asdict(draft) | {"meta": dict(draft.meta)}
                session.add(Example(corpus_id=corpus_id, digest=draft.digest, **values))
                added += 1
                origins[draft.origin] += 1
            for origin, number in sorted(origins.items()):
                audit.note(session, "added", "examples", corpus_id=corpus_id, number=number, origin=origin)
            return added

    def list(
        self, corpus_id: int, where: Filter | None = None, limit: int | None = None, offset: int = 0
    ) -> Rows[ExampleRow]:
        """Examples in the order in which they came."""
        query = select(Example).where(*_conditions(corpus_id, where)).order_by(Example.id).offset(offset).limit(limit)
        with self._database.read() as session:
            return [copied(ExampleRow, row) for row in session.scalars(query)]

    def count(self, corpus_id: int, where: Filter | None = None) -> int:
        """How many there are."""
        query = select(func.count(Example.id)).where(*_conditions(corpus_id, where))
        with self._database.read() as session:
            return session.scalar(query) or 0

    def ids(self, corpus_id: int) -> set[int]:
        """The ids of all of a corpus's examples."""
        with self._database.read() as session:
            return set(session.scalars(select(Example.id).where(Example.corpus_id == corpus_id)))

    def counts(self, corpus_id: int) -> dict[str, int]:
        """How many there are of each status."""
        query = select(Example.status, func.count(Example.id)).where(Example.corpus_id == corpus_id)
        with self._database.read() as session:
            return {row[0]: row[1] for row in session.execute(query.group_by(Example.status))}

    def by_document(self, corpus_id: int) -> dict[str, int]:
        """How many accepted ones there are of each document."""
        query = select(Example.document, func.count(Example.id)).where(
            Example.corpus_id == corpus_id, Example.status == "accepted"
        )
        with self._database.read() as session:
            return {row[0]: row[1] for row in session.execute(query.group_by(Example.document))}

    def update(self, example_id: int, **changes: Any) -> None:
        """Change one; raises NotFound, and Exists when the corpus has the changed pair already."""
        if not changes.keys() <= CHANGEABLE:
            raise ValueError(f"not changeable: {sorted(changes.keys() - CHANGEABLE)}")
        with self._database.write() as session:
            row = session.get(Example, example_id)
            if row is None:
                raise NotFound(f"example {example_id}")
            for name, value in changes.items():
                setattr(row, name, value)
            name = digest(row.question, row.answer)
            same = select(Example.id).where(
                Example.corpus_id == row.corpus_id, Example.digest == name, Example.id != row.id
            )
            with session.no_autoflush:
                if session.scalar(same) is not None:
                    raise Exists(f"the example {row.question!r}")
            row.digest = name
            audit.note(session, "changed", "example", example_id, corpus_id=row.corpus_id)

    def set_status(self, example_ids: Sequence[int], status: str) -> None:
        """Accept or reject many."""
        with self._database.write() as session:
            _note(session, status, example_ids)
            for part in parts(example_ids):
                session.execute(update(Example).where(Example.id.in_(part)).values(status=status))

    def delete(self, example_ids: Sequence[int]) -> None:
        """Delete many; those that are gone already do not matter."""
        with self._database.write() as session:
            _note(session, "deleted", example_ids)
            for part in parts(example_ids):
                session.execute(delete(Example).where(Example.id.in_(part)))


def digest(question: str, answer: str) -> str:
    """32 hex digits that name a pair, without regard to case and white space."""
    plain = "\n".join(" ".join(text.casefold().split()) for text in (question, answer))
    return hashlib.sha256(plain.encode()).hexdigest()[:32]


def _note(session: Session, action: str, example_ids: Sequence[int]) -> None:
    """Tell what happens to many, an entry a corpus."""
    found = Counter[int]()
    for part in parts(example_ids):
        found.update(session.scalars(select(Example.corpus_id).where(Example.id.in_(part))))
    for corpus_id, number in sorted(found.items()):
        audit.note(session, action, "examples", corpus_id=corpus_id, number=number)


def _conditions(corpus_id: int, where: Filter | None) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Example.corpus_id == corpus_id]
    if where is None:
        return found
    for name in ("status", "origin", "document"):
        if value := getattr(where, name):
            found.append(getattr(Example, name) == value)
    if where.search:
        found.append(
            or_(
                Example.question.icontains(where.search, autoescape=True),
                Example.answer.icontains(where.search, autoescape=True),
            )
        )
    return found
