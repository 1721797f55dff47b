"""Evaluations and their answers, and what people said about the five questions. Rows in, rows out.

An answer is kept once for each question and mode, so that a run that was killed goes on where it was. Knows nothing
of how answers are made or scored.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, func, select

from storage import audit
from storage.corpora import parts
from storage.database import Database
from storage.errors import NotFound
from storage.jobs import enqueue, guard
from storage.rows import EvaluationAnswerRow, EvaluationRow, FindingRow, JobRow, copied
from storage.tables import Consideration, Corpus, Evaluation, EvaluationAnswer, EvaluationFinding

Rows = list  # the word itself names a method of the class below


class Evaluations:
    """All writes are one transaction each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self,
        corpus_id: int,
        modes: Sequence[str],
        questions: Sequence[dict[str, Any]],
        left_out: Mapping[str, str],
        **facts: Any,
    ) -> EvaluationRow:
        """A new evaluation and the job that does it, in one step; raises NotFound."""
        with self._database.write() as session:
            if session.get(Corpus, corpus_id) is None:
                raise NotFound(f"corpus {corpus_id}")
            row = Evaluation(corpus_id=corpus_id, modes=list(modes), questions=list(questions),
                             left_out=dict(left_out), **facts)  # fmt: skip
            session.add(row)
            session.flush()
            row.job_id = enqueue(session, "evaluate", corpus_id, {"evaluation": row.id}).id
            session.flush()
            return copied(EvaluationRow, row)

    def get(self, evaluation_id: int) -> EvaluationRow:
        """One evaluation; raises NotFound."""
        with self._database.read() as session:
            row = session.get(Evaluation, evaluation_id)
            if row is None:
                raise NotFound(f"evaluation {evaluation_id}")
            return copied(EvaluationRow, row)

    def list(self, corpus_id: int, limit: int = 20) -> Rows[EvaluationRow]:
        """A corpus's evaluations, the newest first."""
        query = select(Evaluation).where(Evaluation.corpus_id == corpus_id).order_by(Evaluation.id.desc())
        with self._database.read() as session:
            return [copied(EvaluationRow, row) for row in session.scalars(query.limit(limit))]

    def measured(self, corpus_id: int | None = None, limit: int = 20) -> Rows[tuple[dict[str, Any], dict[str, Any]]]:
        """Fingerprints and summary of the newest evaluations of a corpus (None: of all), without their questions."""
        query = select(Evaluation.fingerprints, Evaluation.summary).order_by(Evaluation.id.desc())
        query = query if corpus_id is None else query.where(Evaluation.corpus_id == corpus_id)
        with self._database.read() as session:
            return [(row[0], row[1]) for row in session.execute(query.limit(limit))]

    def keep(self, job: JobRow, evaluation_id: int, answer: EvaluationAnswerRow) -> None:
        """Keep one answer for the worker that holds the job; one that is there already stays. May raise LeaseLost."""
        mine = (EvaluationAnswer.evaluation_id == evaluation_id, EvaluationAnswer.question_id == answer.question_id)
        with self._database.write() as session:
            guard(session, job)
            query = select(EvaluationAnswer.id).where(*mine, EvaluationAnswer.mode == answer.mode)
            if session.scalar(query) is None:
                session.add(EvaluationAnswer(evaluation_id=evaluation_id, **asdict(answer)))

    def keep_many(self, job: JobRow, evaluation_id: int, answers: Sequence[EvaluationAnswerRow]) -> None:
        """Keep answers of which none is there yet, in one step. May raise LeaseLost."""
        with self._database.write() as session:
            guard(session, job)
            session.add_all(EvaluationAnswer(evaluation_id=evaluation_id, **asdict(answer)) for answer in answers)

    def known(self, corpus_id: int, fingerprints: Iterable[str]) -> dict[str, tuple[int, EvaluationAnswerRow]]:
        """Answers of a corpus's evaluations by their fingerprint, the newest of each, with its evaluation."""
        query = select(EvaluationAnswer).join(Evaluation).where(Evaluation.corpus_id == corpus_id)
        found: dict[str, tuple[int, EvaluationAnswerRow]] = {}
        with self._database.read() as session:
            for part in parts(sorted(set(fingerprints))):
                rows = session.scalars(
                    query.where(EvaluationAnswer.fingerprint.in_(part)).order_by(EvaluationAnswer.id)
                )
                found |= {row.fingerprint: (row.evaluation_id, copied(EvaluationAnswerRow, row)) for row in rows}
        return found

    def find(self, job: JobRow, evaluation_id: int, finding: FindingRow) -> None:
        """Keep what was measured beside the answers; one that is there already stays. May raise LeaseLost."""
        table = EvaluationFinding
        mine = (table.evaluation_id == evaluation_id, table.kind == finding.kind, table.key == finding.key)
        with self._database.write() as session:
            guard(session, job)
            if session.scalar(select(table.id).where(*mine)) is None:
                session.add(table(evaluation_id=evaluation_id, **asdict(finding)))

    def findings(self, evaluation_id: int, kind: str = "") -> Rows[FindingRow]:
        """What was measured beside the answers, in the order it came."""
        query = select(EvaluationFinding).where(EvaluationFinding.evaluation_id == evaluation_id)
        query = query.where(EvaluationFinding.kind == kind) if kind else query
        with self._database.read() as session:
            return [copied(FindingRow, row) for row in session.scalars(query.order_by(EvaluationFinding.id))]

    def answers(self, evaluation_id: int) -> Rows[EvaluationAnswerRow]:
        """All answers there are, in the order they came."""
        query = select(EvaluationAnswer).where(EvaluationAnswer.evaluation_id == evaluation_id)
        with self._database.read() as session:
            return [copied(EvaluationAnswerRow, row) for row in session.scalars(query.order_by(EvaluationAnswer.id))]

    def answered(self, evaluation_id: int) -> set[tuple[str, str]]:
        """Question and mode of every answer there is."""
        query = select(EvaluationAnswer.question_id, EvaluationAnswer.mode)
        with self._database.read() as session:
            rows = session.execute(query.where(EvaluationAnswer.evaluation_id == evaluation_id))
            return {(row[0], row[1]) for row in rows}

    def conclude(self, job: JobRow, evaluation_id: int, summary: dict[str, Any], machine: str) -> None:
        """Write down what was measured, and on which machine; may raise LeaseLost, and NotFound."""
        with self._database.write() as session:
            guard(session, job)
            row = session.get(Evaluation, evaluation_id)
            if row is None:
                raise NotFound(f"evaluation {evaluation_id}")
            row.summary = summary
            row.fingerprints = row.fingerprints | {"machine": machine}

    def delete(self, evaluation_id: int) -> None:
        """Delete an evaluation and its answers; nothing happens when it is gone."""
        with self._database.write() as session:
            for table in (EvaluationAnswer, EvaluationFinding):
                session.execute(delete(table).where(table.evaluation_id == evaluation_id))
            if (row := session.get(Evaluation, evaluation_id)) is not None:
                audit.note(session, "deleted", "evaluation", evaluation_id, corpus_id=row.corpus_id)
            session.execute(delete(Evaluation).where(Evaluation.id == evaluation_id))
        self._database.forget_deleted()

    def count(self, corpus_id: int) -> int:
        """How many evaluations a corpus has."""
        with self._database.read() as session:
            return session.scalar(select(func.count(Evaluation.id)).where(Evaluation.corpus_id == corpus_id)) or 0

    def considerations(self, corpus_id: int) -> dict[str, str]:
        """What people said about a corpus: answer by topic."""
        query = select(Consideration.topic, Consideration.answer).where(Consideration.corpus_id == corpus_id)
        with self._database.read() as session:
            return {row[0]: row[1] for row in session.execute(query)}

    def consider(self, corpus_id: int, topic: str, answer: str | None) -> None:
        """Keep an answer in place of the one before; None takes it back."""
        mine = (Consideration.corpus_id == corpus_id, Consideration.topic == topic)
        with self._database.write() as session:
            session.execute(delete(Consideration).where(*mine))
            if answer is not None:
                session.add(Consideration(corpus_id=corpus_id, topic=topic, answer=answer))
            action = "taken back" if answer is None else "given"
            audit.note(session, action, "consideration", corpus_id=corpus_id, topic=topic)
