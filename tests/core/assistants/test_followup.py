"""Questions that lean on the conversation are understood, and others are left alone."""

import pytest

from core.assistants.followup import Turn, standalone
from core.assistants.naming import title_of
from core.assistants.refusing import searched


def after(asked: str, question: str) -> str:
    return standalone(question, [Turn("user", asked), Turn("assistant", "Yes.")])


@pytest.mark.parametrize(
    ("asked", "question", "meant"),
    [
        ("What is E3 on the Brio 20?", "And on the Brio 40?", "What is E3 on the Brio 40?"),
        ("What is E3 on the Brio 20?", "And E5?", "What is E5 on the Brio 20?"),
        ("How much did Pumps sell in Q2 2025?", "And in Q3?", "How much did Pumps sell in Q3 2025?"),
        ("How much did Pumps sell?", "What about Flow Instruments?", "How much did Flow Instruments sell?"),
        ("What is the overtime rate?", "And on a Sunday?", "What is the overtime rate on a Sunday?"),
        ("What is the rent of Unit 7?", "Thanks, and for Aldgate?", "What is the rent of Aldgate?"),
        ("What is the rent of Unit 7?", "For directors?", "What is the rent of Unit 7 for directors?"),
        ("What is the rent of Unit 7?", "And in 2024?", "What is the rent of Unit 7 in 2024?"),
        ("What is E3 on the Brio 20?", "E5?", "What is E5 on the Brio 20?"),
        ("What is E3 on the Brio 20?", "And E5 on the Brio 40?", "What is E5 on the Brio 40?"),
        ("How much did Pumps sell in Q2?", "And Flow Instruments in Q3?", "How much did Flow Instruments sell in Q3?"),
    ],
)
def test_a_fragment_is_the_question_before_asked_of_something_else(asked: str, question: str, meant: str) -> None:
    assert after(asked, question) == meant


def test_another_thing_is_asked_of_what_was_named_before() -> None:
    assert after("How much is the rent at Kestrel Wharf?", "And the deposit?") == "The deposit? (Kestrel Wharf)"
    assert after("Who owns Unit 7?", "How long is the lease?") == "How long is the lease? (Unit 7)"


def test_a_fragment_that_says_more_than_a_name_keeps_its_own_words() -> None:
    assert after("What is the rent of Unit 7?", "And Aldgate's deposit?") == "Aldgate's deposit?"
    assert after("What is the rent of Unit 7?", "Deposit?") == "Deposit? (Unit 7)"
    assert after("how do I apply for a licence?", "What about a renewal?") == "A renewal? (apply licence)"


def test_a_code_is_asked_of_what_it_belonged_to_before() -> None:
    assert after("What is E3 on the Brio 20?", "Can E5 be fixed?") == "Can E5 be fixed? (Brio 20)"
    assert after("What is E3 on the Brio 20?", "How do I descale the Brio 40?") == "How do I descale the Brio 40?"


def test_a_bare_question_word_takes_the_whole_question_along() -> None:
    assert after("What does Norvane charge?", "Why?") == "Why? (Norvane charge)"


def test_what_was_searched_for_before_is_leant_on_rather_than_what_was_typed() -> None:
    turns = [Turn("user", "And E5?", "What is E5 on the Brio 20?"), Turn("assistant", "Blocked.")]
    assert standalone("And on the Brio 40?", turns) == "What is E5 on the Brio 40?"


def test_without_a_name_in_the_conversation_the_cited_document_gives_one() -> None:
    turns = [Turn("user", "And?"), Turn("assistant", "Six weeks.", about=("Lease of Unit 7",))]
    assert standalone("Why?", turns) == "Why? (Lease Unit 7)"


ALONE = (
    "Who pays the insurance of the leased warehouse?",
    "What is E9 on the Brio 20?",
    "Describe the repair obligations of the Norvane contract.",
    "Compare Norvane and Velter termination",
    "Wann endet der Vertrag mit Velter?",
    "Is there a penalty for late delivery of the flour?",
    "When can the tenant of Unit 7 walk away early and how much warning must it give?",
    "How much may Tallowmere place with one bank whose lowest rating is A+?",
    "What does Meridian now expect for full-year 2025 after its third quarter?",
    "Who must sign so that the amendment takes effect?",
    "Thank you very much for that!",
    "Thanks!",
)


@pytest.mark.parametrize("question", ALONE)
def test_a_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert after("What is the notice period for Aldgate?", question) == question
    assert standalone(question, []) == question


@pytest.mark.parametrize(
    "question", ["Define force majeure", "Summarise the confidentiality clauses", "Describe the break right."]
)
def test_what_is_bid_keeps_its_words_and_gets_at_most_a_name(question: str) -> None:
    meant = after("What is the rent of Unit 7?", question)
    assert meant.startswith(question)
    assert "rent" not in meant


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Could you tell me what the notice period for Aldgate is?", "Notice period for Aldgate"),
        ("What is the notice period for Aldgate?", "Notice period for Aldgate"),
        ("Hello, how do I descale the Brio 20?", "Descale the Brio 20"),
        ("When must invoices be paid?", "When must invoices be paid"),
        ("Why?", "Why"),
        ("?", "?"),
    ],
)
def test_a_conversation_is_called_what_it_is_about(question: str, title: str) -> None:
    assert title_of(question) == title


def test_a_long_question_becomes_a_title_cut_between_words() -> None:
    title = title_of("What is the notice period " + "for the warehouse " * 8)
    assert len(title) <= 61
    assert title.endswith("…")


def test_a_refusal_names_where_it_looked_and_the_words_that_stand_nowhere() -> None:
    assert searched("Who is Zebedee?", [], 1) == "I looked in 1 document for “Zebedee” and found nothing close."
    assert searched("Anything?", [], 0) == "No document is ready to be searched yet."
