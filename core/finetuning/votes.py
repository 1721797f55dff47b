"""Answers that people preferred side by side, as proposed examples: the best of a comparison, taken back with its vote.

An answer that was corrected is proposed by its correction (`corrections`), not as it stood; a refusal and a gold
question are never proposed.
"""

from typing import TYPE_CHECKING

from core.assistants.words import stems
from core.finetuning.checks import near
from storage.examples import ExampleDraft, Filter
from storage.rows import ComparisonRow, MessageRow

if TYPE_CHECKING:
    from core.workspace import Workspace

ORIGIN = "vote"


def propose(ws: "Workspace", comparison_id: int) -> bool:
    """Have the vote of a comparison stand as one proposal, or none; returns whether there is one now.

    One that was reviewed already is left as it is while the vote stays with its answer. Raises NotFound (storage).
    """
    row = ws.comparisons.get(comparison_id)
    old = [e for e in ws.examples.list(row.corpus_id, Filter(origin=ORIGIN)) if e.meta.get("comparison") == row.id]
    draft = _draft(ws, row)
    kept = [each for each in old if draft is not None and (each.meta.get("message") == draft.meta["message"])]
    ws.examples.delete([each.id for each in old if each not in kept])
    if draft is not None and not kept:
        ws.examples.add(row.corpus_id, [draft])
    return draft is not None


def _draft(ws: "Workspace", row: ComparisonRow) -> ExampleDraft | None:
    panel = next((each for each in row.panels if each.key == row.choice), None)
    if panel is None or near(stems(row.question), [stems(gold.question) for gold in ws.gold.list(row.corpus_id)]):
        return None
    answers = [each for each in ws.conversations.messages(panel.conversation_id) if each.role == "assistant"]
    if not answers or not _usable(ws, answers[-1]):
        return None
    best = answers[-1]
    cited = next((each for each in ws.conversations.citations(best.id) if each.document and each.quote), None)
    return ExampleDraft(
        row.question,
        best.text.strip(),
        document=cited.document if cited else "",
        page=cited.page if cited else None,
        evidence=cited.quote if cited else "",
        form="question",
        origin=ORIGIN,
        status="proposed",
        meta={"comparison": row.id, "message": best.id},
    )


def _usable(ws: "Workspace", best: MessageRow) -> bool:
    given = ws.conversations.feedback(best.id)
    return best.status == "done" and not best.refused and bool(best.text.strip()) and not (
        given and given.corrected_answer
    )  # fmt: skip
