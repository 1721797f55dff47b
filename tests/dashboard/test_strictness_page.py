"""On Evaluate one sees what a threshold declines of the gold questions, and gives a corpus its own."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.evaluation import running
from core.evaluation.questions import of_rows
from core.generation.scripted import ScriptedChat
from core.workspace import Workspace
from storage.gold import GoldDraft
from storage.rows import CorpusRow, EvaluationRow
from tests.dashboard.conftest import words

Open = Callable[..., AppTest]
GOLD = [
    GoldDraft("What is the rent of Unit 7?", "2,400 pounds", documents=["lease.md"], page=1),
    GoldDraft("Who won the football league?", answerable=False),
]


@pytest.fixture
def row(workspace: Workspace, indexed: CorpusRow) -> EvaluationRow:
    workspace.gold.add_many(indexed.id, GOLD)
    assert isinstance(workspace.engine, ScriptedChat)
    workspace.engine.answers = ["The rent is 2,400 pounds a month."]
    started = running.start(workspace, indexed.id, of_rows(workspace.gold.list(indexed.id)), ["rag"])
    workspace.dispatcher.run_one()
    return started


def opened(open_page: Open, corpus: CorpusRow, row: EvaluationRow) -> AppTest:
    app = open_page("evaluate", corpus=corpus.id)
    app.session_state[f"strictness-{row.id}"] = True
    return app.run()


def test_a_threshold_is_looked_at_and_taken_and_given_back(
    open_page: Open, workspace: Workspace, indexed: CorpusRow, row: EvaluationRow
) -> None:
    app = opened(open_page, indexed, row)
    assert not app.exception
    usual = workspace.domains.get(indexed.domain).refusal.threshold
    assert f"The domain says {usual:.2f}." in words(app)
    assert not any(button.key == f"use-{row.id}" for button in app.button)
    app.slider(key=f"below-{row.id}").set_value(1.0).run()
    assert "Declines **1 of 1 question that the documents do not answer**, as it should, and" in words(app)
    assert "and **1 of 1 question that they do answer**, as it should not." in words(app)
    app.button(key=f"use-{row.id}").click().run()
    assert not app.exception
    assert workspace.assistants.of(indexed.id).refuse_below == 1.0
    assert f"This corpus was given 1.00 where its domain says {usual:.2f}." in words(app)
    app.button(key=f"usual-{row.id}").click().run()
    assert workspace.assistants.of(indexed.id).refuse_below is None
    assert app.slider(key=f"below-{row.id}").value == round(usual, 2)


def test_a_suggestion_moves_the_slider_and_changes_nothing(
    open_page: Open, workspace: Workspace, indexed: CorpusRow, row: EvaluationRow
) -> None:
    app = opened(open_page, indexed, row)
    app.button(key=f"suggest-{row.id}").click().run()
    assert not app.exception
    assert "Declines **1 of 1 question that the documents do not answer**, as it should, and" in words(app)
    assert "and **0 of 1 question that they do answer**, as it should not." in words(app)
    assert workspace.assistants.of(indexed.id).refuse_below is None


def test_it_says_where_an_evaluation_kept_no_probabilities(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    workspace.gold.add_many(indexed.id, GOLD)
    base = running.start(workspace, indexed.id, of_rows(workspace.gold.list(indexed.id)), ["base"])
    workspace.dispatcher.run_one()
    app = opened(open_page, indexed, base)
    assert "did not keep how sure it was" in words(app)
