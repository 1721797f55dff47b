"""Documents are cut anew for another index beside the one that serves, from their stored pages alone."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from core.domains import ChunkingPolicy
from core.errors import BadInput, Conflict
from core.ingestion import cutting, editing, intake, reindexing
from core.ingestion.embedders import Choice
from core.ingestion.embedding import Embedder
from core.ingestion.parsed import Block
from core.settings import Settings
from core.workspace import Workspace
from storage.rows import ChunkRow, IndexRow
from storage.tables import Page
from tests.core.ingestion.swapping import swap_before_ready

SMALL = ChunkingPolicy("section", 200, 300)
LARGE = ChunkingPolicy("section", 1500, 2500)
LEASE = "# Lease\n\n" + "\n\n".join(
    f"## Part {part}\n\n" + " ".join(f"Fee number {part * 10 + n} is {part * 10 + n} euro a month." for n in range(9))
    for part in range(1, 5)
)
FEES = "item,fee\n" + "\n".join(f"berth {n},{n} crowns" for n in range(60))


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Cutting anew is mostly rows: it is tried on each kind of database."""
    return Settings(tmp_path / "workspace", database_url)


def filled(ws: Workspace, name: str = "contracts") -> int:
    corpus_id = intake.create_corpus(ws, name, "legal").id
    intake.add_files(ws, corpus_id, [("lease.md", LEASE.encode()), ("fees.csv", FEES.encode())])
    done = ws.dispatcher.run_one()
    assert done is not None
    assert done.status == "done"
    return corpus_id


@pytest.fixture
def corpus(ws: Workspace) -> int:
    return filled(ws)


def begun(ws: Workspace, corpus: int, policy: ChunkingPolicy) -> IndexRow:
    return reindexing.begin(ws, corpus, ws.embedders.probe(Choice()), policy)


def built(ws: Workspace, corpus: int, policy: ChunkingPolicy) -> IndexRow:
    index = begun(ws, corpus, policy)
    run_all(ws)
    return index


def run_all(ws: Workspace) -> None:
    while job := ws.dispatcher.run_one():
        assert job.status == "done", job.error


def active(ws: Workspace, corpus: int) -> IndexRow:
    index = ws.corpora.active_index(corpus)
    assert index is not None
    return index


def chunks(ws: Workspace, corpus: int) -> list[tuple[object, ...]]:
    """What the chunks that serve say and where they stand, document by document."""
    rows = [chunk for row in ws.corpora.documents(corpus) for chunk in ws.corpora.chunks(row.id)]
    return [(c.ordinal, c.page, c.start, c.end, c.kind, c.heading, c.header, c.text) for c in rows]


def by_words(ws: Workspace, corpus: int, word: str) -> list[ChunkRow]:
    return list(ws.corpora.chunks_by_ids([hit.chunk_id for hit in ws.retriever.by_words(corpus, word)]).values())


def whole(ws: Workspace, corpus: int) -> None:
    """The index that serves has every chunk of its cut in rows and vectors, and the full text agrees with the rows."""
    index = active(ws, corpus)
    assert len(chunks(ws, corpus)) == ws.indexes.count_ready(index.id) == ws.vectors.count(index.collection)
    assert sum(row.chunk_count for row in ws.corpora.documents(corpus)) == len(chunks(ws, corpus))
    assert ws.lexical.in_step()


def test_cutting_anew_gives_the_chunks_that_indexing_so_from_the_start_would(ws: Workspace, corpus: int) -> None:
    from_the_start = filled(ws, "second")
    ws.domains.take_in(short_domain(ws))
    third = intake.create_corpus(ws, "third", "short").id
    intake.add_files(ws, third, [("lease.md", LEASE.encode()), ("fees.csv", FEES.encode())])
    run_all(ws)
    assert chunks(ws, corpus) == chunks(ws, from_the_start) != chunks(ws, third)
    reindexing.swap(ws, built(ws, corpus, SMALL).id)
    assert chunks(ws, corpus) == chunks(ws, third)
    whole(ws, corpus)


def short_domain(ws: Workspace) -> str:
    from core.domains import written

    return written.write(replace(ws.domains.get("legal"), name="short", title="Short", chunking=SMALL))


def test_until_the_swap_nothing_of_the_other_cut_is_found_and_it_can_be_swapped_back(
    ws: Workspace, corpus: int
) -> None:
    before, old = active(ws, corpus), chunks(ws, corpus)
    other = built(ws, corpus, SMALL)
    assert other.cut != before.cut
    assert chunks(ws, corpus) == old
    assert {chunk.cut for chunk in by_words(ws, corpus, "euro")} == {before.cut}
    reindexing.swap(ws, other.id)
    new = chunks(ws, corpus)
    assert len(new) > len(old)
    assert max(len(str(row[-1])) for row in new) <= SMALL.max_chars
    assert {chunk.cut for chunk in by_words(ws, corpus, "euro")} == {other.cut}
    assert {p.document for p in ws.retriever.search(corpus, "Which berth costs 31 crowns?", 3)} == {"fees.csv"}
    whole(ws, corpus)
    reindexing.swap(ws, before.id)
    assert chunks(ws, corpus) == old
    whole(ws, corpus)


