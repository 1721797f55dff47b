"""An evaluation as the JSON that the command line writes and the HTML report is made of."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from core.evaluation import breakdown
from core.evaluation.answering import outcome
from core.evaluation.beside import sections
from core.evaluation.known import verdict
from storage.rows import EvaluationAnswerRow, EvaluationRow, PageRow

if TYPE_CHECKING:
    from core.workspace import Workspace

Pages = dict[tuple[int, int], PageRow]


def report(ws: "Workspace", evaluation: EvaluationRow) -> dict[str, Any]:
    """Scores by mode, paired differences, the verdict, and every question with what each mode said.

    Words of passages and quotations are those on the pages now; those of documents that are gone are empty.
    """
    answers = ws.evaluations.answers(evaluation.id)
    pages = pages_of(ws, answers)
    by_question: dict[str, dict[str, Any]] = {}
    for row in answers:
        by_question.setdefault(row.question_id, {})[row.mode] = answer_json(row, pages)
    judged: dict[str, list[dict[str, Any]]] = {}
    for found in ws.evaluations.findings(evaluation.id, "judgement"):
        judged.setdefault(found.content["question"], []).append(found.content)
    in_parts = breakdown.sections(evaluation.questions, [outcome(each) for each in answers])
    return {
        "name": evaluation.name,
        "corpus": ws.corpora.get(evaluation.corpus_id).name,
        "created_at": evaluation.created_at.isoformat(),
        "modes": evaluation.summary.get("modes", {}),
        "paired": evaluation.summary.get("paired", {}),
        "left_out": evaluation.left_out,
        "beside": in_parts + sections(evaluation.summary),
        "fingerprints": evaluation.fingerprints,
        "verdict": verdict(ws, evaluation.corpus_id, evaluation).json(),
        "questions": [
            _question(each, by_question.get(each["id"], {}), judged.get(each["id"], []))
            for each in evaluation.questions
        ],
    }


def pages_of(ws: "Workspace", answers: Iterable[EvaluationAnswerRow]) -> Pages:
    """The pages that answers cite or were made from, as they are now, without those of documents that are gone."""
    return ws.corpora.pages_by_keys(_keys(answers))


def answer_json(row: EvaluationAnswerRow, pages: Pages) -> dict[str, Any]:
    """One answer as `triptych ask --json` writes it, with its scores."""
    return {
        "answer": row.text,
        "refused": row.refused,
        "base_model": row.base_model,
        "citations": [
            {
                "sentence": row.text[c["sentence_start"] : c["sentence_end"]],
                "document": c["document"],
                "page": c["page"],
                "quote": words_at(pages, c, "quote_start", "quote_end"),
            }
            for c in row.citations
            if c["document_id"] is not None
        ],
        "passages": [
            {
                "rank": p["rank"],
                "document": p["document"],
                "page": p["page"],
                "text": words_at(pages, p, "start", "end"),
            }
            for p in row.passages
        ],
        "timings": row.timings,
        "scores": row.scores,
    }


def _question(gold: dict[str, Any], answers: dict[str, Any], judged: list[dict[str, Any]]) -> dict[str, Any]:
    wanted = {"answer": gold["answer"], "answerable": gold["answerable"], "documents": gold["documents"],
              "page": gold["page"], "evidence": gold["evidence"]}  # fmt: skip
    found = {"id": gold["id"], "question": gold["question"], "gold": wanted, "answers": answers}
    return found | ({"judged": judged} if judged else {})


def _keys(answers: Iterable[EvaluationAnswerRow]) -> set[tuple[int, int]]:
    places = [each for row in answers for each in (*row.citations, *row.passages)]
    return {(each["document_id"], each["page"]) for each in places if each["document_id"] is not None}


def words_at(pages: Pages, place: Mapping[str, Any], start: str, end: str) -> str:
    """What stands at a stored place, between the two offsets of these names; "" where the page or the place is gone."""
    page = pages.get((place["document_id"], place["page"]))
    return page.text[place[start] : place[end]] if page and place[start] is not None else ""
