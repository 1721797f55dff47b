"""Reading a document again: its stored file, by today's readers, with the edits kept and its source none the wiser."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.ingestion import editing, indexing, intake
from core.ingestion.parsed import ParsedDocument
from core.sync import sources
from core.sync.looking import look
from core.workspace import Workspace
from tests.core.sync.conftest import put

ZOO = "The zoo has one giraffe, which eats the leaves of the acacia beside its house all day. " * 6
FEES = "A ticket costs forty crowns a day, payable to the keeper at the northern gate of the zoo. " * 5
TEXT = f"# Zoo\n\n{ZOO}\n\n# Prices\n\n{FEES}\n"


def work(ws: Workspace) -> None:
    while ws.dispatcher.run_one() is not None:
        pass


@pytest.fixture
def followed(ws: Workspace, corpus: int, tmp_path: Path) -> int:
    folder = tmp_path / "papers"
    folder.mkdir()
    put(folder, "zoo.md", TEXT)
    source_id = sources.add_folder(ws, corpus, folder).id
    sources.sync_now(ws, source_id)
    work(ws)
    return source_id


def test_what_a_better_reader_sees_is_found_and_edits_are_kept(
    ws: Workspace, corpus: int, followed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (before,) = ws.corpora.documents(corpus)
    chunk = next(each for each in ws.corpora.chunks(before.id) if "forty" in each.text)
    editing.edit(ws, chunk.id, "A ticket costs fifty crowns.")
    read = indexing.parse

    def better(*args: object) -> ParsedDocument:
        parsed: ParsedDocument = read(*args)  # type: ignore[arg-type]
        pages = [replace(page, text=page.text.replace("one giraffe", "six giraffe")) for page in parsed.pages]
        return replace(parsed, pages=tuple(pages))

    monkeypatch.setattr(indexing, "parse", better)
    assert intake.read_again(ws, corpus, [before.id]) == 1
    assert "forty" in ws.corpora.page(before.id, 1).text, "it serves until the new reading is ready"
    work(ws)
    (after,) = ws.corpora.documents(corpus)
    assert (after.status, after.name, after.added_by) == ("ready", before.name, before.added_by)
    assert "six giraffe" in ws.corpora.page(after.id, 1).text
    assert [each.edited for each in ws.corpora.chunks(after.id) if each.edited] == ["A ticket costs fifty crowns."]


def test_a_source_goes_on_with_a_document_that_was_read_again(ws: Workspace, corpus: int, followed: int) -> None:
    intake.read_again(ws, corpus, ws.corpora.document_ids(corpus))
    work(ws)
    (item,) = ws.sources.items(followed).values()
    assert [item.document_id] == ws.corpora.document_ids(corpus)
    assert not look(ws, ws.sources.get(followed), again=True).work


def test_only_ready_documents_of_the_corpus_are_read_again_and_each_once(ws: Workspace, corpus: int) -> None:
    intake.add_files(ws, corpus, [("a.md", b"# A\n\nAlpha.\n"), ("b.md", b"# B\n\nBeta.\n")])
    ids = ws.corpora.document_ids(corpus)
    assert intake.read_again(ws, corpus, ids) == 0, "they wait to be read for the first time"
    work(ws)
    other = intake.create_corpus(ws, "other", "legal").id
    assert intake.read_again(ws, other, ids) == 0
    assert intake.read_again(ws, corpus, [*ids, 999_999]) == 2
    assert intake.read_again(ws, corpus, ids) == 0, "they are being read again already"


def test_a_line_of_a_corpus_file_keeps_its_title(ws: Workspace, corpus: int) -> None:
    intake.add_files(
        ws,
        corpus,
        [("corpus.jsonl", b'{"id": "7", "title": "Of bees", "text": "Bees dance.", "source": "http://x/7"}')],
    )
    work(ws)
    (before,) = ws.corpora.documents(corpus)
    intake.read_again(ws, corpus, [before.id])
    work(ws)
    (after,) = ws.corpora.documents(corpus)
    assert (after.title, after.source) == (before.title, before.source) == ("Of bees", "http://x/7")
    assert after.id != before.id
    assert ws.corpora.page(after.id, 1).text == "Bees dance."
