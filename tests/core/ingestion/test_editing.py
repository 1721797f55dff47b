"""An edited chunk is found by its new words at once, in rows, full text and vectors alike, and outlives an indexing."""

import pytest

from core.domains import ChunkingPolicy
from core.errors import BadInput, Conflict, NotFound
from core.ingestion import editing, intake, reindexing
from core.ingestion.embedders import Choice
from core.ingestion.embedding import Embedder
from core.settings import Settings
from core.workspace import Workspace
from storage.rows import ChunkRow

BOATS = "The harbour master keeps the register of boats. " * 6
FEES = "A berth costs forty crowns a week, payable to the purser. " * 5
DOGS = "Dogs are kept on a lead along the whole of the quay. " * 5
TEXT = f"# Boats\n\n{BOATS}\n\n# Fees\n\n{FEES}\n\n# Dogs\n\n{DOGS}\n"


@pytest.fixture
def corpus(ws: Workspace) -> int:
    corpus = intake.create_corpus(ws, "Harbour", "legal")
    index(ws, corpus.id, TEXT)
    return corpus.id


def index(ws: Workspace, corpus_id: int, text: str) -> None:
    intake.add_files(ws, corpus_id, [("harbour.md", text.encode())])
    ws.dispatcher.run_one()


def the_chunk(ws: Workspace, corpus_id: int, words: str) -> ChunkRow:
    (document,) = ws.corpora.documents(corpus_id)
    (found,) = [row for row in ws.corpora.chunks(document.id) if words in row.text]
    return found


def by_words(ws: Workspace, corpus_id: int, question: str) -> set[int]:
    return {hit.chunk_id for hit in ws.retriever.by_words(corpus_id, question)}


def by_meaning(ws: Workspace, corpus_id: int, question: str) -> dict[int, float]:
    return {hit.chunk_id: hit.score for hit in ws.retriever.by_meaning(corpus_id, question)}


def agree(ws: Workspace, corpus_id: int) -> bool:
    index = ws.corpora.active_index(corpus_id)
    assert index is not None
    there = ws.indexes.count_ready(index.id)
    return ws.vectors.count(index.collection) == there == ws.lexical.count(corpus_id)


def test_an_edited_chunk_is_found_by_its_new_words_and_no_more_by_the_old(ws: Workspace, corpus: int) -> None:
    chunk = the_chunk(ws, corpus, "forty crowns")
    before = by_meaning(ws, corpus, "giraffes in the zoo")[chunk.id]
    editing.edit(ws, chunk.id, "The zoo has two giraffes.")
    assert by_words(ws, corpus, "crowns") == set()
    assert by_words(ws, corpus, "giraffes") == {chunk.id}
    assert by_meaning(ws, corpus, "giraffes in the zoo")[chunk.id] > before + 0.2
    (best, *_) = ws.retriever.search(corpus, "giraffes in the zoo", 3)
    assert (best.text, best.edited, best.chunk_ids) == ("The zoo has two giraffes.", True, (chunk.id,))
    page = ws.corpora.page(chunk.document_id, 1).text
    assert page[best.start : best.end] == chunk.text
    assert agree(ws, corpus)


def test_a_chunk_that_is_off_is_found_by_nothing_until_it_is_on_again(ws: Workspace, corpus: int) -> None:
    chunk = the_chunk(ws, corpus, "forty crowns")
    editing.switch(ws, chunk.id, on=False)
    assert by_words(ws, corpus, "crowns") == set()
    assert chunk.id not in by_meaning(ws, corpus, "What does a berth cost?")
    assert agree(ws, corpus)
    editing.switch(ws, chunk.id, on=True)
    assert by_words(ws, corpus, "crowns") == {chunk.id}
    assert chunk.id in by_meaning(ws, corpus, "What does a berth cost?")
    assert agree(ws, corpus)


def test_undoing_gives_a_chunk_its_own_words_and_place_back(ws: Workspace, corpus: int) -> None:
    chunk = the_chunk(ws, corpus, "forty crowns")
    asked = "What does a berth cost?"
    before = by_meaning(ws, corpus, asked)[chunk.id]
    editing.edit(ws, chunk.id, "The zoo has two giraffes.")
    editing.switch(ws, chunk.id, on=False)
    editing.undo(ws, chunk.id)
    assert ws.corpora.chunk(chunk.id) == chunk
    assert by_words(ws, corpus, "crowns") == {chunk.id}
    assert by_meaning(ws, corpus, asked)[chunk.id] == pytest.approx(before, abs=1e-4)
    assert ws.edits.of_document(chunk.document_id) == []
    assert agree(ws, corpus)


