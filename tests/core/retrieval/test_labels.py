"""Tables with a row that is called what was asked for gain; other rows, parts and other documents' tables do not."""

from collections.abc import Sequence

import pytest

from core.retrieval.labels import LESS, LONGEST, MORE, WEIGHT, apart, content, gains, labelled
from core.retrieval.terms import Same
from storage.rows import ChunkRow
from storage.words import Stemmer
from tests.core.retrieval.library import Library

STEMS = Stemmer().stems
SHEET = "| Assets | 2022 | 2021 |\n| Inventories | 78,151 | 78,823 |\n| Total assets | 137,100 | 138,552 |"


def gained(
    question: str, *texts: str, heading: str = "", names: Sequence[str] = ("report.pdf",), found: Sequence[Same] = ()
) -> list[float]:
    """What each text gains, one a document; the last name is that of all further documents."""
    chunks = [ChunkRow(i, 1, i, 0, 1, 0, len(text), "table_row", heading, "", text) for i, text in enumerate(texts)]
    called = {i: (names[min(i, len(names) - 1)], "") for i in range(len(texts))}
    found_gains = gains(question, chunks, called, found, STEMS, lambda words: dict.fromkeys(words, 2.0))
    return [found_gains.get(i, 0.0) for i in range(len(texts))]


def test_a_table_gains_by_a_row_that_is_called_what_was_asked() -> None:
    assert gained("How much inventory was there?", SHEET, "Inventories of 5 are held.") == [WEIGHT, 0.0]


def test_who_asks_in_more_words_than_a_label_can_say_half_of_asks_for_no_row() -> None:
    story = " ".join(f"w{chr(97 + at)}rd" for at in range(LONGEST))
    assert gained(f"{story}?", f"| {story} | 5 |") == [WEIGHT]
    assert gained(f"{story} inventory?", f"| {story} | 5 |", "| Inventory | 5 |") == [0.0, 0.0]


def test_no_word_is_counted_where_no_row_may_be_meant() -> None:
    chunk = ChunkRow(0, 1, 0, 0, 1, 0, len(SHEET), "table_row", "", "", SHEET)
    assert gains("Who painted the cranes?", [chunk], {0: ("report.pdf", "")}, (), STEMS, counted_by_nobody) == {}


def counted_by_nobody(words: Sequence[str]) -> dict[str, float]:
    raise AssertionError(words)


def test_a_row_with_more_in_its_label_counts_for_less_and_a_weak_one_for_nothing() -> None:
    net, credits = "| Net loss | 5 |", "| Net loss credits | 5 |"
    assert gained("What was the net loss?", net, credits) == [WEIGHT, pytest.approx(WEIGHT * 2 / 3)]
    assert gained("What was the net loss?", "| Loss of net operating credits | 5 |") == [pytest.approx(WEIGHT / 2)]
    assert gained("What was the net loss of the northern business?", "| Loss | 5 |") == [0.0]


def test_what_a_label_is_net_of_is_not_what_it_is_called() -> None:
    row = "| Revenues net of interest expense | 52,862 |"
    assert gained("What was the revenue?", row) == [WEIGHT]
    assert gained("What was the revenue?", "| Revenue and interest expense | 1 |") == [0.0]
    assert gained("What were revenues net of interest expense?", row) == [WEIGHT]
    assert gained("What are the receivables?", "| Receivables, net | 856 |") == [WEIGHT]


def test_a_number_that_refers_to_a_note_is_no_figure() -> None:
    assert list(labelled("| Goodwill | Impairment (1) | Net Carrying Amount |")) == []
    assert [row.label for row in labelled("| Goodwill (1) | (31) |")] == ["Goodwill"]


def test_who_and_when_are_asked_of_the_table_and_not_of_its_rows() -> None:
    question = "What was Norvane's revenue in the second quarter of 2025?"
    assert gained(question, "| Revenue | 9,583 |", names=["NORVANE_2025Q2.pdf"]) == [WEIGHT]