def test_what_is_added_changed_or_deleted_meanwhile_is_so_in_both(ws: Workspace, corpus: int) -> None:
    before, other = active(ws, corpus), built(ws, corpus, SMALL)
    intake.add_files(ws, corpus, [("more.md", b"# More\n\nThe late fee is 30 thaler for each week.\n")])
    intake.add_files(ws, corpus, [("lease.md", LEASE.replace("euro", "guilder").encode())])
    run_all(ws)
    for index in (other, before):
        reindexing.swap(ws, index.id)
        whole(ws, corpus)
        assert [chunk.text.count("thaler") for chunk in by_words(ws, corpus, "thaler")] == [1]
        assert by_words(ws, corpus, "guilders")
        assert by_words(ws, corpus, "euro") == []
    (fees, *_) = [row for row in ws.corpora.documents(corpus) if row.name == "fees.csv"]
    intake.delete_document(ws, fees.id)
    for index in (other, before):
        reindexing.swap(ws, index.id)
        whole(ws, corpus)
        assert by_words(ws, corpus, "crowns") == []


def test_a_swap_in_the_middle_of_indexing_cuts_what_was_read_for_the_other(
    ws: Workspace, corpus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = built(ws, corpus, SMALL)
    swap_before_ready(ws, other.id, monkeypatch)
    text = "# More\n\n" + " ".join(f"The late fee of week {n} is {n} thaler." for n in range(40))
    intake.add_files(ws, corpus, [("more.md", text.encode())])
    run_all(ws)
    assert active(ws, corpus).id == other.id
    more = by_words(ws, corpus, "thaler")
    assert len(more) > 2
    assert {chunk.cut for chunk in more} == {other.cut}
    whole(ws, corpus)


def test_edits_hold_in_every_cut_and_switched_off_words_stay_off(ws: Workspace, corpus: int) -> None:
    before = active(ws, corpus)
    (lease, *_) = [row for row in ws.corpora.documents(corpus) if row.name == "lease.md"]
    first, *_, last = ws.corpora.chunks(lease.id)
    editing.edit(ws, first.id, "The fee is a giraffe.")
    editing.switch(ws, last.id, on=False)
    other = built(ws, corpus, SMALL)
    reindexing.swap(ws, other.id)
    assert [chunk.cut for chunk in by_words(ws, corpus, "giraffe")] == [other.cut]
    assert not [chunk for chunk in by_words(ws, corpus, "48") if "48 euro" in chunk.said]
    small = next(chunk for chunk in ws.corpora.chunks(lease.id) if "Fee number 25 " in chunk.text)
    editing.edit(ws, small.id, "The fee is a zebra.")
    run_all(ws)
    whole_again = [chunk.said for chunk in by_words(ws, corpus, "zebra")]
    assert whole_again == ["The fee is a zebra."]
    reindexing.swap(ws, before.id)
    assert len(by_words(ws, corpus, "zebra")) == len(by_words(ws, corpus, "giraffe")) == 1


def test_dropping_an_index_sweeps_its_chunks_away(ws: Workspace, corpus: int) -> None:
    other = built(ws, corpus, SMALL)
    reindexing.drop(ws, other.id)
    run_all(ws)
    assert ws.cuts.leftover(corpus, 1) == []
    assert ws.indexes.count_chunks(corpus) == len(chunks(ws, corpus)) == ws.lexical.count(corpus)
    whole(ws, corpus)


def test_an_index_with_the_same_chunks_shares_them(ws: Workspace, corpus: int, tmp_path: Path) -> None:
    from tests.core.ingestion.small_model import small_model

    probed = ws.embedders.probe(Choice("folder", str(small_model(tmp_path / "small"))))
    index = reindexing.begin(ws, corpus, probed)
    assert index.cut == active(ws, corpus).cut
    run_all(ws)
    reindexing.swap(ws, index.id)
    both = reindexing.begin(ws, corpus, ws.embedders.probe(Choice()), SMALL)
    assert both.cut != index.cut


def test_a_third_cut_takes_the_place_of_the_one_that_does_not_serve(ws: Workspace, corpus: int) -> None:
    built(ws, corpus, SMALL)
    third = built(ws, corpus, LARGE)
    reindexing.swap(ws, third.id)
    assert {chunk.cut for chunk in by_words(ws, corpus, "euro")} == {third.cut}
    assert ws.cuts.leftover(corpus, 1) == []
    whole(ws, corpus)


def test_pages_from_before_blocks_were_kept_are_cut_along_their_old_chunks(ws: Workspace, corpus: int) -> None:
    with ws.database.write() as session:
        session.execute(update(Page).values(blocks=None))
    old = ws.corpora.chunks(ws.corpora.documents(corpus)[0].id)
    reindexing.swap(ws, built(ws, corpus, SMALL).id)
    whole(ws, corpus)
    new = ws.corpora.chunks(ws.corpora.documents(corpus)[0].id)
    assert {chunk.heading for chunk in new} == {chunk.heading for chunk in old}
    assert "".join("".join(c.text.split()) for c in new) == "".join("".join(c.text.split()) for c in old)


def test_a_document_of_which_no_original_is_kept_is_cut_from_its_pages(ws: Workspace) -> None:
    policy = replace(ws.domains.get("legal"), name="careful", title="Careful", personal="redact")
    from core.domains import written

    ws.domains.take_in(written.write(policy))
    corpus = intake.create_corpus(ws, "letters", "careful").id
    text = f"{LEASE}\n\n## Contact\n\nWrite to jane.roe@example.com about it.\n"
    intake.add_files(ws, corpus, [("letter.md", text.encode())])
    run_all(ws)
    assert ws.corpora.documents(corpus)[0].original_removed
    reindexing.swap(ws, built(ws, corpus, SMALL).id)
    assert not any("jane.roe" in str(row) for row in chunks(ws, corpus))
    whole(ws, corpus)


def test_the_estimate_counts_the_chunks_that_there_would_be(ws: Workspace, corpus: int) -> None:
    told = reindexing.estimate(ws, corpus, Choice(), SMALL)
    reindexing.swap(ws, built(ws, corpus, SMALL).id)
    assert told.chunks == len(chunks(ws, corpus))


def test_how_it_is_cut_already_and_impossible_sizes_are_refused(ws: Workspace, corpus: int) -> None:
    with pytest.raises(Conflict, match="its chunks are like that"):
        reindexing.estimate(ws, corpus, Choice(), ws.domains.get("legal").chunking)
    with pytest.raises(Conflict, match="its chunks are like that"):
        begun(ws, corpus, ws.domains.get("legal").chunking)
    for policy in (ChunkingPolicy("section", 50, 100), ChunkingPolicy("section", 900, 500)):
        with pytest.raises(BadInput, match="not possible"):
            begun(ws, corpus, policy)


def test_new_documents_are_cut_as_their_index_is_not_as_the_domain_says_since(ws: Workspace) -> None:
    ws.domains.take_in(short_domain(ws))
    corpus = intake.create_corpus(ws, "mine", "short").id
    intake.add_files(ws, corpus, [("lease.md", LEASE.encode())])
    run_all(ws)
    known = chunks(ws, corpus)
    ws.domains.change("short", replace(ws.domains.get("short"), chunking=LARGE))
    intake.add_files(ws, corpus, [("lease.md", (LEASE + "\n").encode())])
    run_all(ws)
    assert len(chunks(ws, corpus)) == len(known)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 3), st.sampled_from(["", "| a |", "| b |"]))))
