"""Edits are found again by their words, whatever became of the cuts."""

from dataclasses import replace

from storage.edit_places import Edit, Elsewhere, Placed, applied, around, elsewhere, instead, place
from storage.rows import ChunkRow

PAGE = "The rent is 2,400 pounds. It is due on the first day.\nThe tenant paints the windows."


def chunk(key: int, part: str, page: int = 1, text: str = PAGE) -> ChunkRow:
    start = text.index(part)
    return ChunkRow(key, 1, 1, key, page, start, start + len(part), "paragraph", "", "", part)


def edit(part: str, text: str | None = None, off: bool = False, page: int = 1, start: int | None = None) -> Edit:
    start = PAGE.index(part) if start is None else start
    return Edit(part, text, off, page, start, start + len(part))


def test_an_edit_applies_where_it_was_made() -> None:
    one, two = chunk(1, "The rent is 2,400 pounds."), chunk(2, "It is due on the first day.")
    made = place(edit("The rent is 2,400 pounds.", "The rent is 2,500 pounds."), {1: PAGE})
    assert made == Placed(edit("The rent is 2,400 pounds.", "The rent is 2,500 pounds."), 1, one.start, one.end)
    assert applied([one, two], [made]) == {1: ("The rent is 2,500 pounds.", False), 2: (None, False)}


def test_words_that_moved_to_another_page_and_line_are_found() -> None:
    moved = place(
        edit("The rent is 2,400 pounds.", "x"), {1: "A new page.", 2: "And here. The rent is\n 2,400  pounds."}
    )
    assert moved is not None
    assert (moved.page, moved.start) == (2, 10)


def test_of_two_places_the_nearest_is_taken() -> None:
    twice = "Stop here. " * 3
    found = place(edit("Stop here.", start=12, off=True), {1: twice})
    assert found is not None
    assert found.start == 11


def test_words_that_are_gone_apply_nowhere() -> None:
    assert place(edit("The rent is 2,400 pounds.", "x"), {1: "The rent is 2,600 pounds."}) is None
    assert place(replace(edit("The", "x"), original="  "), {1: PAGE}) is None


def test_a_chunk_that_was_switched_off_and_is_now_part_of_a_longer_one_takes_its_words_out() -> None:
    whole = chunk(1, "The rent is 2,400 pounds. It is due on the first day.")
    gone = place(edit("The rent is 2,400 pounds.", off=True), {1: PAGE})
    assert gone is not None
    assert applied([whole], [gone]) == {1: ("It is due on the first day.", False)}


def test_a_chunk_that_was_edited_and_is_now_cut_in_two_has_its_new_words_once() -> None:
    long = "The rent is 2,400 pounds. It is due on the first day."
    one, two = chunk(1, "The rent is 2,400 pounds."), chunk(2, "It is due on the first day.\nThe tenant")
    made = place(edit(long, "Nothing is due."), {1: PAGE})
    assert made is not None
    assert applied([one, two], [made]) == {1: ("Nothing is due.", False), 2: ("The tenant", False)}


def test_a_chunk_of_which_nothing_is_left_is_off() -> None:
    long = "The rent is 2,400 pounds. It is due on the first day."
    gone = place(edit(long, off=True), {1: PAGE})
    assert gone is not None
    parts = [chunk(1, "The rent is 2,400 pounds."), chunk(2, "It is due on the first day.")]
    assert applied(parts, [gone]) == {1: (None, True), 2: (None, True)}


THREE = ["The rent is 2,400 pounds.", "It is due on the first day.", "The tenant paints the windows."]


def in_three(whole: Edit) -> tuple[list[ChunkRow], Placed]:
    """The page cut into three chunks, and an edit made for all of it."""
    made = place(whole, {1: PAGE})
    assert made is not None
    return [chunk(number, part) for number, part in enumerate(THREE)], made


def told(chunks: list[ChunkRow], edits: list[Edit]) -> list[tuple[str | None, bool]]:
    placed = [at for each in edits if (at := place(each, {1: PAGE}))]
    assert len(placed) == len(edits)
    return list(applied(chunks, placed).values())


def test_an_edit_is_split_around_a_later_chunk_that_gets_words_of_its_own() -> None:
    chunks, made = in_three(edit(PAGE, "Nothing is due."))
    edits = instead(chunks[1], "It is never due.", False, chunks, [made], PAGE)
    assert told(chunks, edits) == [("Nothing is due.", False), ("It is never due.", False), (None, True)]
    undone = instead(chunks[1], None, False, chunks, [made], PAGE)
    assert told(chunks, undone) == [("Nothing is due.", False), (None, False), (None, True)]


def test_a_new_edit_of_the_chunk_that_shows_an_old_one_covers_all_of_the_old() -> None:
    chunks, made = in_three(edit(PAGE, "Nothing is due."))
    edits = instead(chunks[0], "All is due.", False, chunks, [made], PAGE)
    assert told(chunks, edits) == [("All is due.", False), (None, True), (None, True)]
    assert instead(chunks[0], None, False, chunks, [made], PAGE) == []


def test_what_was_switched_off_stays_off_around_a_chunk_that_is_on_again() -> None:
    chunks, made = in_three(edit(PAGE, off=True))
    assert told(chunks, instead(chunks[1], None, False, chunks, [made], PAGE)) == [
        (None, True),
        (None, False),
        (None, True),
    ]


def test_a_chunk_that_is_off_keeps_its_new_words_however_it_is_cut() -> None:
    chunks, made = in_three(edit(PAGE, "Nothing is due.", off=True))
    assert list(applied(chunks, [made]).values()) == [("Nothing is due.", True), (None, True), (None, True)]


def test_what_stays_of_an_edit_begins_and_ends_with_a_word() -> None:
    chunks, made = in_three(edit(PAGE, off=True))
    assert [each.original for each in around(made, chunks[1], PAGE)] == [THREE[0], THREE[2]]
    assert [PAGE[each.start : each.end] for each in around(made, chunks[1], PAGE)] == [THREE[0], THREE[2]]
    assert around(Placed(edit(THREE[1]), 1, chunks[1].start - 1, chunks[1].end + 1), chunks[1], PAGE) == []


def test_a_chunk_knows_which_other_shows_what_replaced_its_words() -> None:
    chunks, made = in_three(edit(PAGE, "Nothing is due."))
    assert [elsewhere(each, chunks, [made]) for each in chunks] == [None, Elsewhere((0,), True), Elsewhere((0,), True)]
    edits = instead(chunks[1], None, False, chunks, [made], PAGE)
    placed = [at for each in edits if (at := place(each, {1: PAGE}))]
    assert [elsewhere(each, chunks, placed) for each in chunks] == [None, None, Elsewhere((), True)]
    longer = chunk(2, "first day.\nThe tenant paints the windows.")
    half = place(edit("The rent is 2,400 pounds. It is due on the first day.", "Nothing is due."), {1: PAGE})
    assert half is not None
    assert elsewhere(longer, [chunks[0], longer], [half]) == Elsewhere((0,), False)
    off = place(edit(PAGE, off=True), {1: PAGE})
    assert off is not None
    assert elsewhere(chunks[1], chunks, [off]) is None