def test_the_table_of_a_document_that_was_not_named_gains_nothing() -> None:
    names = ["AMERICANEXPRESS_2022.pdf", "BOEING_2022.pdf"]
    rows = ["| Net income | 7,514 |", "| Net income | 12 |"]
    assert gained("What was the net income of American Express?", *rows, names=names) == [WEIGHT, 0.0]
    of_another = [pytest.approx(WEIGHT * 2 / 3)] * 2  # which is in no file's name, so it may be in either
    assert gained("What was the net income of Ford?", *rows, names=names) == of_another


def test_a_word_with_a_capital_names_no_document_by_being_inside_a_word_of_its_name() -> None:
    names = ["cabinet-papers.pdf", "review.pdf"]
    assert gained("What was the Net income?", "| Income | 1 |", "| Net income | 2 |", names=names)[1] == WEIGHT


def test_a_row_about_the_whole_counts_for_more_and_one_about_a_part_for_less() -> None:
    revenue = "| Revenue | 1 |"
    assert gained("What was the revenue?", revenue, heading="Results > Consolidated Results") == [WEIGHT * MORE]
    assert gained("What was the revenue?", "| Total revenue | 1 |") == [WEIGHT * MORE]
    assert gained("What was the revenue?", revenue, heading="Results > Pumps Segment") == [WEIGHT * LESS]
    (of_part,) = gained("What was the revenue of the pumps segment?", "| Pumps revenue | 1 |", heading="Pumps Segment")
    assert of_part == pytest.approx(WEIGHT * 2 / 3)  # its part is named, so only "segment" is missing


def test_a_row_called_total_alone_is_called_what_its_table_is() -> None:
    assert gained("How much inventory?", "| Total | 78 |", heading="Notes > Note 7 - Inventories") == [WEIGHT * MORE]


def test_what_means_the_same_is_what_was_asked_and_no_more() -> None:
    found = [Same("EPS", 10, ("earnings per share",))]
    assert gained("What is EPS?", "| Earnings per share | 1.25 |", found=found) == [WEIGHT]
    assert gained("What is EPS?", "| Certification of earnings per share by auditors | 31.1 |", found=found) == [0.0]


def test_rows_say_figures_and_their_labels_come_without_notes() -> None:
    text = "Prose.\n| Item | Amount |\n| Goods (in millions) | 5 |\n| Goods | 6 |\n| | 7 | |\n| | Services | 1,200 |"
    assert [row.label for row in labelled(text)] == ["Goods", "Services"]


def test_a_letter_that_the_full_text_does_not_know_is_a_word_all_the_same() -> None:
    word = "\U0001e900\U0001e901"  # Adlam, younger than the full text's table of letters
    assert content(word) == [word.lower()]
    assert gained(f"How much {word}?", f"| {word} | 5 |") == [WEIGHT]


def test_a_chunk_whose_document_was_deleted_meanwhile_gains_nothing() -> None:
    chunk = ChunkRow(1, 1, 9, 0, 1, 0, 9, "table_row", "", "", SHEET)
    assert gains("inventories", [chunk], {}, [], STEMS, lambda words: dict.fromkeys(words, 1.0)) == {}


def test_words_of_a_name_tell_no_rows_apart() -> None:
    assert apart("Best Buy revenue", content("Best Buy revenue"), {1: ("BESTBUY_2024.pdf", "")}) == {1: ["revenue"]}


def test_a_statement_is_found_before_sentences_that_mention_it(library: Library) -> None:
    corpus = library.corpus("reports")
    passing = [f"Note {n}: as the year ended, inventory that was held at hall {n} was moved." for n in range(6)]
    library.add(corpus, "notes.txt", [[line] for line in passing])
    rows = "\n".join(
        f"| {name} | {10 + i},100 | {9 + i},200 |" for i, name in enumerate(("Cash", "Inventories", "Debt"))
    )
    library.add(corpus, "sheet.txt", [["Position at the end of the year.\n" + rows]])
    question = "How much inventory was there when the year ended?"
    plain = library.retriever.passages(library.retriever.ranked(corpus, question), 10)
    assert plain[0].document == "notes.txt"
    assert library.retriever.search(corpus, question)[0].document == "sheet.txt"
