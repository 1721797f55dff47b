"""Chunks are slices of one page that keep clauses, questions and table rows whole."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.domains import ChunkingPolicy
from core.ingestion.chunking import chunk
from core.ingestion.parsed import Block, BlockKind, Page, ParsedDocument

CLAUSES = ChunkingPolicy("clause", 700, 1000)
SECTIONS = ChunkingPolicy("section", 700, 1000)


def page_of(*blocks: tuple[BlockKind, str] | tuple[BlockKind, str, int] | tuple[BlockKind, str, int, str]) -> Page:
    """A page whose blocks stand one below the other."""
    text, made = "", []
    for kind, words, *rest in blocks:
        level = int(rest[0]) if rest else 0
        header = str(rest[1]) if len(rest) > 1 else ""
        made.append(Block(kind, len(text), len(text) + len(words), level, header))
        text += words + "\n\n"
    return Page(1, "", text, tuple(made))


def document(*pages: Page) -> ParsedDocument:
    return ParsedDocument("", "text/plain", pages)


def test_every_chunk_is_the_slice_its_offsets_name() -> None:
    page = page_of(("heading", "Scope", 1), ("paragraph", "One sentence here. " * 80), ("paragraph", "Short."))
    chunks = chunk(document(page), SECTIONS)
    assert len(chunks) > 2
    assert all(c.text == page.text[c.start : c.end] and len(c.text) <= 1000 for c in chunks)
    assert all(a.end <= b.start for a, b in pairwise(chunks))


def test_a_numbered_clause_starts_a_chunk_in_the_legal_domain_only() -> None:
    page = page_of(
        ("paragraph", "12.1 " + "The supplier delivers. " * 12), ("paragraph", "12.2 " + "Notice is given. " * 12)
    )
    assert [c.text[:4] for c in chunk(document(page), CLAUSES)] == ["12.1", "12.2"]
    assert len(chunk(document(page), SECTIONS)) == 1


def test_a_row_that_is_cut_from_its_table_keeps_the_header() -> None:
    header = "| Item | 2025 | 2024 |"
    rows = [("table_row", f"| Line {n} of the income statement | {n},000 | {n},500 |", 0, header) for n in range(40)]
    chunks = chunk(document(page_of(("table_row", header, 0, ""), *rows)), SECTIONS)
    assert len(chunks) > 2
    assert chunks[0].header == ""
    assert chunks[0].text.startswith(header)
    assert all(c.header == header and header in c.searchable for c in chunks[1:])


def test_a_question_stays_with_its_answer_and_titles_the_rest_of_a_long_one() -> None:
    page = page_of(
        ("question", "How do I reset the router?"),
        ("answer", "Press the button for ten seconds. " * 50),
        ("question", "Why is the light red?"),
        ("answer", "It has no signal."),
    )
    chunks = chunk(document(page), SECTIONS)
    assert chunks[0].text.startswith("How do I reset the router?\n\nPress")
    assert all("How do I reset" in c.searchable for c in chunks[:-1])
    assert chunks[-1].text == "Why is the light red?\n\nIt has no signal."


def test_headings_are_carried_over_a_page_break_and_not_said_twice() -> None:
    first = page_of(("heading", "Termination", 1), ("heading", "Notice", 2))
    second = Page(2, "", "Sixty days.", (Block("paragraph", 0, 11),))
    chunks = chunk(document(first, second), SECTIONS)
    assert chunks[-1].heading == "Termination > Notice"
    assert chunks[-1].searchable == "Termination > Notice\nSixty days."
    assert [c.page for c in chunks] == [2], "headings alone are no chunk: they travel with the text below them"


def test_short_sections_share_a_chunk_and_long_ones_do_not() -> None:
    short = page_of(("heading", "A", 1), ("paragraph", "Tiny."), ("heading", "B", 1), ("paragraph", "Also tiny."))
    assert len(chunk(document(short), SECTIONS)) == 1
    long = page_of(("heading", "A", 1), ("paragraph", "Word " * 60), ("heading", "B", 1), ("paragraph", "Word " * 60))
    assert [c.heading for c in chunk(document(long), SECTIONS)] == ["A", "B"]


@given(st.lists(st.text(min_size=1, max_size=3000).filter(str.strip), min_size=1, max_size=8))
def test_no_text_is_lost_whatever_the_blocks_hold(texts: list[str]) -> None:
    page = page_of(*[("paragraph", text) for text in texts])
    chunks = chunk(document(page), CLAUSES)
    kept = "".join(c.text for c in chunks)
    assert [c for c in kept if not c.isspace()] == [c for c in page.text if not c.isspace()]
    assert all(len(c.text) <= 1000 for c in chunks)
