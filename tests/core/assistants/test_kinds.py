import pytest

from core.assistants.kinds import misses, wanted_kind


def test_questions_say_what_kind_of_thing_they_want() -> None:
    assert wanted_kind("How many units were sold?") == "number"
    assert wanted_kind("In what year did it open?") == "time"
    assert wanted_kind("Who signs the order?") == "person"
    assert wanted_kind("Explain the process") == ""


@pytest.mark.parametrize(
    ("sentence", "left_out"),
    [
        ("The term of the lease is 29 September 2024.", True),
        ("The bridge is 1991 metres.", False),
        ("The tenant may stay for ever.", False),
        ("The term is ten years from and including 29 September 2024.", False),
        ("It runs until 29 September 2034.", False),
        ("The tenant may stay from March 2024 to June 2025.", False),
        ("The term is a decade.", False),
        ("It is not said.", False),
    ],
)
def test_how_long_is_not_answered_with_a_day(sentence: str, left_out: bool) -> None:
    assert misses("How long is the term of the lease?", sentence) == left_out
    assert misses("For how many years is it let?", sentence) == left_out
    assert not misses("When does the lease begin?", sentence)
