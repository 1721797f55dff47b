"""A clause that was amended is quoted with its amendment."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from core.assistants.amending import amendments, changing
from core.assistants.lists import quoted
from core.assistants.quoting import Candidate, relevant
from core.assistants.reading import QUOTE, SMALL
from core.assistants.sentences import split
from core.assistants.words import stems
from core.ingestion.embedding import Embedder
from core.retrieval.passages import Passage

Make = Callable[..., Passage]
MSA = {"document": "aldgate-msa.pdf", "title": "Master Services Agreement"}
CLAUSE = "4.2 The Customer shall pay each undisputed invoice within thirty days of receiving it."
AMENDMENT = {"document": "aldgate-msa-amendment-1.docx", "title": "Amendment No. 1 to the Master Services Agreement"}
CHANGE = '2.1 In clause 4.2 of the MSA (payment), the words "thirty days" are replaced by "forty-five days".'


def candidate(made: Passage) -> Candidate:
    return Candidate(made, split(made.text)[0], 1.0, 0.5)


def test_the_amendment_is_quoted_below_the_clause_it_changes(passage: Make, embedder: Embedder) -> None:
    question = "Within how many days shall the Customer pay an undisputed invoice after receiving it?"
    found = [passage(CLAUSE, **MSA), passage(f"{CHANGE}\n2.2 Notices go to the registered office.", 2, **AMENDMENT)]
    scored = relevant(question, found, embedder, dict.fromkeys(stems(question), 1.0))
    answer = quoted(scored, SMALL)
    assert answer.text == f"{CLAUSE}\n\n{CHANGE}"
    assert [piece.passage.document for piece in answer.pieces] == [MSA["document"], AMENDMENT["document"]]
    assert answer.whole  # what a small model makes of the clause would be out of date
    assert answer.amended
    assert quoted(scored, QUOTE).text == CLAUSE  # one sentence is one sentence


@pytest.mark.parametrize(
    "change",
    [
        "Clause 4.2 is deleted.",
        "Section 4.2 shall be amended to read: payment is due at once.",
        "§ 4.2 is superseded by the Payment Policy.",
        "Clauses 3.1 and clause 4.2 are repealed.",
    ],
)
def test_a_change_may_be_said_in_several_ways(change: str, passage: Make) -> None:
    clause, other = candidate(passage(CLAUSE, **MSA)), candidate(passage(change, 2, **AMENDMENT))
    assert amendments(clause, [clause, other]) == [other]


@pytest.mark.parametrize(
    ("sentence", "names"),
    [
        ("In clause 4.21 the word five is replaced by six.", AMENDMENT),
        ("In clause 4 the word five is replaced by six.", AMENDMENT),
        ("Clause 4.2 applies to all invoices.", AMENDMENT),
        (CHANGE, {"document": "norvane-dpa-amendment-1.docx", "title": "Amendment No. 1 to the agreement"}),
        (CHANGE, {**MSA, "document_id": 1}),
    ],
)
def test_another_clause_another_contract_and_the_clause_s_own_document_change_nothing(
    sentence: str, names: dict[str, object], passage: Make
) -> None:
    clause, other = candidate(passage(CLAUSE, **MSA)), candidate(passage(sentence, 2, **names))
    assert amendments(clause, [clause, other]) == []


def test_a_document_of_the_same_firm_is_not_amended_with_another_one_s_clause(passage: Make) -> None:
    names = {"document": "staff-handbook.html", "title": "Aldgate Castellan Staff Handbook: Employment Policy"}
    clause = candidate(passage("4.2 Up to five unused days may be taken into the next year.", **names))
    other = candidate(passage(CHANGE, 2, **AMENDMENT))
    assert amendments(clause, [clause, other]) == []


def test_a_deed_is_known_by_its_title_alone(passage: Make) -> None:
    lease = {"document": "scan-0042.pdf", "title": "Lease of Unit 7, Kestrel Wharf"}
    deed = {"document": "deed.docx", "title": "Deed of Variation of the Lease of Unit 7, Kestrel Wharf"}
    clause, other = candidate(passage(CLAUSE, **lease)), candidate(passage(CHANGE, 2, **deed))
    assert amendments(clause, [clause, other]) == [other]


def test_what_changes_the_clause_is_looked_for_when_the_question_did_not_find_it(
    passage: Make, embedder: Embedder
) -> None:
    clause, change = passage(CLAUSE, **MSA), passage(CHANGE, 4, **AMENDMENT)
    scored = relevant("When are invoices paid?", [clause], embedder, {"invoic": 1.0, "paid": 1.0})
    asked: list[str] = []

    def search(text: str) -> list[Passage]:
        asked.append(text)
        return [clause, passage("Clause 9.9 is deleted.", 3, **AMENDMENT), change]

    found = changing(scored, [clause], search)
    assert found == replace(change, rank=2)
    assert asked == ["aldgate msa amendment clause 4.2 amended replaced deleted"]
    there = relevant("When are invoices paid?", [clause, change], embedder, {"invoic": 1.0, "paid": 1.0})
    assert changing(there, [clause, change], search) is None
    assert len(asked) == 1  # it was found already


def test_nothing_is_looked_for_where_no_clause_is_quoted(passage: Make, embedder: Embedder) -> None:
    steps = passage("1. Place the node beside the router.\n2. Press the button.", heading="Manual > 4. Setting up")
    scored = relevant("How do I place the node?", [steps], embedder, {"plac": 1.0, "node": 1.0})
    assert changing(scored, [steps], lambda text: pytest.fail(f"looked for {text}")) is None
    assert changing(None, [], lambda text: pytest.fail(f"looked for {text}")) is None


def test_a_sentence_without_a_number_has_that_of_its_heading(passage: Make) -> None:
    text, heading = "Invoices are paid within thirty days.", "Master Services Agreement > 4.2 Payment"
    clause, other = candidate(passage(text, heading=heading, **MSA)), candidate(passage(CHANGE, 2, **AMENDMENT))
    assert amendments(clause, [clause, other]) == [other]
