"""Scores in parts: by what a question asks for, and by the document that answers it."""

from typing import Any

import pytest

from core.evaluation.breakdown import LEAST, MOST, kind_of, parts, sections
from core.evaluation.summary import Outcome


def asked(number: int, kind: str = "", documents: tuple[str, ...] = ("lease.pdf",)) -> dict[str, Any]:
    return {"id": str(number), "question": "What?", "answerable": True, "documents": list(documents),
            "meta": {"qtype": kind} if kind else {}}  # fmt: skip


def outcomes(questions: list[dict[str, Any]], score: float, mode: str = "rag") -> list[Outcome]:
    return [Outcome(each["id"], mode, {"token_f1": score}) for each in questions]


def test_each_part_has_the_mean_of_its_own_questions_and_small_ones_are_left_out() -> None:
    spans, tables = [asked(n, "span") for n in range(4)], [asked(10 + n, "yes_no") for n in range(3)]
    few = [asked(20 + n, "list") for n in range(LEAST - 1)]
    said = outcomes(spans, 0.5) + outcomes(tables, 0.25) + outcomes(few, 1.0) + outcomes(tables, 0.75, "hybrid")
    first, second = parts([*spans, *tables, *few], said, "kind", "token_f1")
    assert (first.name, first.questions, first.modes["rag"].mean) == ("span", 4, 0.5)
    assert (second.name, second.questions) == ("yes no", 3)
    assert {mode: found.mean for mode, found in second.modes.items()} == {"rag": 0.25, "hybrid": 0.75}


def test_a_question_of_two_documents_counts_for_both() -> None:
    questions = [asked(n, documents=("a.pdf", "b.pdf") if n < 3 else ("a.pdf",)) for n in range(5)]
    found = parts(questions, outcomes(questions, 1.0), "document", "token_f1")
    assert [(part.name, part.questions) for part in found] == [("a.pdf", 5), ("b.pdf", 3)]


def test_where_there_is_one_part_only_nothing_is_shown() -> None:
    questions = [asked(n, "span") for n in range(9)]
    assert parts(questions, outcomes(questions, 1.0), "kind", "token_f1") == []
    assert sections(questions, outcomes(questions, 1.0)) == []
    assert parts(questions, outcomes(questions, 1.0), "kind", "choice") == []


def test_no_more_parts_than_can_be_read() -> None:
    questions = [asked(n, documents=(f"{n % 30}.pdf",)) for n in range(120)]
    assert len(parts(questions, outcomes(questions, 1.0), "document", "token_f1")) == MOST


@pytest.mark.parametrize(
    ("question", "meta", "answerable", "kind"),
    [
        ("How many days?", {}, True, "how many"),
        ("By when is it due?", {}, True, "when"),
        ("Is it due?", {}, True, "other"),
        ("Is it due?", {"qtype": "yes_no"}, True, "yes no"),
        ("What is it?", {}, False, "unanswerable"),
    ],
)
def test_the_kind_is_what_the_file_says_else_the_word_it_asks_with(
    question: str, meta: dict[str, Any], answerable: bool, kind: str
) -> None:
    assert kind_of({"question": question, "meta": meta, "answerable": answerable}) == kind


def test_the_reports_have_a_table_for_each_way() -> None:
    questions = [asked(n, "span" if n % 2 else "list", (f"{n % 3}.pdf",)) for n in range(12)]
    by_kind, by_document = sections(questions, outcomes(questions, 0.5) + outcomes(questions, 1.0, "hybrid"))
    assert by_kind["rows"][0] == ["Kind of question", "Questions", "Retrieval", "Hybrid"]
    assert by_kind["rows"][1] == ["list", "6", "50 (31 to 69)", "100 (62 to 100)"]
    assert [row[0] for row in by_document["rows"][1:]] == ["0.pdf", "1.pdf", "2.pdf"]
