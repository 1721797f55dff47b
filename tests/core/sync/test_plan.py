"""What is new, changed, moved or gone, decided without a disk."""

from core.sync.plan import Look, Seen, compare
from storage.rows import SourceItemRow


def item(
    path: str, sha256: str = "a", document_id: int | None = 1, mtime_ns: int = 1, problem: str = ""
) -> SourceItemRow:
    return SourceItemRow(1, 1, path, 5, mtime_ns, "", "", sha256, document_id, problem)


def known(*items: SourceItemRow) -> dict[str, SourceItemRow]:
    return {each.path: each for each in items}


def seen(path: str, sha256: str = "a", mtime_ns: int = 1, problem: str = "") -> Seen:
    return Seen(path, 5, mtime_ns, sha256=sha256, problem=problem)


def test_a_new_a_changed_and_an_unchanged_file_are_told_apart() -> None:
    look = Look((seen("new", "n"), seen("old"), seen("other", "b", 2)), {})
    plan = compare(known(item("old"), item("other")), look)
    assert [each.path for each in plan.added] == ["new"]
    assert [each.path for each in plan.changed] == ["other"]
    assert plan.unchanged == 1
    assert not plan.removed


def test_a_file_that_was_only_touched_is_not_read_in_again() -> None:
    plan = compare(known(item("a")), Look((seen("a", mtime_ns=2),), {}))
    assert [each.path for each in plan.refreshed] == ["a"]
    assert not plan.changed


def test_a_renamed_file_moves_even_when_it_is_the_only_one() -> None:
    plan = compare(known(item("a")), Look((seen("b", mtime_ns=2),), {}))
    assert [(path, each.path) for path, each in plan.moved] == [("a", "b")]
    assert not plan.added
    assert not plan.removed
    assert not plan.withheld


def test_an_empty_folder_where_files_were_is_not_believed_without_asking() -> None:
    items = known(item("a"), item("b", "b", 2))
    plan = compare(items, Look((), {}))
    assert plan.withheld
    assert not plan.work
    assert "nothing was removed" in plan.problem[0]
    assert not compare(items, Look((), {}), agreed=2).withheld


def test_most_files_gone_at_once_are_not_believed_a_few_are() -> None:
    items = known(*(item(f"f{n}", f"{n}", n) for n in range(40)))
    left = [seen(f"f{n}", f"{n}") for n in range(40)]
    assert not compare(items, Look(tuple(left[5:]), {})).withheld
    assert compare(items, Look(tuple(left[25:]), {})).withheld


def test_what_cannot_be_reached_is_not_gone() -> None:
    items = known(item("in/a"), item("in/b", "b", 2), item("c", "c", 3))
    plan = compare(items, Look((seen("c", "c"),), {"in/": "It cannot be read."}))
    assert not plan.removed
    assert "in/" in plan.problem[0]


def test_a_file_being_written_is_neither_new_nor_gone() -> None:
    plan = compare(known(item("a")), Look((), {}, waiting=("a", "b")))
    assert not plan.work
    assert plan.waiting == ("a", "b")


def test_a_file_that_is_not_taken_is_told_once() -> None:
    look = Look((seen("photo", "", problem="not read"),), {})
    assert compare({}, look).left_out
    told = known(item("photo", "", None, problem="not read"))
    assert not compare(told, look).work


def test_a_file_that_could_not_be_taken_is_new_once_it_can() -> None:
    plan = compare(known(item("a", "", None, problem="denied")), Look((seen("a"),), {}))
    assert [each.path for each in plan.added] == ["a"]


def test_a_document_that_a_person_deleted_does_not_come_back_by_itself() -> None:
    assert not compare(known(item("a", document_id=None)), Look((seen("a"),), {})).work