def test_blocks_come_back_as_they_were_kept(drawn: list[tuple[int, int, str]]) -> None:
    blocks = tuple(Block("table_row", start, start + 5, level, header) for start, level, header in drawn)
    assert cutting.unpacked(cutting.packed(blocks)) == blocks


CHILD = """
import sys
from core.ingestion import reindexing
from core.settings import Settings
from core.workspace import Workspace
reindexing.STEP = reindexing.CUT = 1
with Workspace.open(Settings.load(sys.argv[1])) as ws:
    while ws.dispatcher.run_one():
        pass
"""


def test_cutting_anew_that_is_killed_goes_on_where_it_was(tmp_path: Path, embedder: Embedder) -> None:
    settings = Settings.load(tmp_path / "killed")
    with Workspace.open(settings, given={"embedder": embedder}) as ws:
        corpus = intake.create_corpus(ws, "fees", "legal").id
        texts = [(f"{n}.md", LEASE.replace("euro", f"euro{n}").encode()) for n in range(6)]
        intake.add_files(ws, corpus, texts)
        run_all(ws)
        index = begun(ws, corpus, SMALL)
        left = ws.index_changes.count_lacking(index)
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(settings.home)], env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
        with Workspace.open(settings, owner=False) as beside:
            started = time.monotonic()
            while child.poll() is None and beside.index_changes.count_lacking(index) == left:
                assert time.monotonic() - started < 120
                time.sleep(0.002)
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
            child.wait()
            left = beside.index_changes.count_lacking(index)
    with Workspace.open(settings, given={"embedder": embedder}) as ws:
        run_all(ws)
        reindexing.swap(ws, index.id)
        whole(ws, corpus)
        assert len({(c.document_id, c.ordinal) for c in by_words(ws, corpus, "fee")}) == len(
            by_words(ws, corpus, "fee")
        )
