"""Documents whose names differ in a number: the one that a question names comes first."""

from typing import Any

import pytest

from core.retrieval.fusion import Ranked
from core.retrieval.variants import WEIGHT, inside, preferred, variants
from storage.rows import ChunkRow


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What does E3 mean on the Brio 40?", {"brio": {"40"}, "e": {"3"}}),
        ("brio-40-manual.pdf", {"brio": {"40"}}),
        ("BESTBUY_2019_10K.pdf", {"year": {"2019"}}),
        ("JPMORGAN_2021Q1_10Q", {"year": {"2021"}, "quarter": {"1"}}),
        ("meridian-q3-2025-release.html", {"quarter": {"3"}, "year": {"2025"}}),
        ("the third quarter of FY25", {"quarter": {"3"}, "year": {"2025"}}),
        ("in the first six months of 2025", {"half": {"1"}, "quarter": {"2"}, "year": {"2025"}}),
        ("tallowmere-half-year-2025.pdf", {"half": {"1"}, "quarter": {"2"}, "year": {"2025"}}),
        ("after the first amendment", {"amendment": {"1"}}),
        ("aldgate-msa-amendment-1.docx", {"amendment": {"1"}}),
        ("R3 firmware 3.5.0", {"r": {"3"}, "firmware": {"3.5.0"}}),
        ("on 5 March 2024, within 30 days, for under 100 euro", {"year": {"2024"}}),
        ("minutes of may 12", {}),
        ("c957de2061da.txt", {}),
    ],
)
def test_numbers_of_a_name_are_found_by_what_they_count(text: str, found: dict[str, set[str]]) -> None:
    assert variants(text) == found


NAMES = {1: "brio-20-manual.pdf", 2: "brio-40-manual.pdf", 3: "faq.md"}


def order(question: str, names: dict[int, str], texts: dict[int, str] | None = None, **scores: float) -> list[int]:
    """The documents as they come, each with one chunk; scores 1 where none is given."""
    texts = texts or {}
    chunks = {
        id: ChunkRow(
            id, 1, id, 0, 1, 0, 9, "text", "", "", texts.get(id, "Press the button.")
        )  # a chunk's id: its document's
        for id in names
    }
    ranked = [Ranked(id, scores.get(f"of_{id}", 1.0), 1, 1, 1.0, 0.5) for id in names]
    return [hit.chunk_id for hit in preferred(variants(question), ranked, chunks, names, inside(question))]


def test_the_document_that_bears_the_number_comes_before_its_like() -> None:
    assert order("What does E3 mean on the Brio 40?", NAMES, of_1=1.3) == [2, 1, 3]
    assert order("What does E3 mean on the Brio 40?", NAMES, of_1=1.1) == [2, 3, 1]


def test_it_is_a_preference_that_a_much_better_match_outweighs() -> None:
    assert order("What does E3 mean on the Brio 40?", NAMES, of_1=1 + 2 * WEIGHT + 0.01)[0] == 1


def test_a_document_of_another_number_that_speaks_of_what_was_asked_loses_nothing() -> None:
    texts = {1: "Unlike the Brio 40, it has one boiler."}
    assert order("How many boilers has the Brio 40?", NAMES, texts, of_1=1.1) == [2, 1, 3]


def test_of_several_years_the_last_one_names_the_report() -> None:
    names = {1: "NIKE_2021_10K", 2: "NIKE_2023_10K", 3: "NIKE_2018_10K"}
    assert order("What did Nike acquire in FY2023, FY2022 and FY2021?", names) == [2, 1, 3]


def test_the_first_six_months_are_in_the_report_of_the_second_quarter() -> None:
    names = {1: "meridian-q1-2025.pdf", 2: "meridian-q2-2025.pdf"}
    assert order("How much cash flow in the first six months of 2025?", names, of_1=1.2) == [2, 1]


def test_a_question_without_numbers_changes_nothing() -> None:
    assert order("How is it cleaned?", NAMES, of_3=0.5) == [1, 2, 3]


def test_scores_stay_zero_or_more() -> None:
    chunk: Any = ChunkRow(1, 1, 1, 0, 1, 0, 9, "text", "", "", "Press.")
    (hit,) = preferred(variants("Brio 40"), [Ranked(1, 0.1, 1, None, 1.0, None)], {1: chunk}, {1: "brio-20.pdf"})
    assert hit.score == 0.0


def test_a_name_that_begins_a_longer_word_of_a_file_s_name_names_the_document() -> None:
    names = {1: "GopageCorp_2014_License.pdf", 2: "AlliedEsportsEntertainmentInc_2019.pdf", 3: "hosting.txt"}
    assert order("Is there a cap in the Allied Esports agreement?", names, of_1=1.4) == [2, 1, 3]
    assert order("Allied Esports: is there a cap?", names, of_1=1.4) == [2, 1, 3]
    assert order("Is there a cap in the Gopage agreement?", names, of_2=1.4) == [1, 2, 3]


@pytest.mark.parametrize(
    "question", ["Hosting fees?", "Are there Invoice numbers?", "Contra what?", "Is allied esports in it?"]
)
def test_a_whole_word_its_plural_and_the_first_word_of_a_sentence_name_nothing(question: str) -> None:
    names = {1: "hosting.txt", 2: "invoices.txt", 3: "contractors.txt"}
    assert order(question, names) == [1, 2, 3]


def test_what_most_documents_are_called_tells_none_from_another() -> None:
    names = {1: "MeridianFluidworks_Q1.pdf", 2: "MeridianFluidworks_Q2.pdf", 3: "policy.md"}
    assert order("What does Meridian say?", names, of_3=1.1) == [3, 1, 2]
