"""Edits are found again by their words, whatever became of the cuts."""

from dataclasses import replace

from storage.edit_places import Edit, Placed, applied, place
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
