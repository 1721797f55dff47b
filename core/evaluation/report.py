"""An evaluation as the JSON that the command line writes and the HTML report is made of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.evaluation import breakdown
from core.evaluation.answering import outcome
from core.evaluation.beside import sections
from core.evaluation.known import verdict
from storage.edit_places import said_at
from storage.rows import ChunkRow, EvaluationAnswerRow, EvaluationRow, PageRow

if TYPE_CHECKING:
    from core.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Pages:
    """Where answers point, as it is now: pages by (document id, page), and the chunks on them that a person edited."""

    rows: Mapping[tuple[int, int], PageRow]
    edited: Mapping[tuple[int, int], Sequence[ChunkRow]]

    def __contains__(self, key: object) -> bool:
        """Whether a page is still there."""
        return key in self.rows

    def words_at(self, place: Mapping[str, Any], start: str, end: str) -> str:
        """What stands at a stored place, between the two offsets of these names; "" where page or place are gone.

        Of a place that was read as a person had edited it, the person's words; "" once that edit was undone.
        """
        key = place["document_id"], place["page"]
        page, first, last = self.rows.get(key), place[start], place[end]
        if page is None or first is None:
            return ""
        if not place.get("edited"):
            return page.text[first:last]
        return said_at(self.edited.get(key, ()), first, last)


def report(ws: "Workspace", evaluation: EvaluationRow) -> dict[str, Any]:
    """Scores by mode, paired differences, the verdict, and every question with what each mode said.

    Words of passages and quotations are those on the pages now; those of documents that are gone are empty.
    Where a person had edited them they are the person's, and "edited" says so.
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
    places = [each for row in answers for each in (*row.citations, *row.passages) if each["document_id"] is not None]
    edited = (each for each in places if each.get("edited"))
    return Pages(ws.corpora.pages_by_keys(_keys(places)), ws.corpora.edited_by_keys(_keys(edited)))


def cited_at(answer: Mapping[str, Any]) -> list[str]:
    """Where an answer of `answer_json` points, each place once, as reports name it."""
    named = (f"{c['document']}, page {c['page']}{' (edited)' if c.get('edited') else ''}" for c in answer["citations"])
    return list(dict.fromkeys(named))


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
                "quote": pages.words_at(c, "quote_start", "quote_end"),
            }
            | _edited(c)
            for c in row.citations
            if c["document_id"] is not None
        ],
        "passages": [
            {
                "rank": p["rank"],
                "document": p["document"],
                "page": p["page"],
                "text": pages.words_at(p, "start", "end"),
            }
            | _edited(p)
            for p in row.passages
        ],
        "timings": row.timings,
        "scores": row.scores,
        "answerability": row.answerability,
    }


def _question(gold: dict[str, Any], answers: dict[str, Any], judged: list[dict[str, Any]]) -> dict[str, Any]:
    wanted = {"answer": gold["answer"], "answerable": gold["answerable"], "documents": gold["documents"],
              "page": gold["page"], "evidence": gold["evidence"]}  # fmt: skip
    found = {"id": gold["id"], "question": gold["question"], "gold": wanted, "answers": answers}
    return found | ({"judged": judged} if judged else {})


def _edited(place: Mapping[str, Any]) -> dict[str, bool]:
    """As `triptych ask --json` says it: only of words that a person had put there."""
    return {"edited": True} if place.get("edited") else {}


def _keys(places: Iterable[Mapping[str, Any]]) -> set[tuple[int, int]]:
    return {(each["document_id"], each["page"]) for each in places}
