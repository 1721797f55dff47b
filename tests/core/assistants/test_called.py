"""A row that is called what was asked is quoted before sentences that speak of it."""

from collections.abc import Callable

import pytest

import core.assistants.called
from core.assistants.answerability import answerable
from core.assistants.called import CHANGES, LARGEST, OTHER_PERIOD, WEIGHT, called
from core.assistants.lists import quoted
from core.assistants.quoting import relevant
from core.assistants.reading import SMALL
from core.assistants.sentences import split
from core.assistants.synonyms import NONE, Synonyms
from core.assistants.words import stem, stems
from core.ingestion.embedding import Embedder
from core.retrieval.passages import Passage
from core.retrieval.terms import Same

Make = Callable[..., Passage]
SHEET = "| (In millions) | 2022 | 2021 |\n| Receivables | 11,200 | 9,800 |\n| Inventories | 78,151 | 78,823 |"
PROSE = (
    "Inventory is moved between plants. During the year, $11 was amortized to Inventory as a benefit of the program."
)


def counted(question: str, *passages: Passage, synonyms: Synonyms = NONE) -> dict[str, float]:
    """What counts for more, by its words."""
    units = [(passage, sentence) for passage in passages for sentence in split(passage.text, passage.header)]
    rarity = dict.fromkeys(stems(question), 2.0)
    found = called(question, units, rarity, synonyms)
    return {unit[1].text: float(each) for unit, each in zip(units, found, strict=True) if each}


def test_only_the_row_that_is_called_so_counts_for_more(passage: Make) -> None:
    assert counted("How much inventory was there?", passage(SHEET), passage(PROSE, 2)) == {
        "| Inventories | 78,151 | 78,823 |": WEIGHT
    }


def test_a_row_in_other_words_counts_as_much(passage: Make) -> None:
    synonyms = Synonyms.of("What was EPS?", [Same("EPS", 12, ("earnings per share",))])
    row = "| Earnings per share | 1.25 | 1.35 |"
    assert counted("What was EPS?", passage(f"| | 2022 | 2021 |\n{row}"), synonyms=synonyms) == {row: WEIGHT}
    assert stem("eps") not in stems(row)


def test_who_asks_for_a_change_or_a_meaning_is_not_answered_by_a_figure(passage: Make) -> None:
    for question in ("Why did inventories rise?", "By how much did inventories increase?", "What do inventories mean?"):
        assert counted(question, passage(SHEET)) == {}


def test_who_asks_for_a_person_or_a_place_is_not_answered_by_a_figure(passage: Make) -> None:
    sheet = passage("| Contents | Page |\n| Report of the auditor | 115 |")
    assert counted("How many auditor reports are there?", sheet)
    assert counted("Who reports as auditor?", sheet) == counted("Where does the auditor report?", sheet) == {}


def test_of_rows_called_alike_the_one_with_the_largest_figure_is_about_the_whole(passage: Make) -> None:
    part = passage("| (In millions) | 2022 | 2021 |\n| Revenue | $1,510 | $1,140 |")
    whole = passage("| (In millions) | 2022 | 2021 |\n| Revenue, net | $2,852 | 12 % |", 2, document_id=1)
    smaller, larger = "| Revenue | $1,510 | $1,140 |", "| Revenue, net | $2,852 | 12 % |"
    found = counted("What was the revenue in 2022?", part, whole)
    assert found == pytest.approx({smaller: WEIGHT, larger: WEIGHT * LARGEST**2})
    assert counted("What was the revenue in 2022?", part) == {smaller: WEIGHT}


def test_figures_of_another_year_of_each_unit_or_of_another_document_are_not_held_against_others(
    passage: Make,
) -> None:
    asked = passage("| (In millions) | 2022 |\n| Revenue | 5 |\n| Loss per share | (8.30) |")
    earlier = passage("| (In millions) | 2020 |\n| Revenue | 9 |\n| Core loss per share | (11.06) |", 2, document_id=1)
    other = passage("| (In millions) | 2022 |\n| Revenue | 700 |", 3)
    assert counted("What was the revenue in 2022?", asked, earlier, other) == dict.fromkeys(
        ["| Revenue | 5 |", "| Revenue | 9 |", "| Revenue | 700 |"], WEIGHT
    )
    per_share = counted("What was the loss per share?", asked, earlier)
    assert per_share["| Loss per share | (8.30) |"] == WEIGHT > per_share["| Core loss per share | (11.06) |"]


def test_a_row_of_other_months_than_were_asked_counts_for_less(passage: Make) -> None:
    three = passage("| | Three Months Ended June 30 |\n| Net sales | 3,642 |")
    six = passage("| | Six Months Ended June 30 |\n| Total net sales | 7,354 |", 2, document_id=1)
    in_label = passage("| | Total |\n| Net sales, six months ended June 30 | 518 |", 3, document_id=1)
    found = counted("What were net sales in the quarter?", three, six, in_label)
    assert found["| Net sales | 3,642 |"] == WEIGHT
    assert found.get("| Total net sales | 7,354 |", 0.0) < WEIGHT * OTHER_PERIOD
    assert counted("What were net sales?", six)["| Total net sales | 7,354 |"] > WEIGHT
    assert found["| Net sales, six months ended June 30 | 518 |"] == WEIGHT * OTHER_PERIOD**2


def test_what_a_balance_rose_by_counts_for_less_than_the_balance(passage: Make) -> None:
    flows = passage("| | 2022 |\n| Accounts payable | 838 |", heading="Report > Statement of Cash Flows")
    assert counted("What are accounts payable?", flows) == pytest.approx(
        {"| Accounts payable | 838 |": WEIGHT * CHANGES**2}
    )


def test_it_is_quoted_before_a_sentence_that_mentions_it(passage: Make, embedder: Embedder) -> None:
    question = "How much inventory was there at the end of 2022?"
    asked = dict.fromkeys(stems(question), 2.0)
    scored = relevant(question, [passage(PROSE), passage(SHEET, 2)], embedder, asked)
    assert scored.candidates[0].sentence.text == "| Inventories | 78,151 | 78,823 |"
    assert "78,151" in quoted(scored, SMALL).text
    assert scored.before is not None
    assert scored.candidates[0].probability > scored.before.candidates[0].probability


def test_whether_there_is_an_answer_is_judged_as_if_rows_counted_like_sentences(
    passage: Make, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    question, passages = "How much inventory was there at the end of 2022?", [passage(PROSE), passage(SHEET, 2)]
    asked = dict.fromkeys(stems(question), 2.0)
    with_rows = relevant(question, passages, embedder, asked)
    monkeypatch.setattr(core.assistants.called, "WEIGHT", 0.0)
    without = relevant(question, passages, embedder, asked)
    assert without.before is None
    judged = [answerable(question, passages, each, asked, 9.0) for each in (with_rows, without)]
    assert judged[0] == judged[1]