def test_switching_an_edited_chunk_off_and_on_keeps_its_words(ws: Workspace, corpus: int) -> None:
    chunk = the_chunk(ws, corpus, "forty crowns")
    editing.edit(ws, chunk.id, "The zoo has two giraffes.")
    editing.switch(ws, chunk.id, on=False)
    editing.switch(ws, chunk.id, on=True)
    assert by_words(ws, corpus, "giraffes") == {chunk.id}
    editing.edit(ws, chunk.id, chunk.text)
    assert ws.corpora.chunk(chunk.id) == chunk


def test_edits_outlive_a_newer_version_that_still_has_their_words(ws: Workspace, corpus: int) -> None:
    editing.edit(ws, the_chunk(ws, corpus, "forty crowns").id, "The zoo has two giraffes.")
    editing.switch(ws, the_chunk(ws, corpus, "Dogs are").id, on=False)
    index(ws, corpus, TEXT.replace("# Boats", "# Foreword\n\n" + "A word before. " * 20 + "\n\n# Boats"))
    assert the_chunk(ws, corpus, "forty crowns").edited == "The zoo has two giraffes."
    assert by_words(ws, corpus, "crowns") == by_words(ws, corpus, "dogs") == set()
    assert len(by_words(ws, corpus, "giraffes")) == 1
    assert agree(ws, corpus)
    (document,) = ws.corpora.documents(corpus)
    assert document.notes == []
    editing.undo(ws, the_chunk(ws, corpus, "Dogs are").id)
    assert len(by_words(ws, corpus, "dogs")) == 1


def test_an_edit_whose_words_are_gone_is_dropped_and_the_document_says_so(ws: Workspace, corpus: int) -> None:
    editing.edit(ws, the_chunk(ws, corpus, "forty crowns").id, "The zoo has two giraffes.")
    index(ws, corpus, TEXT.replace("forty", "fifty"))
    assert len(by_words(ws, corpus, "fifty")) == 1
    (document,) = ws.corpora.documents(corpus)
    assert document.notes == ["1 edit was dropped: the words it changed are not in this version"]
    assert ws.edits.of_document(document.id) == []


def test_a_deleted_document_takes_its_edits_along(ws: Workspace, corpus: int) -> None:
    editing.edit(ws, the_chunk(ws, corpus, "forty crowns").id, "The zoo has two giraffes.")
    (document,) = ws.corpora.documents(corpus)
    intake.delete_document(ws, document.id)
    index(ws, corpus, TEXT)
    assert by_words(ws, corpus, "giraffes") == set()
    assert len(by_words(ws, corpus, "crowns")) == 1


def test_a_document_that_is_being_indexed_anew_is_not_edited(ws: Workspace, corpus: int) -> None:
    chunk = the_chunk(ws, corpus, "forty crowns")
    intake.add_files(ws, corpus, [("harbour.md", TEXT.encode() + b"\nMore.\n")])
    with pytest.raises(Conflict, match="being indexed"):
        editing.edit(ws, chunk.id, "The zoo has two giraffes.")
    ws.dispatcher.run_one()
    with pytest.raises(NotFound, match="indexed anew"):
        editing.switch(ws, chunk.id, on=False)


def test_words_that_make_no_chunk_are_refused(ws: Workspace, corpus: int) -> None:
    chunk = the_chunk(ws, corpus, "forty crowns")
    for words, why in (("  \n", "without words"), ("x" * 8_001, "at most 8,000")):
        with pytest.raises(BadInput, match=why):
            editing.edit(ws, chunk.id, words)
    assert ws.corpora.chunk(chunk.id) == chunk


