"""What was made from documents or from a conversation, and would outlive them: examples, gold questions, answers.

Deleting a document takes its rows along; the words that people or assistants made of it stand in rows of their
own. Here they are found, counted before a deletion and erased with it. A question or answer that has to keep its
place (in a conversation's tree, in an evaluation's numbers) keeps it, without its words. Knows nothing of files.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from storage import talk_text
from storage.corpora import parts
from storage.tables import (
    Adapter,
    Document,
    Evaluation,
    EvaluationAnswer,
    EvaluationFinding,
    Example,
    Feedback,
    GoldQuestion,
    Message,
    MessageCitation,
    MessagePassage,
)

ERASED = "Erased with a document that it used."
"""What stands in place of the words of an answer."""
GONE = "deleted:"
FROM_CHAT = ("corrected", "vote")
"""Origins of examples that came out of a conversation, which `meta["message"]` names."""


@dataclass(frozen=True, slots=True)
class Traces:
    """How much was made of documents: rows of each kind."""

    examples: int = 0
    gold: int = 0
    answers: int = 0
    evaluated: int = 0

    @property
    def any(self) -> bool:
        """Whether there is anything."""
        return bool(self.examples or self.gold or self.answers or self.evaluated)


def hidden(name: str) -> str:
    """What stands for the name of a deleted document where something must still tell it from others."""
    return name if name.startswith(GONE) else GONE + hashlib.sha256(name.encode()).hexdigest()[:16]


def count(session: Session, document_ids: Collection[int]) -> Traces:
    """How much `erase` would erase."""
    answers = _answers(session, document_ids)
    examples, gold, evaluated = set(of_messages(session, answers)), 0, 0
    for corpus_id, names in names_that_go(session, document_ids).items():
        examples |= set(_examples(session, corpus_id, names))
        gold += sum(bool(names & set(row.documents)) for row in _gold(session, corpus_id))
        evaluated += len(_evaluated(session, corpus_id, names, set(document_ids)))
    return Traces(len(examples), gold, len(answers), evaluated)


def erase(session: Session, document_ids: Collection[int]) -> None:
    """Erase what was made of documents that are about to be deleted in the same transaction."""
    answers = _answers(session, document_ids)
    delete_examples(session, of_messages(session, answers))
    for corpus_id, names in names_that_go(session, document_ids).items():
        delete_examples(session, _examples(session, corpus_id, names))
        _forget_gold(session, corpus_id, names)
        _forget_evaluated(session, corpus_id, names, set(document_ids))
        _forget_findings(session, corpus_id, names, set(document_ids))
        _forget_names(session, corpus_id, names)
    _forget_answers(session, answers)


def of_conversation(session: Session, conversation_id: int) -> list[int]:
    """The examples that were made of a conversation's answers."""
    return of_messages(session, session.scalars(select(Message.id).where(Message.conversation_id == conversation_id)))


def of_messages(session: Session, message_ids: Iterable[int]) -> list[int]:
    """The examples that were made of answers."""
    messages = set(message_ids)
    query = select(Example.id, Example.meta).where(Example.origin.in_(FROM_CHAT))
    return [row[0] for row in session.execute(query) if row[1].get("message") in messages] if messages else []


def delete_examples(session: Session, ids: Sequence[int]) -> None:
    """Delete examples by their ids."""
    for part in parts(ids):
        session.execute(delete(Example).where(Example.id.in_(part)))


def names_that_go(session: Session, document_ids: Collection[int]) -> dict[int, set[str]]:
    """By corpus, the names that no document will have once these are deleted: another version may keep one."""
    found: dict[int, set[str]] = {}
    for part in parts(sorted(document_ids)):
        query = select(Document.corpus_id, Document.name).where(Document.id.in_(part))
        for corpus_id, name in session.execute(query).all():
            found.setdefault(corpus_id, set()).add(name)
    for corpus_id, names in found.items():
        for some in parts(sorted(names)):
            stay = select(Document.id, Document.name).where(Document.corpus_id == corpus_id, Document.name.in_(some))
            names -= {row[1] for row in session.execute(stay) if row[0] not in document_ids}
    return found


def _examples(session: Session, corpus_id: int, names: Iterable[str]) -> list[int]:
    found: list[int] = []
    for part in parts(sorted(names)):
        query = select(Example.id).where(Example.corpus_id == corpus_id, Example.document.in_(part))
        found += session.scalars(query)
    return found


def _gold(session: Session, corpus_id: int) -> Sequence[GoldQuestion]:
    return session.scalars(select(GoldQuestion).where(GoldQuestion.corpus_id == corpus_id)).all()


