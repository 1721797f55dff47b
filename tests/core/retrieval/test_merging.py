"""Merging: neighbours on a page become one, pages and long stretches stay apart, documents take turns."""

from core.retrieval.fusion import Ranked
from core.retrieval.merging import MOST_CHARS, merge
from storage.rows import ChunkRow


def row(key: int, document: int = 1, page: int = 1, text: str = "", heading: str = "") -> ChunkRow:
    """500 characters of the page, in the order of their keys; words of its own unless they are said."""
    return ChunkRow(
        key, 1, document, key, page, key * 500, (key + 1) * 500, "paragraph", heading, "", text or f"{key}."
    )


def merged(rows: list[ChunkRow], order: list[int], top: int = 10, step: float = 0.01) -> list[list[int]]:
    ranked = [Ranked(key, 1 - place * step, None, None, None, None) for place, key in enumerate(order)]
    return [[hit.chunk_id for hit in group] for group in merge(ranked, {row.id: row for row in rows}, top)]


def test_neighbours_join_in_page_order_at_the_better_place() -> None:
    assert merged([row(1), row(2), row(9)], [2, 9, 1]) == [[1, 2], [9]]


def test_chunks_with_one_between_them_stay_apart() -> None:
    assert merged([row(1), row(3)], [1, 3]) == [[1], [3]]


def test_pages_stay_apart() -> None:
    assert merged([row(1), row(2, page=2)], [1, 2]) == [[1], [2]]


def test_documents_stay_apart() -> None:
    assert merged([row(1), row(2, document=2)], [1, 2]) == [[1], [2]]


def test_a_passage_has_a_most() -> None:
    rows = [row(key) for key in range(10)]
    groups = merged(rows, list(range(10)))
    assert all(len(group) * 500 <= MOST_CHARS for group in groups)
    assert sorted(key for group in groups for key in group) == list(range(10))


def test_what_a_document_says_twice_is_one_passage() -> None:
    rows = [row(1, text="Two tablets."), row(5, text="Two tablets.", page=2), row(9)]
    assert merged(rows, [5, 1, 9]) == [[5], [9]]


def test_the_same_words_of_another_document_or_under_another_heading_are_another_passage() -> None:
    rows = [row(1, text="Yes."), row(5, text="Yes.", heading="Alcohol"), row(9, text="Yes.", document=2)]
    assert merged(rows, [1, 5, 9]) == [[1], [5], [9]]


def test_a_chunk_whose_row_is_gone_is_passed_over() -> None:
    assert merged([row(1)], [5, 1]) == [[1]]


def test_the_fourth_and_fifth_place_go_to_new_documents() -> None:
    rows = [row(key * 2) for key in range(6)] + [row(100, document=2), row(102, document=2), row(200, document=3)]
    order = [0, 2, 4, 6, 8, 10, 100, 102, 200]
    assert merged(rows, order) == [[0], [2], [4], [100], [200], [6], [8], [10], [102]]


def test_a_weak_match_in_a_new_document_gets_no_place_of_its_own() -> None:
    rows = [row(key * 2) for key in range(6)] + [row(100, document=2)]
    assert merged(rows, [0, 2, 4, 6, 8, 10, 100], step=0.12)[3:5] == [[6], [8]]


def test_no_more_than_asked_for() -> None:
    assert merged([row(key * 2) for key in range(6)], [0, 2, 4, 6], top=2) == [[0], [2]]
