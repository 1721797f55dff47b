"""A question is looked up by the documents' words too, where they have others; and by nothing that they do not say."""

from collections.abc import Sequence

import pytest
from library import Library

from core.domains import ORDER, domain, members
from core.retrieval.retriever import Retriever
from core.retrieval.terms import SHORT_FORMS, same, widened

LINES = [
    "CEO, chief executive officer",
    "employees, workforce, headcount",
    "buy back, buyback, share repurchases",
    "wifi, Wi-Fi",
    "IT, information technology",
]


def wide(question: str, lines: Sequence[str] = LINES, missing: str = "", texts: Sequence[str] = ()) -> str:
    found = same(question, lines, lambda short: texts, lambda words: [word for word in words if word not in missing])
    return widened(question, found)


@pytest.mark.parametrize(
    ("question", "looked_up"),
    [
        ("Who is the CEO of Norvane?", "Who is the CEO (chief executive officer) of Norvane?"),
        ("Who is Norvane's CEO?", "Who is Norvane's CEO (chief executive officer)?"),
        ("What is the CEO's salary?", "What is the CEO's (chief executive officer) salary?"),
        ("Who is the Chief Executive Officer?", "Who is the Chief Executive Officer (CEO)?"),
        ("How many employees are there?", "How many employees (workforce, headcount) are there?"),
        ("Is each employee insured?", "Is each employee (workforce, headcount) insured?"),
        ("Did they buy back shares?", "Did they buy back (buyback, share repurchases) shares?"),
        ("How is the wifi set up?", "How is the wifi (Wi-Fi) set up?"),
        ("How is Wi-Fi set up?", "How is Wi-Fi (wifi) set up?"),
        ("Who runs IT?", "Who runs IT (information technology)?"),
    ],
)
def test_what_means_the_same_stands_behind_the_words_of_a_question(question: str, looked_up: str) -> None:
    assert wide(question) == looked_up
    assert wide(looked_up) == looked_up


@pytest.mark.parametrize(
    "question",
    ["What does it cost?", "Is the CEO the chief executive officer?", "Who signs?", "", "the ceo?", "EMPLOYEESHIP"],
)
def test_a_question_that_needs_nothing_stays_as_it_is(question: str) -> None:
    assert wide(question) == question


def test_what_the_corpus_does_not_hold_is_not_looked_up() -> None:
    assert wide("How many employees?", missing="headcount") == "How many employees (workforce)?"
    assert wide("Who is the CEO?", missing="executive") == "Who is the CEO?"


def test_an_abbreviation_is_looked_up_by_what_the_documents_say_it_is() -> None:
    texts = ["The Minimum Order Quantity (“MOQ”) is 500."]
    assert wide("What is the MOQ?", texts=texts) == "What is the MOQ (minimum order quantity)?"
    assert wide("What is the MOQ (minimum order quantity)?", texts=texts) == "What is the MOQ (minimum order quantity)?"
    assert wide("What is the CEO's say?", texts=["a Civil Engagement Office (CEO)"]).startswith(
        "What is the CEO's (chief executive officer)"
    )  # a domain's words come first


def test_only_the_first_few_abbreviations_of_a_question_are_looked_up() -> None:
    asked: list[str] = []

    def explaining(short: str) -> list[str]:
        asked.append(short)
        return []

    same("Do AB, BC, CD, DE, EF, FG and GH hold?", (), explaining, set)
    assert asked == ["AB", "BC", "CD", "DE", "EF", "FG"][:SHORT_FORMS]


def test_every_domain_has_words_and_each_line_is_a_group() -> None:
    for name in ORDER:
        lines = domain(name).terms
        assert lines
        assert all(len(members(line)) >= 2 for line in lines)


def test_a_passage_in_other_words_is_found_by_words(library: Library) -> None:
    corpus = library.corpus("reports")
    library.add(corpus, "other.txt", [[f"Note {n} of the report speaks of berths and cranes." for n in range(8)]])
    library.add(corpus, "people.txt", [["The total workforce was about 156,000.", "Cranes were painted."]])
    asked = Retriever(
        library.corpora, library.lexical, library.vectors, lambda _: library.embedder, terms_of=lambda _: LINES
    )
    assert library.retriever.by_words(corpus, "How many employees?") == []
    assert asked.query(corpus, "How many employees?").by_meaning == "How many employees (workforce)?"
    found = asked.search(corpus, "How many employees?", 1)
    assert [(each.document, each.lexical_rank) for each in found] == [("people.txt", 1)]


def test_a_corpus_explains_its_own_abbreviations(library: Library) -> None:
    corpus, other = library.corpus("supply"), library.corpus("other")
    library.add(corpus, "supply.txt", [["The Minimum Order Quantity (MOQ) is agreed each year.", "The MOQ is 500."]])
    library.add(other, "other.txt", [["Nothing is said of it."]])
    assert library.retriever.query(corpus, "What is the MOQ?").by_meaning == "What is the MOQ (minimum order quantity)?"
    assert library.retriever.query(other, "What is the MOQ?").by_meaning == "What is the MOQ?"
    empty = library.corpus("empty")
    assert library.retriever.query(empty, "What is the MOQ?").by_meaning == "What is the MOQ?"


def test_the_long_form_that_documents_explain_is_looked_up_by_meaning_alone(library: Library) -> None:
    corpus = library.corpus("supply")
    library.add(corpus, "supply.txt", [["The Minimum Order Quantity (MOQ) is agreed.", "The MOQ is 500."]])
    library.add(corpus, "order.txt", [["An order of quality is kept at a minimum of warmth."]])
    words, meaning = library.retriever.both(library.retriever.query(corpus, "What is the MOQ?"))
    named = library.corpora.names_by_ids
    chunks = library.corpora.chunks_by_ids([hit.chunk_id for hit in (*words, *meaning)])
    by_words = {chunks[hit.chunk_id].document_id for hit in words}
    assert [each.name for each in named(by_words).values()] == ["supply.txt"]
    assert len(meaning) == 3
    assert [each.explained for each in library.retriever.same(corpus, "What is the MOQ?")] == [True]
