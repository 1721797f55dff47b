"""Sources on the corpus page: the dry run comes first, errors are one line, nothing goes without a question."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.sync import sources
from core.workspace import Workspace
from storage.examples import ExampleDraft
from storage.rows import CorpusRow
from tests.dashboard.conftest import LEASE, words

Open = Callable[..., AppTest]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "papers"
    made.mkdir()
    old(made / "lease.md", LEASE)
    old(made / "photo.bin", "MZ\0\0" * 20)
    return made


def old(path: Path, text: str) -> None:
    path.write_text(text)
    os.utime(path, (time.time() - 60, time.time() - 60))


def work(workspace: Workspace) -> None:
    while workspace.dispatcher.run_one() is not None:
        pass


def added(app: AppTest, corpus: CorpusRow, folder: Path) -> AppTest:
    app.text_input(key=f"folder-{corpus.id}").set_value(str(folder))
    return app.button[[button.label for button in app.button].index("Show the dry run")].click().run()


def test_a_corpus_without_sources_says_what_they_are_for(open_page: Open, corpus: CorpusRow) -> None:
    app = open_page("corpus", corpus=corpus.id)
    assert not app.exception
    assert "let the corpus follow where they are kept" in words(app)


def test_a_folder_shows_its_dry_run_before_anything_is_taken(
    open_page: Open, workspace: Workspace, corpus: CorpusRow, folder: Path
) -> None:
    app = added(open_page("corpus", corpus=corpus.id), corpus, folder)
    assert not app.exception
    assert "1 added, 1 not taken" in words(app)
    table = app.dataframe[0].value
    assert list(table["File"]) == ["lease.md", "photo.bin"]
    assert workspace.corpora.documents(corpus.id) == []
    (source,) = workspace.sources.list(corpus.id)
    app.button(key=f"agree-{source.id}").click().run()
    assert workspace.jobs.list()[0].kind == "sync"
    work(workspace)
    app = open_page("corpus", corpus=corpus.id)
    assert "1 document · looked at every 10 minutes" in words(app)
    assert [row.name for row in workspace.corpora.documents(corpus.id)] == ["papers/lease.md"]


def test_a_folder_that_is_not_there_is_one_line_with_a_remedy(open_page: Open, corpus: CorpusRow, folder: Path) -> None:
    app = added(open_page("corpus", corpus=corpus.id), corpus, folder / "absent")
    assert "See how it is spelt there" in words(app)
    assert app.text_input(key=f"folder-{corpus.id}").value == str(folder / "absent")


def test_trouble_with_a_source_is_shown_on_it(
    open_page: Open, workspace: Workspace, corpus: CorpusRow, folder: Path
) -> None:
    source = sources.add_folder(workspace, corpus.id, folder)
    sources.sync_now(workspace, source.id)
    work(workspace)
    folder.rename(folder.with_name("away"))
    sources.sync_now(workspace, source.id)
    work(workspace)
    app = open_page("corpus", corpus=corpus.id)
    assert "cannot be read" in words(app)
    app.button(key=f"look-{source.id}").click().run()
    assert not app.exception
    assert "Mount or restore it" in words(app)


def test_a_source_is_paused_resumed_and_set_up(
    open_page: Open, workspace: Workspace, corpus: CorpusRow, folder: Path
) -> None:
    source = sources.add_folder(workspace, corpus.id, folder)
    sources.sync_now(workspace, source.id)
    work(workspace)
    app = open_page("corpus", corpus=corpus.id)
    app.button(key=f"pause-{source.id}").click().run()
    assert not workspace.sources.get(source.id).enabled
    app.button(key=f"resume-{source.id}").click().run()
    assert workspace.sources.get(source.id).enabled
    app.number_input(key=f"every-{source.id}").set_value(7).run()
    app.radio(key=f"gone-{source.id}").set_value("remove").run()
    now = workspace.sources.get(source.id)
    assert (now.every_minutes, now.on_removal) == (7, "remove")


def test_removing_asks_what_becomes_of_the_documents(
    open_page: Open, workspace: Workspace, corpus: CorpusRow, folder: Path
) -> None:
    source = sources.add_folder(workspace, corpus.id, folder)
    sources.sync_now(workspace, source.id)
    work(workspace)
    app = open_page("corpus", corpus=corpus.id)
    app.button(key=f"remove-{source.id}").click().run()
    assert "Its 1 document in this corpus" in [radio.label for radio in app.radio]
    assert workspace.sources.list(corpus.id)


def test_a_source_whose_documents_go_says_what_was_made_of_them_and_who_learned(
    open_page: Open, workspace: Workspace, corpus: CorpusRow, folder: Path
) -> None:
    source = sources.add_folder(workspace, corpus.id, folder)
    sources.sync_now(workspace, source.id)
    work(workspace)
    (name,) = workspace.corpora.names(corpus.id)
    workspace.examples.add(corpus.id, [ExampleDraft("What is it?", "It", name, 1, "It", origin="upload")])
    job = workspace.jobs.enqueue("finetune", corpus.id, {})
    adapter = workspace.adapters.begin(corpus.id, "grounded", job.id, "embedded")
    workspace.adapters.change(adapter.id, documents={name: ""}, status="candidate")
    workspace.jobs.request_cancel(job.id)
    app = open_page("corpus", corpus=corpus.id)
    app.session_state[f"removing-{source.id}"] = "remove"
    app.button(key=f"remove-{source.id}").click().run()
    assert "Erase what was made from them too: 1 training example" in [each.label for each in app.toggle]
    assert "Learned from them, and keeps it: grounded v1" in words(app)


def test_removals_of_everything_must_be_agreed_to(
    open_page: Open, workspace: Workspace, corpus: CorpusRow, folder: Path
) -> None:
    source = sources.add_folder(workspace, corpus.id, folder, on_removal="remove")
    sources.sync_now(workspace, source.id)
    work(workspace)
    for path in folder.iterdir():
        path.unlink()
    app = open_page("corpus", corpus=corpus.id)
    app.button(key=f"look-{source.id}").click().run()
    assert app.button(key=f"agree-{source.id}").label == "Sync, and delete 1 document"
    app.button(key=f"agree-{source.id}").click().run()
    work(workspace)
    assert workspace.corpora.documents(corpus.id) == []


def test_addresses_that_are_none_are_refused_and_kept_in_the_form(
    open_page: Open, workspace: Workspace, corpus: CorpusRow
) -> None:
    app = open_page("corpus", corpus=corpus.id)
    app.text_area(key=f"urls-{corpus.id}").set_value("docs.example.org")
    app.button[[button.label for button in app.button].index("Show the dry run ")].click().run()
    assert "is no web address" in words(app) + "".join(str(error.proto) for error in app.error)
    assert app.text_area(key=f"urls-{corpus.id}").value == "docs.example.org"


def test_a_hostile_path_is_shown_as_it_is(
    open_page: Open, workspace: Workspace, corpus: CorpusRow, tmp_path: Path
) -> None:
    evil = tmp_path / "![x](http:evil) :red[y] $z$"
    evil.mkdir()
    old(evil / "<b>a.md", LEASE)
    source = sources.add_folder(workspace, corpus.id, evil)
    app = open_page("corpus", corpus=corpus.id)
    app.button(key=f"look-{source.id}").click().run()
    assert not app.exception
    assert "![x](" not in "".join(each.value for each in app.markdown)


def test_a_list_of_addresses_is_changed_once_its_dry_run_was_seen(
    open_page: Open, workspace: Workspace, corpus: CorpusRow
) -> None:
    one, two, three = (f"http://127.0.0.1:1/{name}" for name in ("one", "two", "three"))
    source = sources.add_urls(workspace, corpus.id, [one, two])
    app = open_page("corpus", corpus=corpus.id)
    assert app.text_area(key=f"list-{source.id}").value == f"{one}\n{two}"
    app.text_area(key=f"list-{source.id}").set_value("docs.example.org")
    app.button(key=f"relist-{source.id}").click().run()
    assert "is no web address" in words(app) + "".join(str(error.proto) for error in app.error)
    app.text_area(key=f"list-{source.id}").set_value(f"{one}\n{three}")
    app.button(key=f"relist-{source.id}").click().run()
    assert not app.exception
    assert list(app.dataframe[0].value["File"]) == [one, three]
    assert workspace.sources.get(source.id).location == {"urls": [one, two]}
    app.button(key=f"agree-{source.id}").click().run()
    assert workspace.sources.get(source.id).location == {"urls": [one, three]}
    assert [job.kind for job in workspace.jobs.list()] == ["sync"]


def test_addresses_that_another_source_follows_are_said_to_be_left_out(
    open_page: Open, workspace: Workspace, corpus: CorpusRow
) -> None:
    sources.add_urls(workspace, corpus.id, ["http://127.0.0.1:1/one"])
    app = open_page("corpus", corpus=corpus.id)
    app.text_area(key=f"urls-{corpus.id}").set_value("http://127.0.0.1:1/one\nhttp://127.0.0.1:1/two")
    app.button[[button.label for button in app.button].index("Show the dry run ")].click().run()
    said = "".join(each.value for each in app.toast).replace("\\", "").replace("\u2060", "")
    assert said == "Followed already, left out: http://127.0.0.1:1/one"
    assert workspace.sources.list(corpus.id)[1].location == {"urls": ["http://127.0.0.1:1/two"]}


def test_what_was_deleted_here_is_shown_on_its_source_and_taken_again(
    open_page: Open, workspace: Workspace, corpus: CorpusRow, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = sources.add_folder(workspace, corpus.id, folder)
    sources.sync_now(workspace, source.id)
    work(workspace)
    (document,) = workspace.corpora.documents(corpus.id)
    monkeypatch.setattr(workspace.sources, "items", lambda _: pytest.fail("all files of a source were read to draw it"))
    app = open_page("corpus", corpus=corpus.id)
    assert "1 file not taken" in [each.label for each in app.expander]
    app.button(key=f"delete-{document.id}").click().run()
    assert "From a source: 1 document. What is deleted here stays away" in words(app)
    next(button for button in app.button if button.label == "Delete 1 document").click().run()
    app = open_page("corpus", corpus=corpus.id)
    assert "1 document deleted here" in [each.label for each in app.expander]
    app.button(key=f"retake-{source.id}").click().run()
    assert not app.exception
    monkeypatch.undo()
    work(workspace)
    assert [row.name for row in workspace.corpora.documents(corpus.id)] == ["papers/lease.md"]
