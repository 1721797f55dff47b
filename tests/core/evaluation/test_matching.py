import random
from itertools import combinations

import pytest

from core.evaluation.matching import choice_match, common_subsequence, figures, numeric_match, rouge_l
from core.evaluation.sourcing import Place, citation_precision, citation_recall, evidence_found


def longest_by_trying(a: list[str], b: list[str]) -> int:
    """Every subsequence of the shorter one, the longest first."""
    short, long = sorted((a, b), key=len)
    for size in range(len(short), 0, -1):
        for kept in combinations(short, size):
            rest = iter(long)
            if all(word in rest for word in kept):
                return size
    return 0


def test_the_longest_common_subsequence_is_the_one_that_trying_all_finds() -> None:
    draw = random.Random(7)
    for _ in range(200):
        a, b = ([draw.choice("abcd") for _ in range(draw.randint(0, 9))] for _ in range(2))
        found = common_subsequence(a, b)
        assert found == longest_by_trying(a, b)
        expected = 2 * found / (len(a) + len(b)) if a and b else float(a == b)
        assert rouge_l(" ".join(a), " ".join(b)) == pytest.approx(expected, abs=1e-6)


def test_rouge_l_is_that_of_lins_paper() -> None:
    # Section 3: "police killed the gunman" against "police kill the gunman" has LCS 3 of 4 words.
    assert rouge_l("Police kill the gunman.", "police killed the gunman") == pytest.approx(0.75)
    assert rouge_l("the gunman kill police", "police killed the gunman") == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("answer", "gold", "scale", "right"),
    [
        ("Revenue was $1,234.", "1234", "", 1.0),
        ("It was 1.2 million.", "1,200,000", "", 1.0),
        ("It fell (5.2) points", "-5.2", "", 1.0),
        ("It rose 5.2 points", "-5.2", "", 0.0),
        ("a rate of 5.2 %", "5.2%", "", 1.0),
        ("a rate of 5.2 per cent", "5.2", "percent", 1.0),
        ("a rate of 5.2", "5.2%", "", 0.0),
        ("revenue of 1,234", "1,234", "thousand", 1.0),
        ("revenue of 1.234 million", "1,234", "thousand", 1.0),
        ("revenue of 1.234 million", "1,234", "million", 0.0),
        ("about 3.14159", "3.14", "", 1.0),
        ("about 3.2", "3.14", "", 0.0),
        ("in 2018-2019", "2018 and 2019", "", 1.0),
        ("sixty days", "60 days", "", 0.0),
        ("anything", "by the landlord", "", None),
    ],
)
def test_figures_agree_however_they_are_written(answer: str, gold: str, scale: str, right: float | None) -> None:
    assert numeric_match(answer, gold, scale) == right


def test_a_year_range_is_no_negative_number() -> None:
    assert [int(each.value) for each in figures("2017-2018 and Q2")] == [2017, 2018]


def test_a_verdict_is_the_first_word_and_nothing_else() -> None:
    assert choice_match("Yes. It may be ended.", "yes") == 1.0
    assert choice_match("There is no such clause.", "No") == 0.0
    assert choice_match("whatever", "sixty days") is None


def test_evidence_is_found_piece_by_piece_whatever_the_white_space() -> None:
    passages = [Place("a.md", "The rent  is\n2,400 pounds."), Place("b.md", "It is due monthly.")]
    assert evidence_found("the rent is 2,400 pounds. ... and never", passages) == 0.5
    assert evidence_found("", passages) is None


def test_a_citation_counts_when_it_points_into_a_gold_document_and_reaches_the_evidence() -> None:
    cited = [Place("a.md", "The rent is 2,400 pounds."), Place("b.md", "Something else.")]
    assert citation_precision(cited, ["a.md"]) == 0.5
    assert citation_recall(cited, ["a.md"], "The rent is 2,400 pounds a month") == 1.0
    assert citation_recall(cited, ["a.md"], "Notice must be given in writing by the tenant") == 0.0
    assert citation_recall(cited, ["a.md", "c.md"]) == 0.5
    assert citation_precision([], ["a.md"]) is None
