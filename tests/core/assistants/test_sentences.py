from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.assistants.sentences import split


def texts(text: str) -> list[str]:
    return [sentence.text for sentence in split(text)]


def test_abbreviations_decimals_and_initials_end_no_sentence() -> None:
    assert texts("See No. 5 of the U.S. Code, e.g. Title 3. The fee is 3.5 percent. Dr. J. Smith signed.") == [
        "See No. 5 of the U.S. Code, e.g. Title 3.",
        "The fee is 3.5 percent.",
        "Dr. J. Smith signed.",
    ]


def test_an_abbreviation_ends_a_sentence_when_the_next_word_opens_one() -> None:
    assert texts("It began in the U.S. The rest followed.") == ["It began in the U.S.", "The rest followed."]


def test_a_clause_number_belongs_to_its_clause() -> None:
    assert texts("12.2 Either party may end this. 12. Term. It runs.") == [
        "12.2 Either party may end this.",
        "12. Term.",
        "It runs.",
    ]


def test_a_heading_that_runs_into_its_paragraph_stays_with_the_first_sentence() -> None:
    for heading in ("9.2 Cap on Monetary Damages.", "Governing Law.", "(c) LIMITATIONS OF LIABILITY."):
        text = f"{heading} In no event will a party pay more. It may pay less."
        assert texts(text) == [f"{heading} In no event will a party pay more.", "It may pay less."]
    assert texts("The fee is due. It is paid in May.") == ["The fee is due.", "It is paid in May."]
    assert texts("It is long. Governing Law. This is new.")[1] == "Governing Law."  # not where a paragraph begins


def test_bullets_are_units_and_keep_their_wrapped_lines() -> None:
    assert texts("- first bullet that\nwraps here\n- second") == ["- first bullet that\nwraps here", "- second"]


def test_a_line_wrapped_in_mid_sentence_goes_on() -> None:
    wrapped = "A long line that has been wrapped by a PDF reader in the middle of\nNorthern Ireland goes on."
    assert texts(wrapped) == [wrapped]


def test_a_heading_is_not_glued_to_the_paragraph_below_it() -> None:
    assert texts("Termination\nEither party may end this.") == ["Termination", "Either party may end this."]


def test_a_table_row_is_one_unit_with_the_header_of_its_table() -> None:
    header, cars, boats = split("| Name | 2019 |\n| Cars | 5.5 |\n| Boats | 1. Two |")
    assert header.header == ""
    assert (cars.row, cars.header) == (True, "| Name | 2019 |")
    assert boats.readable == "| Name | 2019 |\n| Boats | 1. Two |"


def test_rows_cut_off_from_their_table_get_the_header_they_lost() -> None:
    first, second = split("| Cars | 5.5 |\n| Boats | 1 |", header="| Name | 2019 |")
    assert first.header == "| Name | 2019 |"
    assert second.header == "| Name | 2019 |"


@given(st.text(alphabet="aB1 .!?|\n-\"'()#", max_size=120))
def test_sentences_are_slices_in_order_and_lose_nothing_but_white_space(text: str) -> None:
    found = split(text)
    assert all(sentence.text == text[sentence.start : sentence.end] for sentence in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert "".join("".join(s.text.split()) for s in found) == "".join(text.split())
