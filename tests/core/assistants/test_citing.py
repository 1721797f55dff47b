from collections.abc import Callable

from core.assistants.citing import Quoted, cite
from core.ingestion.embedding import Embedder
from core.retrieval.passages import Passage

Make = Callable[..., Passage]
CLAUSE = "12.2 Either party may end this Agreement with 60 days' written notice. Fees paid are not refunded."


def test_a_copied_sentence_points_at_its_exact_words_on_the_page(passage: Make, embedder: Embedder) -> None:
    (citation,) = cite("Fees paid are not refunded.", [passage(CLAUSE)], embedder)
    page_text = "x" * 100 + CLAUSE
    assert page_text[citation.quote_start : citation.quote_end] == citation.quote == "Fees paid are not refunded."
    assert (citation.page, citation.document, citation.support) == (7, "document-1.pdf", 1.0)


def test_a_reworded_sentence_is_supported_by_the_sentence_that_holds_its_words(
    passage: Make, embedder: Embedder
) -> None:
    (citation,) = cite("Either party may end the agreement with 60 days' notice.", [passage(CLAUSE)], embedder)
    assert citation.quote == "12.2 Either party may end this Agreement with 60 days' written notice."


def test_a_number_that_the_passage_does_not_hold_leaves_a_sentence_unsupported(
    passage: Make, embedder: Embedder
) -> None:
    (citation,) = cite("Either party may end the agreement with 90 days' notice.", [passage(CLAUSE)], embedder)
    assert not citation.supported
    assert (citation.page, citation.quote_start, citation.quote) == (None, None, "")


def test_number_words_and_digits_are_the_same_number(passage: Make, embedder: Embedder) -> None:
    (citation,) = cite("Either party may end the agreement with sixty days' notice.", [passage(CLAUSE)], embedder)
    assert citation.supported


def test_a_not_that_the_passage_lacks_leaves_a_sentence_unsupported(passage: Make, embedder: Embedder) -> None:
    (citation,) = cite("Either party may not end this Agreement with 60 days' notice.", [passage(CLAUSE)], embedder)
    assert not citation.supported


def test_a_name_from_nowhere_leaves_a_sentence_unsupported(passage: Make, embedder: Embedder) -> None:
    (citation,) = cite("The agreement with Norvane may end with 60 days' notice.", [passage(CLAUSE)], embedder)
    assert not citation.supported


def test_every_sentence_gets_a_citation_with_its_place_in_the_answer(passage: Make, embedder: Embedder) -> None:
    answer = "Fees paid are not refunded.\n\nThe moon is made of cheese."
    found = cite(answer, [passage(CLAUSE)], embedder)
    assert [answer[c.sentence_start : c.sentence_end] for c in found] == [c.sentence for c in found]
    assert [c.supported for c in found] == [True, False]


def test_quoted_stretches_are_cited_as_they_were_taken(passage: Make, embedder: Embedder) -> None:
    source = passage(CLAUSE, rank=2)
    (citation,) = cite("Fees paid are not refunded.", [], embedder, [Quoted(0, 27, source, 171, 198)])
    assert (citation.passage, citation.quote, citation.support) == (2, "Fees paid are not refunded.", 1.0)
