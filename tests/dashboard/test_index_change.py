"""The embedding model of a corpus is changed from its page."""

from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.ingestion import reindexing
from core.ingestion.embedders import Choice
from core.workspace import Workspace
from storage.rows import CorpusRow
from tests.core.ingestion.small_model import small_model
from tests.dashboard.conftest import words
from tests.dashboard.test_domains import labelled

Open = Callable[..., AppTest]


def test_an_embedding_model_is_tried_before_it_is_built(
    open_page: Open, workspace: Workspace, indexed: CorpusRow, tmp_path: Path
) -> None:
    folder = small_model(tmp_path / "small")
    told = reindexing.estimate(workspace, indexed.id, Choice("folder", str(folder)))
    workspace.index_changes.begin(indexed.id, told.probed.name, told.probed.choice.stored(), told.probed.dimension)
    app = open_page("corpus", corpus=indexed.id)
    assert not app.exception
    assert "Building the index with **small@" in words(app)
    workspace.dispatcher.run_one()
    app = open_page("corpus", corpus=indexed.id)
    assert "is ready" in words(app)
    app.button(key="index-swap").click().run()
    assert not app.exception
    assert "which served before, is kept" in words(app)
    active = workspace.corpora.active_index(indexed.id)
    assert active is not None
    assert active.dimension == told.probed.dimension
    app.button(key="index-swap").click().run()
    labelled(app, "button", "Drop it").click().run()
    assert "Its vectors are deleted" in words(app)


def test_an_index_that_lacks_something_offers_to_go_on(
    open_page: Open, workspace: Workspace, indexed: CorpusRow, tmp_path: Path
) -> None:
    reindexing.begin(
        workspace, indexed.id, workspace.embedders.probe(Choice("folder", str(small_model(tmp_path / "m"))))
    )
    (job,) = workspace.jobs.list(statuses=("queued",))
    workspace.jobs.request_cancel(job.id)
    workspace.dispatcher.run_one()
    app = open_page("corpus", corpus=indexed.id)
    assert "lacks" in words(app)
    app.button(key="index-resume").click().run()
    workspace.dispatcher.run_one()
    assert "is ready" in words(open_page("corpus", corpus=indexed.id))


def test_a_folder_without_a_model_is_refused_with_its_remedy(
    open_page: Open, workspace: Workspace, indexed: CorpusRow, tmp_path: Path
) -> None:
    app = AppTest.from_function(_dialog, default_timeout=60)
    app.session_state["corpus"] = indexed.id
    app.run()
    app.selectbox(key="index-kind").set_value("folder").run()
    app.text_input(key="index-folder").set_value(str(tmp_path))
    app.button(key="index-try").click().run()
    assert not app.exception
    assert "config.json is not there" in words(app)
    app.text_input(key="index-folder").set_value(str(small_model(tmp_path / "small")))
    app.button(key="index-try").click().run()
    assert "gives 48 numbers a chunk" in words(app)
    app.button(key="index-build").click().run()
    assert workspace.index_changes.other(indexed.id) is not None


def test_documents_are_cut_anew_from_the_same_dialog(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    app = AppTest.from_function(_dialog, default_timeout=60)
    app.session_state["corpus"] = indexed.id
    app.run()
    app.button(key="index-try").click().run()
    assert "its chunks are like that" in words(app)
    app.selectbox(key="index-chunks").set_value("other").run()
    app.number_input(key="index-cut-target").set_value(900)
    app.number_input(key="index-cut-longest").set_value(500)
    app.button(key="index-try").click().run()
    assert "are not possible" in words(app)
    app.number_input(key="index-cut-target").set_value(200)
    app.number_input(key="index-cut-longest").set_value(300)
    app.button(key="index-try").click().run()
    assert "usually 200 characters, at most 300" in words(app)
    app.button(key="index-build").click().run()
    assert not app.exception
    workspace.dispatcher.run_one()
    app = open_page("corpus", corpus=indexed.id)
    assert "at most 300** is ready" in words(app)
    app.button(key="index-swap").click().run()
    assert not app.exception
    active = workspace.corpora.active_index(indexed.id)
    assert active is not None
    assert active.chunker.endswith(" 200 300")


def test_what_was_changed_since_the_trial_is_not_built(workspace: Workspace, indexed: CorpusRow) -> None:
    app = AppTest.from_function(_dialog, default_timeout=60)
    app.session_state["corpus"] = indexed.id
    app.run()
    app.selectbox(key="index-chunks").set_value("other").run()
    app.number_input(key="index-cut-target").set_value(200)
    app.number_input(key="index-cut-longest").set_value(300)
    app.button(key="index-try").click().run()
    app.number_input(key="index-cut-target").set_value(600)
    app.number_input(key="index-cut-longest").set_value(800)
    app.button(key="index-build").click().run()
    assert not app.exception
    assert workspace.index_changes.other(indexed.id) is None
    assert "Try it again" in words(app)
    assert "index-build" not in {button.key for button in app.button}
    app.button(key="index-try").click().run()
    app.button(key="index-build").click().run()
    other = workspace.index_changes.other(indexed.id)
    assert other is not None
    assert other.chunker.endswith(" 600 800")


def _dialog() -> None:
    import streamlit as st

    from dashboard import resources
    from dashboard.components import index_change

    index_change.choose(resources.workspace().corpora.get(st.session_state["corpus"]))
