"""A row for a range of figures answers a question whose own figure it holds, and no other."""

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest

from core.assistants.quotation import choose
from core.assistants.quoting import relevant
from core.assistants.ranges import asked, ranges, settled
from core.assistants.reading import SMALL
from core.assistants.sentences import split
from core.assistants.words import stems
from core.ingestion.embedding import Embedder
from core.retrieval.passages import Passage

Make = Callable[..., Passage]
DOSES = (
    "| Creatinine clearance | 60 kg or more | Below 60 kg |\n| 50 mL/min or more | 40 mg | 30 mg |\n"
    "| 30 to 49 mL/min | 30 mg | 20 mg |\n| Below 15 mL/min | Do not use | Do not use |"
)
APPROVALS = (
    "| Purchase | Approved by |\n| Up to $500 | Nobody |\n| $500 to $2,500 | Line manager |\n"
    "| $2,500 to $10 thousand | Director |\n| Above $10 thousand | Board |"
)
PAUSES = (
    "| Medicine | Stop before |\n| Zelubrine, clearance 50 or more | 24 hours |\n"
    "| Zelubrine, clearance below 50 | 48 hours |\n| Pelothrin, clearance 50 or more | 18 hours |\n"
    "| Pelothrin, clearance below 50 | 36 hours |"
)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("50 mL/min or more", ["50", "90"], ["49.9"]),
        ("30 to 49 mL/min", ["30", "49"], ["29", "50"]),
        ("30–49 mL/min", ["30", "49"], ["29", "50"]),
        ("between 3 and 6 months", ["3", "6"], ["2", "7"]),
        ("2.00 to below 2.50 times", ["2", "2.49"], ["2.5"]),
        ("over 1,000 up to 5,000", ["1001", "5000"], ["1000", "5001"]),
        ("Below 15 mL/min", ["14.9"], ["15"]),
        ("no more than 15 kg", ["15"], ["16"]),
        ("no less than 15 kg", ["15"], ["14"]),
        ("more than 15 kg", ["16"], ["15"]),
        ("≥ 65 years", ["65"], ["64"]),
        ("65+", ["65", "80"], ["64"]),
        ("2 million or less", ["2000000"], ["2000001"]),
        ("over $1 million", ["1000001"], ["1000000"]),
    ],
)
def test_a_range_holds_what_its_words_say(text: str, inside: list[str], outside: list[str]) -> None:
    (found,) = ranges(text)
    assert [found.holds(Decimal(value)) for value in (*inside, *outside)] == [True] * len(inside) + [False] * len(
        outside
    )


@pytest.mark.parametrize("text", ["40 mg once daily", "E3 on the Brio 40", "Day 11 to month 3", "9 to 5", "Do not use"])
def test_what_is_no_range_gives_none(text: str) -> None:
    assert ranges(text) == []


def test_units_have_one_name_and_a_figure_per_minute_is_not_one_alone() -> None:
    texts = (
        "over 30 years", "over 1 year", "£5 to £9", "over 5 per cent", "5% or more", "5 mL or more", "5 mL/min or more",
        "12 or more users",
    )  # fmt: skip
    units = [each.unit for text in texts for each in ranges(text)]
    assert units == ["year", "year", "pound", "%", "%", "ml", "ml/min", "user"]


def test_years_days_and_ranges_of_a_question_are_no_figures_to_look_up() -> None:
    assert asked("What was the revenue in 2019?") == []
    assert asked("Which rules apply from 1 March 2026 on?") == []
    assert asked("What is the dose between 30 and 50 mL/min?") == []


@pytest.mark.parametrize(
    ("question", "table", "answer"),
    [
        ("What dose does a patient of 55 kg with a creatinine clearance of 40 mL/min get?", DOSES, "| 30 to 49"),
        ("What dose does a patient with a clearance of 50 mL/min get?", DOSES, "| 50 mL/min or more"),
        ("What dose at a creatinine clearance of 9?", DOSES, "| Below 15"),
        ("Who approves a purchase of $3,000?", APPROVALS, "| $2,500 to $10 thousand"),
        ("Who approves a purchase for 12,000 dollars?", APPROVALS, "| Above $10 thousand"),
        ("Who approves a purchase of $300?", APPROVALS, "| Up to $500"),
        ("When is zelubrine stopped with a clearance of 35?", PAUSES, "| Zelubrine, clearance below 50"),
        ("When is pelothrin stopped in a man of 80 kg with a clearance of 35?", PAUSES, "| Pelothrin, clearance below"),
    ],
)
def test_the_row_whose_range_holds_the_figure_is_first(
    question: str, table: str, answer: str, passage: Make, embedder: Embedder
) -> None:
    scored = relevant(question, [passage(table)], embedder, dict.fromkeys(stems(question), 1.0))
    assert choose(scored.candidates, SMALL)[0].sentence.text.startswith(answer)


def test_a_row_that_excludes_the_figure_is_not_quoted_beside_the_one_that_holds_it(passage: Make) -> None:
    units = [(passage(DOSES), sentence) for sentence in split(DOSES)]
    scores = settled("at a clearance of 40 mL/min?", units, np.array([1.0, 9.0, 8.8, 8.9], np.float32))
    assert [units[i][1].text[:8] for i in np.argsort(-scores)] == ["| 30 to ", "| 50 mL/", "| Below ", "| Creati"]
    assert np.exp(scores[1] - scores[2]) < 0.5


@pytest.mark.parametrize(
    "question",
    [
        "What dose is usual?",
        "What dose does a patient of 55 kg get?",  # a heading has that range, and every row stands below it
        "What dose at a clearance of 20 mL/min?",  # there is no such row
        "What dose at 40 bpm?",
    ],
)
def test_nothing_changes_where_no_row_is_known_to_hold_the_figure(question: str, passage: Make) -> None:
    units = [(passage(DOSES), sentence) for sentence in split(DOSES)]
    scores = np.arange(len(units), dtype=np.float32)
    assert (settled(question, units, scores) == scores).all()


def test_rows_of_a_table_that_was_cut_are_one_table(passage: Make) -> None:
    header, *rows = DOSES.splitlines()
    first, second = passage(f"{header}\n{rows[0]}"), passage("\n".join(rows[1:]), 2, header=header, document_id=1)
    units = [(each, sentence) for each in (first, second) for sentence in split(each.text, each.header)]
    scores = settled("at a clearance of 40 mL/min?", units, np.array([1.0, 9.0, 5.0, 4.0], np.float32))
    assert units[int(scores.argmax())][1].text.startswith("| 30 to 49")


def test_points_of_a_list_are_read_like_rows(passage: Make) -> None:
    text = "Delivery costs:\n- Orders below 50 euro: 4.95 euro.\n- Orders of 50 euro or more: nothing."
    units = [(passage(text), sentence) for sentence in split(text)]
    scores = settled("What does delivery of an order for 80 euro cost?", units, np.array([1, 9, 8], np.float32))
    assert units[int(scores.argmax())][1].text == "- Orders of 50 euro or more: nothing."
