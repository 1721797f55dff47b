"""Why an answer scored so: its words are those that token F1 counts, and each passage says what it has of the gold."""

import random

import pytest

from core.evaluation.explaining import Bearing, bearing, excerpt, overlap
from core.evaluation.metrics import answer_recall, token_f1
from core.evaluation.questions import Gold

WORDS = ("the", "rent", "Rent,", "a", "2,400", "pounds", "month.", "is", "(due)", "-", "An")
GOLD = Gold("rent", "What is the rent?", "2,400 pounds", documents=("lease.md",), page=1,
            evidence="The rent is 2,400 pounds\n\npayable on the first day")  # fmt: skip


def test_held_and_missed_words_are_told_apart_in_the_gold_answers_order() -> None:
    found = overlap("It is 2,400 pounds.", "2,400 pounds a month, in advance")
    assert found.held == ("2400", "pounds")
    assert found.missed == ("month", "in", "advance")
    assert found.said == 4


def test_a_word_is_held_as_often_as_the_answer_says_it() -> None:
    assert overlap("no, no", "no no no").gold == (("no", True), ("no", True), ("no", False))


def test_the_words_add_up_to_token_f1_and_recall_whatever_the_texts() -> None:
    drawn = random.Random(5)
    for _ in range(300):
        answer, gold = (" ".join(drawn.choices(WORDS, k=drawn.randrange(8))) for _ in range(2))
        found = overlap(answer, gold)
        assert found.f1 == pytest.approx(token_f1(answer, gold))
        if found.gold:
            assert len(found.held) / len(found.gold) == pytest.approx(answer_recall(answer, gold))


def test_a_refusal_holds_nothing() -> None:
    assert overlap("", "2,400 pounds").missed == ("2400", "pounds")


def test_a_passage_says_whether_it_is_of_a_gold_document_and_how_much_evidence_it_holds() -> None:
    both = "The  rent is 2,400 POUNDS a month, payable on the first day of each month."
    assert bearing("lease.md", both, GOLD) == Bearing(True, 1.0)
    assert bearing("other.md", "The rent is 2,400 pounds.", GOLD) == Bearing(False, 0.5)
    assert bearing("lease.md", "The tenant may leave.", Gold("q", "?", "x", documents=("lease.md",))) == Bearing(
        True, None
    )


def test_an_excerpt_begins_a_little_before_the_evidence() -> None:
    text = "word " * 100 + "The rent is\n2,400 pounds. " + "end " * 100
    cut = excerpt(text, GOLD.evidence, 80)
    assert "The rent is 2,400 pounds." in cut
    assert cut.startswith("…")
    assert cut.endswith("…")
    assert len(cut) <= 82
    assert excerpt("Short.", GOLD.evidence, 80) == "Short."
    assert excerpt("word " * 100, "", 20) == "word word word word…"
    assert excerpt("word " * 30 + "the rent is 2,400 pounds", GOLD.evidence, 60).endswith("2,400 pounds")