@pytest.mark.parametrize("off", [False, True])
def test_a_process_killed_before_chroma_knows_is_mended_at_the_next_start(
    ws: Workspace, corpus: int, settings: Settings, embedder: Embedder, off: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk = the_chunk(ws, corpus, "forty crowns")
    asked = "giraffes in the zoo"
    before = by_meaning(ws, corpus, asked)[chunk.id]

    def killed(*_: object) -> None:
        raise SystemExit  # the rows are committed, Chroma is not told

    monkeypatch.setattr(editing, "feed", killed)
    with pytest.raises(SystemExit):
        editing.switch(ws, chunk.id, on=False) if off else editing.edit(ws, chunk.id, "The zoo has two giraffes.")
    monkeypatch.undo()
    assert {row.id for rows in ws.edits.unfed().values() for row in rows} == {chunk.id}
    assert by_meaning(ws, corpus, asked)[chunk.id] == pytest.approx(before, abs=1e-4)
    ws.close()
    with Workspace.open(settings, given={"embedder": embedder}) as again:
        found = by_meaning(again, corpus, asked)
        assert (chunk.id not in found) if off else (found[chunk.id] > before + 0.2)
        assert agree(again, corpus)
        assert again.edits.unfed() == {}


@pytest.fixture
def berths(ws: Workspace) -> int:
    """A corpus with one document of one chunk, which `cut_in_two` cuts in two."""
    corpus = intake.create_corpus(ws, "Berths", "legal")
    index(ws, corpus.id, FEES * 2)
    return corpus.id


def cut_in_two(ws: Workspace, corpus_id: int) -> list[ChunkRow]:
    made = reindexing.begin(ws, corpus_id, ws.embedders.probe(Choice()), ChunkingPolicy("section", 200, 350))
    ws.dispatcher.run_one()
    reindexing.swap(ws, made.id)
    return fees(ws, corpus_id)


def fees(ws: Workspace, corpus_id: int) -> list[ChunkRow]:
    (document,) = ws.corpora.documents(corpus_id)
    return [row for row in ws.corpora.chunks(document.id) if "forty crowns" in row.text]


def states(ws: Workspace, corpus_id: int) -> list[tuple[str | None, bool]]:
    return [(row.edited, row.switched_off) for row in fees(ws, corpus_id)]


def test_after_a_new_cut_giving_one_part_its_words_back_keeps_the_edit_that_covered_it(
    ws: Workspace, berths: int
) -> None:
    editing.edit(ws, the_chunk(ws, berths, "forty crowns").id, "The zoo has two giraffes.")
    shown, leftover = cut_in_two(ws, berths)
    assert states(ws, berths) == [("The zoo has two giraffes.", False), (None, True)]
    told = ws.edits.elsewhere(leftover.id)
    assert told is not None
    assert (told.ordinals, told.whole) == ((shown.ordinal,), True)
    editing.switch(ws, leftover.id, on=True)
    assert states(ws, berths) == [("The zoo has two giraffes.", False), (None, False)]
    assert by_words(ws, berths, "giraffes") == {shown.id}
    assert by_words(ws, berths, "crowns") == {leftover.id}
    assert ws.edits.elsewhere(leftover.id) is None
    editing.undo(ws, shown.id)
    assert states(ws, berths) == [(None, False)] * 2
    assert ws.edits.of_corpus(berths) == []


def test_after_a_new_cut_editing_one_part_keeps_the_others_off(ws: Workspace, berths: int) -> None:
    editing.switch(ws, the_chunk(ws, berths, "forty crowns").id, on=False)
    first, second = cut_in_two(ws, berths)
    assert states(ws, berths) == [(None, True)] * 2
    assert ws.edits.elsewhere(second.id) is None
    editing.edit(ws, first.id, "The zoo has two giraffes.")
    assert states(ws, berths) == [("The zoo has two giraffes.", False), (None, True)]
    assert by_words(ws, berths, "crowns") == set()


def test_after_a_new_cut_an_edit_is_switched_off_and_on_and_undone_as_one(ws: Workspace, berths: int) -> None:
    editing.edit(ws, the_chunk(ws, berths, "forty crowns").id, "The zoo has two giraffes.")
    shown, _leftover = cut_in_two(ws, berths)
    editing.switch(ws, shown.id, on=False)
    assert states(ws, berths) == [("The zoo has two giraffes.", True), (None, True)]
    editing.switch(ws, shown.id, on=True)
    assert states(ws, berths) == [("The zoo has two giraffes.", False), (None, True)]
    editing.edit(ws, shown.id, "The zoo has two lions.")
    assert states(ws, berths) == [("The zoo has two lions.", False), (None, True)]
    editing.undo(ws, shown.id)
    assert states(ws, berths) == [(None, False)] * 2


def test_an_edit_that_was_split_is_whole_again_where_chunks_are_longer(ws: Workspace, berths: int) -> None:
    editing.edit(ws, the_chunk(ws, berths, "forty crowns").id, "The zoo has two giraffes.")
    before = ws.corpora.active_index(berths)
    assert before is not None
    _shown, leftover = cut_in_two(ws, berths)
    editing.edit(ws, leftover.id, "And a lion.")
    ws.dispatcher.run_one()
    reindexing.swap(ws, before.id)
    assert the_chunk(ws, berths, "forty crowns").edited == "The zoo has two giraffes. And a lion."
    assert by_words(ws, berths, "lion") == by_words(ws, berths, "giraffes") != set()
