"""A gold question out of an answer: prefilled from what was corrected or cited, kept as a person edited it.

It says which answer it came from, so that it can go with the conversation.

Nothing that asks a gold question may be learned: proposals to train on the same question are taken back.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.assistants.words import stems
from core.errors import BadInput
from core.finetuning.checks import near
from core.finetuning.corrections import source
from storage.errors import Exists
from storage.gold import GoldDraft
from storage.rows import CitationRow, MessageRow, PassageRow
from storage.traces import KEPT

if TYPE_CHECKING:
    from core.workspace import Workspace

ORIGIN = KEPT
GAP = " ... "
"""Between pieces of evidence, as `sourcing` reads them."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What saving did: how many proposed examples were taken back, how many accepted ones ask the same question."""

    withdrawn: int
    accepted: int


def draft(ws: "Workspace", message_id: int) -> GoldDraft:
    """What an answer says a gold question would be.

    The question as it was searched for; the correction where there is one, else the quotation, else the answer; the
    words that were cited on the first page that is. A refusal that nobody corrected is a question without an answer.
    """
    message = ws.conversations.message(message_id)
    question = message.searched_for
    if not question and message.parent_id is not None:
        question = ws.conversations.message(message.parent_id).text
    given = ws.conversations.feedback(message_id)
    corrected = given.corrected_answer.strip() if given else ""
    if message.refused and not corrected:
        return GoldDraft(question.strip(), answerable=False, origin=ORIGIN)
    place = source(ws.conversations.passages(message_id), corrected) if corrected else None
    answer = corrected or (message.text[: message.quoted_until] or message.text).strip()
    document, page, evidence = _place(place) if place else _cited(ws.conversations.citations(message_id))
    return GoldDraft(question.strip(), answer, True, [document] if document else [], page, evidence, origin=ORIGIN)


def keep(ws: "Workspace", message_id: int, edited: GoldDraft) -> Kept:
    """Store a gold question, and take back proposals that ask the same.

    Raises:
        BadInput: the question is empty, or the corpus has it already.
    """
    if not edited.question.strip():
        raise BadInput("The question is empty.", "Type one that can be understood alone.")
    corpus_id = _corpus(ws, ws.conversations.message(message_id))
    try:
        ws.gold.add(corpus_id, replace(edited, meta={**edited.meta, "message": message_id}, origin=ORIGIN))
    except Exists as error:
        raise BadInput("That question is among the gold questions already.", "Find it on the Evaluate page.") from error
    wanted = [stems(edited.question)]
    same = [row for row in ws.examples.list(corpus_id) if near(stems(row.question), wanted)]
    proposed = [row.id for row in same if row.status == "proposed"]
    ws.examples.delete(proposed)
    return Kept(len(proposed), sum(row.status == "accepted" for row in same))


def _corpus(ws: "Workspace", message: MessageRow) -> int:
    return ws.conversations.get(message.conversation_id).corpus_id


def _place(row: PassageRow) -> tuple[str, int | None, str]:
    return row.document, row.page, row.text


def _cited(citations: list[CitationRow]) -> tuple[str, int | None, str]:
    """The first page that is cited, and the words that are cited on it."""
    there = [each for each in citations if each.document and each.quote]
    if not there:
        return "", None, ""
    first = there[0]
    quotes = [c.quote for c in there if (c.document, c.page) == (first.document, first.page)]
    return first.document, first.page, GAP.join(dict.fromkeys(quotes))
