"""What belongs to a document by its name goes along when its file is moved, and goes when the document goes."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from core.evaluation.questions import of_rows
from core.ingestion import editing, intake
from core.jobs.runner import run
from core.keeping import doctor
from core.sync import sources
from core.workspace import Workspace
from storage.examples import ExampleDraft
from storage.gold import GoldDraft
from storage.rows import ChunkRow, EvaluationAnswerRow, FindingRow
from storage.tables import Table, now
from tests.core.sync.conftest import put, work

WORD = "qzvaxilon"
PARTS = "\n\n".join(
    f"## Part {n}\n\n{f'The tariff of part {n} is {n}00 crowns, due in May. ' * 12}" for n in range(1, 6)
)
OLD, NEW = f"papers/{WORD}.md", "papers/moved/renamed.md"


@pytest.fixture
def document(ws: Workspace, corpus: int, folder: Path) -> int:
    """The document of a watched file, with all that can be made of it."""
    put(folder, f"{WORD}.md", f"# Tariffs of {WORD}\n\n{PARTS}\n")
    put(folder, "other.md", "# Other\n\nThe fee of the other house is 9 crowns.\n")
    source = sources.add_folder(ws, corpus, folder, on_removal="remove").id
    sources.sync_now(ws, source)
    assert work(ws) == ["sync", "index"]
    (found,) = ws.corpora.documents(corpus, search=WORD)
    return found.id


def moved(ws: Workspace, corpus: int, folder: Path) -> None:
    (folder / "moved").mkdir()
    (folder / f"{WORD}.md").rename(folder / "moved" / "renamed.md")
    (source,) = ws.sources.list(corpus)
    sources.sync_now(ws, source.id)
    assert work(ws) == ["sync"]


def make_of_it(ws: Workspace, corpus: int, document: int) -> None:
    """An example, a gold question, an adapter and an evaluation of it."""
    ws.examples.add(corpus, [ExampleDraft(f"What is {WORD}?", f"A {WORD}", OLD, 1, WORD, origin="upload")])
    ws.gold.add(corpus, GoldDraft(f"Tariff of {WORD}?", WORD, True, (OLD,), 1, WORD))
    ws.jobs.enqueue("finetune", corpus, {})
    job = ws.jobs.claim("test", 60, now(), ["finetune"])
    assert job is not None
    adapter = ws.adapters.begin(corpus, "grounded", job.id, "embedded")
    ws.jobs.finish(job)
    known = {OLD: ws.corpora.document(document).content_sha256}
    ws.adapters.change(adapter.id, documents=known, result={"corpus": sorted(ws.corpora.contents(corpus))})
    run = ws.evaluations.begin(corpus, ["rag"], [each.json() for each in of_rows(ws.gold.list(corpus))], {})
    asked = ws.jobs.claim("test", 60, now(), ["evaluate"])
    assert asked is not None
    place = {"document_id": document, "document": OLD, "page": 1}
    answer = EvaluationAnswerRow(run.questions[0]["id"], "rag", WORD, False, "", [place], [place], {}, {})
    ws.evaluations.keep(asked, run.id, answer)
    probe = {"question": WORD, "document": OLD, "old": WORD, "new": WORD}
    ws.evaluations.find(asked, run.id, FindingRow("probes", "", {"probes": [probe]}))
    ws.evaluations.find(asked, run.id, FindingRow("fresh", "", probe | {"answer": WORD, "places": [document]}))
    ws.jobs.finish(asked)


def rows_with(ws: Workspace, word: str) -> set[str]:
    """The tables of which a row holds a word."""
    with ws.database.read() as session:
        return {
            table.name
            for table in Table.metadata.sorted_tables
            for row in session.execute(select(table))
            if any(word in str(value) for value in row)
        }


def parts(ws: Workspace, document: int) -> list[ChunkRow]:
    return ws.corpora.chunks(document)


def test_edits_stay_when_the_file_was_moved_and_another_chunk_is_edited(
    ws: Workspace, corpus: int, folder: Path, document: int
) -> None:
    first, second, third, *_ = parts(ws, document)
    editing.edit(ws, first.id, "In other words.")
    editing.switch(ws, second.id, on=False)
    moved(ws, corpus, folder)
    editing.edit(ws, third.id, "In other words, too.")
    after = parts(ws, document)
    assert [chunk.edited for chunk in after[:3]] == ["In other words.", None, "In other words, too."]
    assert [chunk.switched_off for chunk in after[:3]] == [False, True, False]
    put(folder, "moved/renamed.md", f"# Tariffs of {WORD}\n\n{PARTS}\n\nSigned in May.\n", age_s=30)
    (source,) = ws.sources.list(corpus)
    sources.sync_now(ws, source.id)
    work(ws)
    (newer,) = ws.corpora.documents(corpus, search="renamed")
    assert newer.id != document
    assert [chunk.switched_off for chunk in parts(ws, newer.id)[:3]] == [False, True, False], (
        "a newer version keeps them"
    )


def test_a_moved_document_is_found_by_its_new_name_alone(
    ws: Workspace, corpus: int, folder: Path, document: int
) -> None:
    editing.switch(ws, parts(ws, document)[1].id, on=False)
    moved(ws, corpus, folder)
    found = ws.lexical.search(corpus, "renamed", 20)
    assert {hit.chunk_id for hit in found} == {chunk.id for chunk in parts(ws, document) if not chunk.switched_off}
    assert ws.lexical.in_step()
    assert [each.state for each in doctor.examine(ws) if each.what == "Full text"] == ["healthy"]


def test_what_was_made_of_a_document_names_it_as_it_is_called_now(
    ws: Workspace, corpus: int, folder: Path, document: int
) -> None:
    make_of_it(ws, corpus, document)
    moved(ws, corpus, folder)
    assert [row.document for row in ws.examples.list(corpus)] == [NEW]
    assert ws.gold.list(corpus)[0].documents == [NEW]
    (adapter,) = ws.adapters.list(corpus)
    assert list(adapter.documents) == [NEW]
    assert adapter.result["corpus"] == [NEW, "papers/other.md"]
    (run,) = ws.evaluations.list(corpus)
    assert run.questions[0]["documents"] == [NEW]
    (answer,) = ws.evaluations.answers(run.id)
    assert [place["document"] for place in (*answer.citations, *answer.passages)] == [NEW, NEW]
    probes, fresh = (row.content for row in ws.evaluations.findings(run.id))
    assert [probes["probes"][0]["document"], fresh["document"]] == [NEW, NEW]


def test_a_document_that_was_moved_and_deleted_leaves_no_word(
    ws: Workspace, corpus: int, folder: Path, document: int
) -> None:
    make_of_it(ws, corpus, document)
    editing.edit(ws, parts(ws, document)[0].id, f"{WORD} in other words")
    assert {"documents", "chunk_edits", "examples", "gold_questions", "adapters"} < rows_with(ws, WORD)
    moved(ws, corpus, folder)
    intake.delete_document(ws, document, erase=True)
    assert rows_with(ws, WORD) == set()


def test_a_name_that_another_document_has_is_left_to_it(
    ws: Workspace, corpus: int, folder: Path, document: int
) -> None:
    intake.add_files(ws, corpus, [(NEW, b"# Uploaded\n\nSomebody put this here.")])
    work(ws)
    make_of_it(ws, corpus, document)
    moved(ws, corpus, folder)
    assert ws.corpora.document(document).name == OLD
    assert [row.document for row in ws.examples.list(corpus)] == [OLD]


def test_a_newer_version_that_is_not_ready_yet_goes_along(
    ws: Workspace, corpus: int, folder: Path, document: int
) -> None:
    editing.switch(ws, parts(ws, document)[1].id, on=False)
    (source,) = ws.sources.list(corpus)
    put(folder, f"{WORD}.md", f"# Tariffs of {WORD}\n\n{PARTS}\n\nSigned in May.\n", age_s=30)
    sources.sync_now(ws, source.id)
    sync(ws)
    (folder / f"{WORD}.md").rename(folder / "renamed.md")
    sources.sync_now(ws, source.id)
    sync(ws)
    assert {row.name for row in ws.corpora.documents(corpus, search="renamed")} == {"papers/renamed.md"}
    assert ws.corpora.count_documents(corpus, search="renamed") == 2
    work(ws)
    (newer,) = ws.corpora.documents(corpus, search="renamed")
    assert parts(ws, newer.id)[1].switched_off


def sync(ws: Workspace) -> None:
    """Run the sync that waits, and not the index job before it."""
    job = ws.jobs.claim("test", 60, now(), ["sync"])
    assert job is not None
    run(ws, job, threading.Event())
    assert ws.jobs.get(job.id).status == "done"
