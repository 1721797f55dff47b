"""The corpus page shows what there is, how far it is, and lets one change it."""

import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.ingestion import intake
from core.workspace import Workspace
from storage.rows import CorpusRow
from tests.dashboard.conftest import LEASE, words

Open = Callable[..., AppTest]


def test_without_a_corpus_the_page_says_how_to_make_one(open_page: Open) -> None:
    app = open_page("corpus")
    assert not app.exception
    assert "No corpus yet" in words(app)


def test_an_address_of_a_corpus_that_is_gone_ends_in_an_empty_page(open_page: Open) -> None:
    app = open_page("corpus", corpus=4711)
    assert not app.exception
    assert "No corpus yet" in words(app)


def test_an_empty_corpus_says_what_to_do(open_page: Open, corpus: CorpusRow) -> None:
    app = open_page("corpus", corpus=corpus.id)
    assert "No documents yet. Drop files above" in words(app)


def test_a_drop_is_taken_once_however_often_the_page_runs_again(
    open_page: Open, workspace: Workspace, corpus: CorpusRow
) -> None:
    app = open_page("corpus", corpus=corpus.id)
    app.file_uploader[0].upload("lease.md", LEASE.encode())
    app.file_uploader[0].upload("photo.exe", b"MZ\0\0")
    app.run().run().run()
    assert [row.name for row in workspace.corpora.documents(corpus.id)] == ["lease.md"]
    assert len(workspace.jobs.list()) == 1
    assert not app.file_uploader[0].value
    assert "1 document added" in words(app)
    assert "photo.exe** was not added" in words(app)


