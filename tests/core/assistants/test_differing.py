"""Words that only one answer has are found, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from core.assistants.differing import WORD, only_here


def marked(texts: list[str]) -> list[list[str]]:
    return [[text[a:b] for a, b in spans] for text, spans in zip(texts, only_here(texts), strict=True)]


def test_words_of_one_answer_alone_are_marked_and_neighbours_are_one_mark() -> None:
    texts = ["The rent is 2,400 pounds a month.", "The rent is 2,500 pounds, payable in advance.", "The rent is due."]
    assert marked(texts) == [["2,400", "a month"], ["2,500", "payable in advance"], ["due"]]


def test_case_and_punctuation_are_no_difference() -> None:
    assert marked(["Six months' notice.", "SIX months’ notice"]) == [[], []]


def test_a_single_answer_differs_from_nothing() -> None:
    assert only_here(["Anything at all."]) == [[]]
    assert only_here([]) == []


@given(st.lists(st.text(alphabet="ab 1,.\n", max_size=20), min_size=2, max_size=4))
def test_a_word_is_marked_exactly_when_no_other_answer_has_it(texts: list[str]) -> None:
    for number, spans in enumerate(only_here(texts)):
        others = {m[0] for k, text in enumerate(texts) if k != number for m in WORD.finditer(text)}
        for match in WORD.finditer(texts[number]):
            inside = any(a <= match.start() and match.end() <= b for a, b in spans)
            assert inside == (match[0] not in others)