def _forget_gold(session: Session, corpus_id: int, names: set[str]) -> None:
    """One that stands in no other document goes; of one that does, the words and the names that go."""
    for row in _gold(session, corpus_id):
        if not names & set(row.documents):
            continue
        if left := [name for name in row.documents if name not in names]:
            row.documents, row.evidence, row.page = left, "", None
        else:
            session.delete(row)


def _answers(session: Session, document_ids: Collection[int]) -> list[int]:
    """Answers that quote these documents, cite them, or were written with them in the prompt."""
    found: set[int] = set()
    for part in parts(sorted(document_ids)):
        cited = select(MessageCitation.message_id).where(MessageCitation.document_id.in_(part))
        shown = MessagePassage.document_id.in_(part) & MessagePassage.in_prompt
        found |= set(session.scalars(cited)) | set(session.scalars(select(MessagePassage.message_id).where(shown)))
    return sorted(found)


def _forget_answers(session: Session, ids: Sequence[int]) -> None:
    values = {"text": ERASED, "searched_for": "", "quoted_until": 0, "error": ""}
    for part in parts(ids):
        session.execute(update(Message).where(Message.id.in_(part)).values(**values))
        session.execute(delete(MessageCitation).where(MessageCitation.message_id.in_(part)))
        session.execute(update(Feedback).where(Feedback.message_id.in_(part)).values(corrected_answer=""))
    for message_id in ids:
        talk_text.put(session, message_id, ERASED)
    if ids:
        talk_text.sweep(session)


def _evaluated(session: Session, corpus_id: int, names: set[str], document_ids: set[int]) -> list[EvaluationAnswer]:
    """Answers of evaluations to questions about these documents, or with them before them."""
    query = select(EvaluationAnswer, Evaluation).join(Evaluation, Evaluation.id == EvaluationAnswer.evaluation_id)
    asked: dict[int, set[str]] = {}
    found = []
    for answer, run in session.execute(query.where(Evaluation.corpus_id == corpus_id)):
        about = asked.setdefault(run.id, {each["id"] for each in run.questions if _about(each, names)})
        places = [*answer.citations, *answer.passages]
        if answer.question_id in about or any(place.get("document_id") in document_ids for place in places):
            found.append(answer)
    return found


def _about(question: Mapping[str, Any], names: set[str]) -> bool:
    return bool(names & set(question.get("documents") or ()))


def _forget_evaluated(session: Session, corpus_id: int, names: set[str], document_ids: set[int]) -> None:
    """The numbers stay; questions about the documents, and answers that had them before them, lose their words."""
    for answer in _evaluated(session, corpus_id, names, document_ids):
        answer.text = ERASED
        answer.fingerprint = ""  # or a later run would take the erased words over, should the document come back
        answer.citations = []
        answer.passages = [place for place in answer.passages if place.get("document_id") not in document_ids]
    for run in session.scalars(select(Evaluation).where(Evaluation.corpus_id == corpus_id)):
        if any(_about(each, names) for each in run.questions):
            run.questions = [_wordless(each) if _about(each, names) else each for each in run.questions]


def _forget_findings(session: Session, corpus_id: int, names: set[str], document_ids: set[int]) -> None:
    """What was measured beside the answers keeps its outcome. A judge's own words may quote anything, so all go."""
    query = select(EvaluationFinding).join(Evaluation, Evaluation.id == EvaluationFinding.evaluation_id)
    for row in session.scalars(query.where(Evaluation.corpus_id == corpus_id)):
        content = row.content
        if "said" in content:
            row.content = content | {"said": []}
        elif "probes" in content:
            row.content = {"probes": [each for each in content["probes"] if each["document"] not in names]}
        elif content.get("document") in names or document_ids & set(content.get("places", ())):
            kept = "" if content["document"] in names else content["document"]
            row.content = content | {"document": kept, **dict.fromkeys(("question", "old", "new", "answer"), ERASED)}


def _wordless(question: Mapping[str, Any]) -> dict[str, Any]:
    gone: dict[str, Any] = {"question": ERASED, "documents": [], "page": None, "evidence": "", "meta": {}}
    return dict(question) | gone | {"answer": ERASED if question.get("answer") else ""}


def _forget_names(session: Session, corpus_id: int, names: set[str]) -> None:
    """Adapters go on saying how many documents they learned from, but no longer how those were called."""
    for row in session.scalars(select(Adapter).where(Adapter.corpus_id == corpus_id)):
        if names & set(row.documents):
            row.documents = {hidden(n) if n in names else n: sha256 for n, sha256 in row.documents.items()}
        if names & set(row.result.get("corpus", ())):
            row.result = row.result | {"corpus": [name for name in row.result["corpus"] if name not in names]}
