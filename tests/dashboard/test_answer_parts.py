"""An answer is cut into parts that add up to its text, each told for what it is."""

from hypothesis import given
from hypothesis import strategies as st

from dashboard.components.answer import parts, sources, with_marks
from storage.rows import CitationRow

TEXT = "The fee is 20. It is due. Send a letter."


def cited(start: int, end: int, document: str = "fees.pdf", page: int | None = 3, label: str = "") -> CitationRow:
    rank = None if page is None else 1
    return CitationRow(start, end, rank, 7, page, 0, 5, 0.9, document, label, "20")


def test_the_parts_add_up_to_the_text() -> None:
    citations = [cited(0, 14), cited(15, 25), cited(26, 40, page=None)]
    cut = parts(TEXT, citations, sources(citations), 0, refused=False)
    assert "".join(part.text for part in cut) == TEXT
    assert [part.kind for part in cut] == ["supported", "plain", "supported", "plain", "unsupported"]


@given(
    st.text(max_size=80),
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90)), max_size=6),
    st.integers(0, 90),
)
def test_no_text_is_lost_or_doubled_whatever_the_offsets(text: str, spans: list[tuple[int, int]], quoted: int) -> None:
    citations = [cited(start, end) for start, end in sorted(spans) if start < end]
    cut = parts(text, citations, sources(citations), quoted, refused=False)
    assert "".join(part.text for part in cut) == text


def test_one_page_cited_twice_is_one_source() -> None:
    citations = [cited(0, 14), cited(15, 25, page=4), cited(26, 40)]
    numbered = sources(citations)
    assert [(source.number, source.where, source.citation) for source in numbered] == [
        (1, "fees.pdf, page 3", 0),
        (2, "fees.pdf, page 4", 1),
    ]
    cut = parts(TEXT, citations, numbered, 0, refused=False)
    assert [part.number for part in cut if part.kind == "supported"] == [1, 2, 1]
    assert [part.citation for part in cut if part.kind == "supported"] == [0, 1, 2]


def test_a_page_is_called_what_people_call_it() -> None:
    assert sources([cited(0, 14, label="Slide 3")])[0].where == "fees.pdf, Slide 3"


def test_a_source_that_was_deleted_says_so() -> None:
    assert sources([cited(0, 14, document="")])[0].where == "a document that was deleted since"


def test_the_quotation_ends_where_it_ends() -> None:
    citations = [cited(0, 14)]
    cut = parts(TEXT, citations, sources(citations), 14, refused=False)
    assert [(part.text, part.quoted) for part in cut] == [("The fee is 20.", True), (TEXT[14:], False)]


def test_a_refusal_is_not_marked_as_unsupported() -> None:
    citations = [cited(0, 14, page=None)]
    assert {part.kind for part in parts(TEXT, citations, [], 0, refused=True)} == {"plain"}


def test_marks_are_cut_at_the_borders_of_the_parts() -> None:
    citations = [cited(0, 14), cited(15, 25)]
    cut = with_marks(parts(TEXT, citations, sources(citations), 0, refused=False), [(11, 17), (26, 30)])
    assert [(part.text, part.marks) for part in cut] == [
        ("The fee is 20.", ((11, 14),)),
        (" ", ((0, 1),)),
        ("It is due.", ((0, 2),)),
        (" Send a letter.", ((1, 5),)),
    ]
    assert with_marks(cut, []) == cut
