import pytest

from core.assistants.words import repeats, spelt, stems

CLAUSE = "12.2 Either party may end this Agreement with 60 days' written notice. Fees paid are not refunded."


@pytest.mark.parametrize(
    "sentence",
    [
        "Either party may end this Agreement with 60 days' written notice.",
        "Either party may end the agreement with sixty days' written notices.",
        "With 60 days' written notice.",
    ],
)
def test_a_sentence_that_copies_a_stretch_of_the_quotation_repeats_it(sentence: str) -> None:
    assert repeats(sentence, CLAUSE)


@pytest.mark.parametrize(
    "sentence",
    [
        "Either party may end the agreement with 90 days' written notice.",
        "Either party may end the agreement, and the fees are kept.",
        "Fees paid before March are not refunded.",
        "It is.",
    ],
)
def test_a_sentence_that_adds_a_word_or_says_nothing_repeats_nothing(sentence: str) -> None:
    assert not repeats(sentence, CLAUSE)


def test_a_row_read_out_as_a_sentence_does_not_repeat_the_row() -> None:
    row = "| | Q3 | Q2 |\n| --- | --- | --- |\n| Churn | 3,805 | 790 |"
    assert not repeats("Churn was 3,805.", row)
    assert repeats("3,805.", row)


def test_nothing_repeats_an_empty_text() -> None:
    assert not repeats("Either party may end it.", "")


def test_a_file_s_name_is_read_in_words() -> None:
    assert spelt("AlliedEsports_License_8_K.pdf") == "Allied Esports License 8 K.pdf"
    assert stems(spelt("brio_40_manual.pdf")) >= {"brio", "40", "manual"}
