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
    Conversation,
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
WITH_TALK = "Erased with the conversation that it came from."
"""What stands in place of a gold question's and of the answers to it, where an evaluation asked it."""
GONE = "deleted:"
FROM_CHAT = ("corrected", "vote")
"""Origins of examples that came out of a conversation, which `meta["message"]` names."""
KEPT = "chat"
"""The origin of gold questions that did; `meta["message"]` names it in them too, and in what evaluations copied."""


@dataclass(frozen=True, slots=True)
class Traces:
    """How much was made of documents, or of answers: rows of each kind."""

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
    examples, gold = set(of_messages(session, answers)), {row.id for row in _kept(session, answers)}
    evaluated = {row.id for _, _, rows in _asked(session, answers) for row in rows}
    for corpus_id, names in names_that_go(session, document_ids).items():
        examples |= set(_examples(session, corpus_id, names))
        gold |= {row.id for row in _gold(session, corpus_id) if names & set(row.documents)}
        evaluated |= {row.id for row in _evaluated(session, corpus_id, names, set(document_ids))}
    return Traces(len(examples), len(gold), len(answers), len(evaluated))


def count_of_messages(session: Session, message_ids: Iterable[int]) -> Traces:
    """How much `erase_of_messages` would erase."""
    messages = set(message_ids)
    evaluated = sum(len(rows) for _, _, rows in _asked(session, messages))
    return Traces(len(of_messages(session, messages)), len(_kept(session, messages)), 0, evaluated)


def erase(session: Session, document_ids: Collection[int]) -> None:
    """Erase what was made of documents that are about to be deleted in the same transaction."""
    answers = _answers(session, document_ids)
    erase_of_messages(session, answers)
    for corpus_id, names in names_that_go(session, document_ids).items():
        delete_examples(session, _examples(session, corpus_id, names))
        _forget_gold(session, corpus_id, names)
        _forget_evaluated(session, corpus_id, names, set(document_ids))
        _forget_findings(session, corpus_id, names, set(document_ids))
        _forget_names(session, corpus_id, names)
    _forget_answers(session, answers)


def examples_that_go(session: Session, document_ids: Collection[int]) -> dict[int, set[int]]:
    """By corpus, the examples that `erase` would erase."""
    ids = set(of_messages(session, _answers(session, document_ids)))
    for corpus_id, names in names_that_go(session, document_ids).items():
        ids |= set(_examples(session, corpus_id, names))
    found: dict[int, set[int]] = {}
    for part in parts(sorted(ids)):
        query = select(Example.id, Example.corpus_id).where(Example.id.in_(part))
        for example_id, corpus_id in session.execute(query).all():
            found.setdefault(corpus_id, set()).add(example_id)
    return found


def erase_of_messages(session: Session, message_ids: Iterable[int]) -> None:
    """Erase what was made of answers: examples, gold questions, and the words that evaluations copied from those."""
    messages = set(message_ids)
    delete_examples(session, of_messages(session, messages))
    for row in _kept(session, messages):
        session.delete(row)
    for run, asked, answers in _asked(session, messages):
        run.questions = [_wordless(each, WITH_TALK) if each["id"] in asked else each for each in run.questions]
        for answer in answers:
            _forget_answer(answer, WITH_TALK)
        for finding in session.scalars(select(EvaluationFinding).where(EvaluationFinding.evaluation_id == run.id)):
            if "said" in finding.content and finding.content.get("question") in asked:
                finding.content = finding.content | {"said": []}


def forget_judged(session: Session, comparison_id: int) -> None:
    """A judge's verdict on a comparison stays, its words on the answers go."""
    for finding in session.scalars(select(EvaluationFinding).where(EvaluationFinding.kind == "vote")):
        if finding.content.get("comparison") == comparison_id:
            finding.content = finding.content | {"said": []}


def messages_of(session: Session, conversation_id: int) -> set[int]:
    """The messages of a conversation."""
    return set(session.scalars(select(Message.id).where(Message.conversation_id == conversation_id)))


def messages_of_comparison(session: Session, comparison_id: int) -> set[int]:
    """The messages of a comparison's panels."""
    panels = select(Conversation.id).where(Conversation.comparison_id == comparison_id)
    return set(session.scalars(select(Message.id).where(Message.conversation_id.in_(panels))))


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


def _kept(session: Session, message_ids: Collection[int]) -> list[GoldQuestion]:
    """Gold questions that were saved from answers."""
    messages = set(message_ids)
    rows = session.scalars(select(GoldQuestion).where(GoldQuestion.origin == KEPT)) if messages else ()
    return [row for row in rows if row.meta.get("message") in messages]


Asked = tuple[Evaluation, set[str], Sequence[EvaluationAnswer]]
"""An evaluation, the ids of some of its questions, and its answers to them."""


def _asked(session: Session, message_ids: Collection[int]) -> list[Asked]:
    """Evaluations that asked gold questions which were saved from answers."""
    messages = set(message_ids)
    found: list[Asked] = []
    for run in session.scalars(select(Evaluation)) if messages else ():
        if asked := {each["id"] for each in run.questions if (each.get("meta") or {}).get("message") in messages}:
            of_run = EvaluationAnswer.evaluation_id == run.id
            answers = session.scalars(select(EvaluationAnswer).where(of_run, EvaluationAnswer.question_id.in_(asked)))
            found.append((run, asked, answers.all()))
    return found


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
        for message in session.scalars(select(Message).where(Message.id.in_(part))):
            # What was found of an answer quotes it; the numbers beside it stay.
            message.context = {name: value for name, value in message.context.items() if not isinstance(value, dict)}
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
        _forget_answer(answer)
        answer.passages = [place for place in answer.passages if place.get("document_id") not in document_ids]
    for run in session.scalars(select(Evaluation).where(Evaluation.corpus_id == corpus_id)):
        if any(_about(each, names) for each in run.questions):
            run.questions = [_wordless(each) if _about(each, names) else each for each in run.questions]


def _forget_answer(answer: EvaluationAnswer, why: str = ERASED) -> None:
    answer.text = why
    answer.fingerprint = ""  # or a later run would take the erased words over, should the document come back
    answer.citations = []


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


def _wordless(question: Mapping[str, Any], why: str = ERASED) -> dict[str, Any]:
    gone: dict[str, Any] = {"question": why, "documents": [], "page": None, "evidence": "", "meta": {}}
    return dict(question) | gone | {"answer": why if question.get("answer") else ""}


def _forget_names(session: Session, corpus_id: int, names: set[str]) -> None:
    """Adapters go on saying how many documents they learned from, but no longer how those were called."""
    for row in session.scalars(select(Adapter).where(Adapter.corpus_id == corpus_id)):
        hide_names(row, names)


def hide_names(row: Adapter, names: Collection[str]) -> None:
    """Have an adapter's row not say how documents were called that are gone."""
    gone = set(names)
    if gone & set(row.documents):
        row.documents = {hidden(n) if n in gone else n: sha256 for n, sha256 in row.documents.items()}
    if gone & set(row.result.get("corpus") or ()):
        row.result = row.result | {"corpus": [name for name in row.result["corpus"] if name not in gone]}
