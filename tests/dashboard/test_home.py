"""Home says what there is and what to do next."""

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from core.errors import TriptychError
from core.finetuning import samples
from core.ingestion import intake
from core.workspace import Workspace
from storage.rows import CorpusRow
from tests.dashboard.conftest import words

Open = Callable[..., AppTest]


def test_an_empty_workspace_offers_four_samples_and_says_how_to_begin(open_page: Open) -> None:
    app = open_page()
    assert not app.exception
    assert [button.label for button in app.button].count("Open sample") == 4
    assert "Open a sample above" in words(app)


def test_opening_a_sample_loads_it_and_goes_to_its_chat(open_page: Open, workspace: Workspace) -> None:
    app = open_page()
    app.button(key="sample-support").click().run()
    assert not app.exception
    (corpus,) = workspace.corpora.list()
    assert corpus.sample
    assert app.query_params["corpus"] == str(corpus.id)
    assert "Try one of these" in words(app)
    assert "Indexing" in app.progress[0].text


def test_a_corpus_is_counted_on_its_domains_card_and_can_be_opened(open_page: Open, indexed: CorpusRow) -> None:
    app = open_page()
    assert "1 corpus · 1 document · indexed just now" in words(app)
    app.button(key=f"open-{indexed.id}").click().run()
    assert app.query_params["corpus"] == str(indexed.id)
    assert "Ask your documents" in words(app)


def test_activity_names_the_work_and_the_conversations(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    talk = workspace.conversations.create(indexed.id)
    workspace.conversations.add_question(talk.id, "What is the rent?")
    app = open_page()
    assert "Indexing **Leases**" in words(app)
    assert "What is the rent?" in [link.value.replace("\\", "") for link in app.page_link]


def test_what_went_wrong_is_shown_once_with_its_remedy(open_page: Open) -> None:
    app = open_page()
    app.session_state["problem"] = TriptychError("The <disk> is full.", "Free some space.")
    app.run()
    assert "Free some space." in words(app)
    assert not app.run().error


def test_teach_it_loads_the_sample_takes_its_pairs_in_once_and_queues_both_adapters(
    open_page: Open, workspace: Workspace
) -> None:
    app = open_page()
    app.button(key="teach-support").click().run()
    assert not app.exception
    (corpus,) = workspace.corpora.list()
    pairs = workspace.examples.counts(corpus.id)
    assert pairs.keys() == {"accepted"}
    (job,) = [job for job in workspace.jobs.list(corpus.id) if job.kind == "finetune"]
    assert (job.payload["kinds"], job.payload["preset"]) == (["closed-book", "grounded"], "balanced")
    assert "Learning: see Fine-tune" in [link.label for link in app.page_link]
    assert samples.teach(workspace, "support") == corpus.id  # from a page that was drawn before
    assert workspace.examples.counts(corpus.id) == pairs
    assert [row.id for row in workspace.jobs.list(corpus.id) if row.kind == "finetune"] == [job.id]
    assert len(workspace.corpora.documents(corpus.id)) == len(
        list(workspace.domains.get("support").sample_folder.glob("*"))
    )


def test_a_sample_that_was_opened_can_be_taught_and_once_it_is_says_so(open_page: Open, workspace: Workspace) -> None:
    corpus = intake.load_sample(workspace, "legal")
    app = open_page()
    assert app.button(key="teach-legal").label == "Teach it"
    workspace.adapters.take_in(corpus, "grounded", "SmolLM2", "x")
    app.run()
    assert "Taught: see Fine-tune" in [link.label for link in app.page_link]
