"""Settings: the base models, tested against a real server over HTTP, and which corpus each answers for."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.generation import catalogue
from core.generation.scripted import ScriptedChat
from core.keeping import backup
from core.repairs import Repair
from core.workspace import Workspace
from storage import people
from storage.rows import BaseModelRow, CorpusRow
from tests.core.generation.openai_server import KEY, OpenAIServer, serving
from tests.dashboard.conftest import words
from tests.torture.tiny import tiny_gguf

Open = Callable[..., AppTest]


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with serving(ScriptedChat(answers=["A contract binds two parties."])) as running:
        yield running


@pytest.fixture
def cloud(workspace: Workspace, server: OpenAIServer) -> BaseModelRow:
    return catalogue.add(workspace, catalogue.Described("Cloud *7B*", "endpoint", server.url, "tiny", key=KEY))


def test_without_any_the_page_says_what_could_be_added(open_page: Open) -> None:
    app = open_page("settings")
    assert not app.exception
    assert "For better wording add a larger one" in words(app)
    assert "Versions" in words(app)


def test_a_base_model_is_listed_without_its_key(open_page: Open, cloud: BaseModelRow) -> None:
    app = open_page("settings")
    assert "Cloud *7B*" in words(app)
    assert "key: stored, encrypted" in words(app)
    assert KEY not in str(app)


def test_a_test_tells_speed_and_what_is_offered_and_its_context_length_is_taken_over(
    open_page: Open, workspace: Workspace, cloud: BaseModelRow
) -> None:
    app = open_page("settings")
    app.button(key=f"test-{cloud.id}").click().run()
    assert not app.exception
    assert "s to first word" in words(app)
    assert "A contract binds two parties." in words(app)
    assert "Offered there, 2 models: tiny, other" in words(app)
    app.button(key=f"window-{cloud.id}").click().run()
    assert workspace.base_models.get(cloud.id).window == 2048
    assert workspace.secrets.open(workspace.base_models.get(cloud.id).secret) == KEY


def test_a_context_length_that_is_longer_than_what_is_served_is_warned_of(
    open_page: Open, workspace: Workspace, server: OpenAIServer
) -> None:
    described = catalogue.Described("Cloud", "endpoint", server.url, "other", window=131072, key=KEY)
    row = catalogue.add(workspace, described)
    server.own["/api/ps"] = {"models": [{"model": "other", "context_length": 4096}]}
    app = open_page("settings")
    app.button(key=f"test-{row.id}").click().run()
    assert not app.exception
    assert "up to 131,072 tokens, but reads 1,234" in words(app)
    app.button(key=f"window-{row.id}").click().run()
    assert workspace.base_models.get(row.id).window == 1234
    server.own = {}
    app.button(key=f"test-{row.id}").click().run()
    assert "It does not say how much it reads: 1,234 tokens are taken, as entered." in words(app)


def test_a_test_that_fails_says_why_and_what_to_do(open_page: Open, workspace: Workspace, server: OpenAIServer) -> None:
    row = catalogue.add(workspace, catalogue.Described("Cloud", "endpoint", server.url, "tiny", key="wrong"))
    app = open_page("settings")
    app.button(key=f"test-{row.id}").click().run()
    assert not app.exception
    assert "Enter another key in Settings." in words(app)


def test_the_base_model_of_a_corpus_and_how_it_reads_are_chosen(
    open_page: Open, workspace: Workspace, corpus: CorpusRow, cloud: BaseModelRow
) -> None:
    app = open_page("settings", corpus=corpus.id)
    app.selectbox(key=f"settings-engine-{corpus.id}").select(cloud.id).run()
    app.selectbox(key=f"reading-{corpus.id}").select("quote").run()
    assert not app.exception
    assistant = workspace.assistants.of(corpus.id)
    assert (assistant.base_model_id, assistant.reading) == (cloud.id, "quote")
    assert "Answers for Leases" in words(app)
    assert workspace.assistant(corpus.id).base_model == "Cloud *7B*"


def test_the_base_model_can_be_chosen_on_the_chat_page(
    open_page: Open, workspace: Workspace, corpus: CorpusRow, cloud: BaseModelRow
) -> None:
    app = open_page("chat", corpus=corpus.id)
    app.selectbox(key=f"chat-engine-{corpus.id}").select(cloud.id).run()
    assert not app.exception
    assert workspace.assistants.of(corpus.id).base_model_id == cloud.id
    app.selectbox(key=f"chat-engine-{corpus.id}").select(0).run()
    assert workspace.assistants.of(corpus.id).base_model_id is None


def test_deleting_names_the_corpora_that_fall_back(
    open_page: Open, workspace: Workspace, corpus: CorpusRow, cloud: BaseModelRow
) -> None:
    catalogue.use(workspace, corpus.id, cloud.id)
    app = open_page("settings", corpus=corpus.id)
    app.button(key=f"delete-{cloud.id}").click().run()
    assert "answered by the embedded base model from then on" in words(app)
    app.button(key="base-model-delete").click().run()
    assert workspace.base_models.list() == []
    assert workspace.assistants.of(corpus.id).base_model_id is None


def test_a_base_model_is_added_in_a_dialog_and_a_wrong_address_is_refused_there(
    open_page: Open, workspace: Workspace, server: OpenAIServer
) -> None:
    app = open_page("settings")
    next(button for button in app.button if button.label == "Add base model").click().run()
    typed = {"name": "Cloud", "location": "localhost", "model": "tiny", "key": KEY}
    for field, value in typed.items():
        app.text_input(key=f"base-model-new-{field}").set_value(value)
    app.button(key="base-model-save").click().run()
    assert "For example:" in words(app)
    assert workspace.base_models.list() == []

    next(button for button in app.button if button.label == "Add base model").click().run()
    for field, value in (typed | {"location": server.url}).items():
        app.text_input(key=f"base-model-new-{field}").set_value(value)
    app.button(key="base-model-save").click().run()
    assert not app.exception
    (row,) = workspace.base_models.list()
    assert (row.name, row.location, row.model) == ("Cloud", server.url, "tiny")
    assert KEY not in row.secret
    assert "base-model-new-key" not in app.session_state


def test_a_context_length_can_be_entered_for_a_base_model_on_this_machine(
    open_page: Open, workspace: Workspace, tmp_path: Path
) -> None:
    source = str(tiny_gguf(tmp_path / "tiny.gguf", merges=20))
    row = catalogue.add(workspace, catalogue.Described("Tiny", "gguf", source))
    app = open_page("settings")
    app.button(key=f"edit-{row.id}").click().run()
    app.number_input(key=f"base-model-{row.id}-window").set_value(1024)
    app.button(key="base-model-save").click().run()
    assert not app.exception
    assert workspace.base_models.get(row.id).window == 1024


def test_the_button_backs_up_beside_the_workspace_and_the_file_can_be_downloaded(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    app = open_page("settings")
    app.button(key="backup-start").click().run()
    assert not app.exception
    job = workspace.dispatcher.run_one()
    assert job is not None
    assert (job.kind, job.status) == ("backup", "done")
    (file,) = backup.present(workspace)
    app = open_page("settings")
    assert file.name in words(app)
    assert app.button(key="backup-start").label == "Back up now"


def test_the_doctor_says_what_is_healthy_and_what_to_decide(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    (row,) = workspace.corpora.documents(indexed.id)
    workspace.files.path(row.content_sha256).unlink()
    app = open_page("settings")
    app.button(key="doctor-look").click().run()
    assert not app.exception
    assert "Full text**: It holds the words of every chunk" in words(app)
    assert "lease.md" in words(app)
    assert "restore a backup" in words(app)


def test_what_the_start_repaired_is_told_before_anybody_asks(open_page: Open, workspace: Workspace) -> None:
    workspace.repaired.append(Repair("Full text", "it differed from the rows and was made anew from them."))
    assert "Full text**: " in words(open_page("settings"))
    assert "was made anew" in words(open_page("settings"))


def test_a_person_is_forgotten_after_being_asked(open_page: Open, workspace: Workspace, corpus: CorpusRow) -> None:
    [name] = people.people(workspace.database)
    app = open_page("settings")
    app.button(key="audit-forget").click().run()
    assert "This can't be undone" in words(app)
    assert people.people(workspace.database) == {name: workspace.audit.count()}
    app.button(key="audit-forget-now").click().run()
    assert not app.exception
    assert people.people(workspace.database) == {}
    assert f"{name} stood in" in words(app)
    assert all(who.startswith(people.FORGOTTEN) for who in app.dataframe[0].value["Who"])
    assert workspace.audit.verify().whole