def test_the_same_content_again_is_said_to_be_there(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    app = open_page("corpus", corpus=indexed.id)
    app.file_uploader[0].upload("lease.md", LEASE.encode())
    app.run()
    assert "0 documents added" in words(app)
    assert "already here with the same content" in words(app)
    app.button(key="put-away").click().run()
    assert "already here" not in words(app)


def test_a_ready_document_shows_its_numbers(open_page: Open, indexed: CorpusRow) -> None:
    app = open_page("corpus", corpus=indexed.id)
    assert "**lease.md**" in words(app)
    assert "1 page · " in words(app)


def test_a_document_that_failed_says_why_and_can_be_tried_again(
    open_page: Open, workspace: Workspace, corpus: CorpusRow
) -> None:
    intake.add_files(workspace, corpus.id, [("broken.pdf", b"%PDF-1.7 this is no PDF")])
    workspace.dispatcher.run_one()
    (document,) = workspace.corpora.documents(corpus.id)
    assert document.status == "failed"
    app = open_page("corpus", corpus=corpus.id)
    assert document.error in words(app)
    app.button(key=f"retry-{document.id}").click().run()
    assert workspace.corpora.document(document.id).status == "queued"
    app.button(key=f"cancel-{document.id}").click().run()
    assert workspace.corpora.document(document.id).status == "cancelled"


def test_documents_are_found_by_name_and_status(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    intake.add_files(workspace, indexed.id, [("fees.md", b"# Fees\n\nThe fee is 100 pounds.")])
    app = open_page("corpus", corpus=indexed.id)
    app.text_input(key=f"find-{indexed.id}").set_value("FEES").run()
    assert "**fees.md**" in words(app)
    assert "**lease.md**" not in words(app)
    app.text_input(key=f"find-{indexed.id}").set_value("nothing like it").run()
    assert "No document matches" in words(app)


def test_documents_are_restricted_to_a_type_and_sorted(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    intake.add_files(workspace, indexed.id, [("a-page.html", b"<html><body><p>Short.</p></body></html>")])
    workspace.dispatcher.run_one()
    app = open_page("corpus", corpus=indexed.id)
    names = [button.label for button in app.button if button.key and button.key.startswith("open-")]
    assert names == ["**a\\-page\\.html**", "**lease\\.md**"]
    app.selectbox(key=f"sort-{indexed.id}").set_value("size").run()
    assert [b.label for b in app.button if b.key and b.key.startswith("open-")] == names[::-1]
    app.selectbox(key=f"kind-{indexed.id}").set_value("text/html").run()
    assert [b.label for b in app.button if b.key and b.key.startswith("open-")] == names[:1]


def test_everything_that_matches_is_retried_cancelled_and_deleted_at_once(
    open_page: Open, workspace: Workspace, corpus: CorpusRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [(f"note {number}.md", f"# Note {number}\n\nText.".encode()) for number in range(30)]
    intake.add_files(workspace, corpus.id, files)
    app = open_page("corpus", corpus=corpus.id)
    app.checkbox(key=f"tick-page-{corpus.id}").check().run()
    assert "25 selected" in words(app)
    app.button(key="tick-all").click().run()
    assert "30 selected" in words(app)
    app.button(key="cancel-ticked").click().run()
    assert workspace.corpora.count_documents(corpus.id, status="cancelled") == 30
    app.button(key="retry-ticked").click().run()
    assert workspace.corpora.count_documents(corpus.id, status="pending") == 30
    assert len(workspace.jobs.list(corpus.id)) == 2
    read: list[int] = []
    rows_of = workspace.corpora.documents_by_ids
    monkeypatch.setattr(workspace.corpora, "documents_by_ids", lambda ids: read.append(len(list(ids))) or rows_of(ids))
    app.button(key="delete-ticked").click().run()
    assert "and 20 more" in words(app)
    assert set(read) == {10}  # those that it names: thousands of rows would keep the dialog waiting
    next(button for button in app.button if button.label == "Delete 30 documents").click().run()
    assert workspace.corpora.count_documents(corpus.id) == 0


def test_a_new_filter_does_not_keep_everything_selected(
    open_page: Open, workspace: Workspace, corpus: CorpusRow
) -> None:
    intake.add_files(workspace, corpus.id, [(f"note {n}.md", f"# Note {n}".encode()) for n in range(30)])
    app = open_page("corpus", corpus=corpus.id)
    app.checkbox(key=f"tick-page-{corpus.id}").check().run()
    app.button(key="tick-all").click().run()
    app.text_input(key=f"find-{corpus.id}").set_value("note 2").run()
    assert "30 selected" not in words(app)


def test_a_link_to_a_document_opens_it_at_its_page(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    (document,) = workspace.corpora.documents(indexed.id)
    text = workspace.corpora.page(document.id, 1).text
    start = text.index("six months")
    app = open_page("corpus", corpus=indexed.id, document=document.id, page=1, mark=f"{start}-{start + 10}")
    assert not app.exception
    shown = [json.loads(each.proto.json) for each in app.get("bidi_component") if each.proto.json]
    assert ["six months", "current"] in shown[0]["runs"]


def test_a_link_to_a_document_of_another_corpus_opens_nothing(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    (document,) = workspace.corpora.documents(indexed.id)
    other = intake.create_corpus(workspace, "Other", "legal")
    app = open_page("corpus", corpus=other.id, document=document.id)
    assert not app.exception
    assert "document" not in app.query_params


def test_a_hostile_file_name_is_shown_as_it_is(open_page: Open, workspace: Workspace, corpus: CorpusRow) -> None:
    name = "![x](http://evil.example) <script>alert(1)<b> $x$ :red[y].md"
    intake.add_files(workspace, corpus.id, [(name, b"# A\n\nSome text.")])
    app = open_page("corpus", corpus=corpus.id)
    assert not app.exception
    assert "![x](" not in "".join(button.label for button in app.button)


def test_a_tick_on_the_page_is_of_that_page_and_everything_selected_outlives_paging(
    open_page: Open, workspace: Workspace, corpus: CorpusRow
) -> None:
    intake.add_files(workspace, corpus.id, [(f"note {n}.md", f"# Note {n}".encode()) for n in range(30)])
    app = open_page("corpus", corpus=corpus.id)
    page = f"tick-page-{corpus.id}"
    app.checkbox(key=page).check().run()
    turned(app, corpus, 2)
    assert not app.checkbox(key=page).value
    assert "selected" not in words(app)
    turned(app, corpus, 1)
    app.checkbox(key=page).check().run()
    app.button(key="tick-all").click().run()
    turned(app, corpus, 2)
    assert "30 selected" in words(app)
    assert app.checkbox(key=page).value
    next(each for each in app.checkbox if each.key != page).uncheck().run()
    assert "4 selected" in words(app)
    assert not app.checkbox(key=page).value


def turned(app: AppTest, corpus: CorpusRow, page: int) -> None:
    app.session_state[f"page-{corpus.id}"] = page
    app.run()


def test_a_row_says_its_type_and_who_added_it(open_page: Open, workspace: Workspace, corpus: CorpusRow) -> None:
    intake.add_files(workspace, corpus.id, [("a.md", b"# A\n\nText.")], added_by="Ada *L*")
    workspace.dispatcher.run_one()
    said = words(open_page("corpus", corpus=corpus.id))
    assert "Markdown · 1 page · 1 chunk" in said
    assert "by Ada *L*" in said


def test_a_ready_document_is_read_again(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    (before,) = workspace.corpora.documents(indexed.id)
    app = open_page("corpus", corpus=indexed.id)
    app.button(key=f"read-{before.id}").click().run()
    assert not app.exception
    assert [row.status for row in workspace.corpora.documents(indexed.id)] == ["ready", "queued"]
    workspace.dispatcher.run_one()
    app.checkbox(key=f"tick-page-{indexed.id}").check().run()
    app.button(key="read-ticked").click().run()
    assert workspace.corpora.count_documents(indexed.id, status="pending") == 1


def test_what_comes_in_from_elsewhere_is_noticed_with_a_look_at_documents_and_jobs_alone(
    workspace: Workspace, corpus: CorpusRow
) -> None:
    from dashboard.components import changes

    before = changes.now(corpus.id)
    assert changes.now(corpus.id) == before
    intake.add_files(workspace, corpus.id, [("a.md", b"# A\n\nText.")])
    busy = changes.now(corpus.id)
    intake.add_files(workspace, corpus.id, [("b.md", b"# B\n\nText.")])
    assert before != busy == changes.now(corpus.id), "while it is busy the list looks after itself"
    while workspace.dispatcher.run_one():
        pass
    assert changes.now(corpus.id) not in (before, busy)
