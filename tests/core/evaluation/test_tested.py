"""What the retrieval test finds can be kept as a gold question, wherever it was found, and with its very words."""

import pytest

from core.errors import BadInput
from core.evaluation.tested import Spot, draft, spots
from core.retrieval.explaining import Explanation, FoundChunk, FoundPassage
from core.retrieval.passages import Passage
from storage.rows import ChunkRow

RENT = Spot("1. lease.md, page 1", "lease.md", 1, "The rent is\n2,400 pounds. It is due on the first day.")


def chunk(key: int, text: str) -> ChunkRow:
    return ChunkRow(key, 1, 1, key, 1, 0, len(text), "paragraph", "", "", text)


def passage(rank: int, *chunk_ids: int) -> Passage:
    return Passage(rank, 1, "lease.md", "", 1, "", 0, 9, "Some text", "", "", chunk_ids, 1.0)


def test_what_words_or_meaning_alone_find_is_offered_and_a_merged_passage_also_chunk_by_chunk() -> None:
    texts = {key: chunk(key, f"text {key}") for key in range(5)}
    by_words = tuple(FoundChunk(rank, 1.0, texts[key], "lease.md", ()) for rank, key in enumerate((4, 0, 1), 1))
    by_meaning = tuple(FoundChunk(rank, 1.0, texts[key], "lease.md", ()) for rank, key in enumerate((1, 3), 1))
    together = FoundPassage(passage(1, 0), (), 0), FoundPassage(passage(2, 1, 2), (), 1)
    told = spots(Explanation("What?", "What?", (), by_words, by_meaning, together, 0.0))
    assert [each.name for each in told] == [
        "1. lease.md, page 1",
        "2. lease.md, page 1 (all 2 chunks)",
        "by words 1. lease.md, page 1, chunk 5",
        "by words 3. lease.md, page 1, chunk 2",
        "by meaning 2. lease.md, page 1, chunk 4",
    ]
    assert [each.text for each in told[2:]] == ["text 4", "text 1", "text 3"]


def test_the_evidence_is_the_words_that_were_copied_else_all_of_the_place() -> None:
    assert draft("How much?", " 2,400 ", RENT).evidence == RENT.text
    made = draft("How much?", "2,400", RENT, "the rent is 2,400\npounds.")
    assert (made.answer, made.evidence, made.documents, made.page) == (
        "2,400",
        "the rent is 2,400 pounds.",
        ("lease.md",),
        1,
    )


def test_what_contradicts_itself_is_refused() -> None:
    for at, answer, words, answerable, why in (
        (None, "2,400", "", False, "said not to hold it"),
        (None, "", "The rent", False, "said not to hold it"),
        (None, "2,400", "", True, "where the answer stands"),
        (RENT, "2,400", "The rent is 9,999", True, "do not stand at that place"),
    ):
        with pytest.raises(BadInput, match=why):
            draft("How much?", answer, at, words, answerable=answerable)
    assert not draft("How much?", "", None, answerable=False).answerable
