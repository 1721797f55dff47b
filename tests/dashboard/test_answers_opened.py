"""A question of an evaluation opens to the gold, what each mode said and stands on, and why it scored so."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.evaluation import running
from core.evaluation.questions import of_rows
from core.generation.scripted import ScriptedChat
from core.ingestion import intake
from core.workspace import Workspace
from storage.gold import GoldDraft
from storage.rows import CorpusRow, EvaluationRow
from tests.dashboard.conftest import words

Open = Callable[..., AppTest]
EVIDENCE = "The rent is 2,400 pounds a month"
GOLD = [
    GoldDraft("What is the rent of <b>Unit 7</b>?", "2,400 pounds, in [advance](http://x)", documents=["lease.md"],
              page=1, evidence=EVIDENCE),
    GoldDraft("Who won the league?", answerable=False),
]  # fmt: skip


@pytest.fixture
def row(workspace: Workspace, indexed: CorpusRow) -> EvaluationRow:
    workspace.gold.add_many(indexed.id, GOLD)
    assert isinstance(workspace.engine, ScriptedChat)
    workspace.engine.answers = ["The rent is 2,400 pounds a month."]
    started = running.start(workspace, indexed.id, of_rows(workspace.gold.list(indexed.id)), ["base", "quote"])
    workspace.dispatcher.run_one()
    return started


def opened(app: AppTest, *keys: str) -> AppTest:
    """The page once these expanders and popovers are open."""
    for key in keys:
        app.session_state[key] = True
    return app.run()


def answers(app: AppTest) -> list[dict[str, Any]]:
    """What the answers' components are given."""
    shown = [json.loads(e.proto.json) for e in app.get("bidi_component") if "answer" in e.proto.component_name]
    return [each for each in shown if each]


def test_nothing_of_a_question_is_read_before_it_is_opened(
    open_page: Open, indexed: CorpusRow, row: EvaluationRow
) -> None:
    app = open_page("evaluate", corpus=indexed.id)
    assert not app.exception
    assert answers(app) == []
    assert "Gold evidence" not in words(app)


def test_it_opens_to_the_gold_and_the_words_that_were_held_and_missed(
    open_page: Open, indexed: CorpusRow, row: EvaluationRow
) -> None:
    app = opened(open_page("evaluate", corpus=indexed.id), f"asked-{row.id}-0")
    assert not app.exception
    said = words(app).replace("\u2060", "")
    assert "**Gold answer:** 2,400 pounds, in [advance](http://x)" in said
    assert f"**Gold evidence:** {EVIDENCE}" in said
    assert "lease.md, page 1" in said
    assert "Holds **2 of the 4 words** of the gold answer, among 5 words of its own: token F1 44." in said
    assert "Holds: 2400 pounds\n" in said
    assert "Misses: in advancehttpx" in said


def test_sentences_without_support_are_marked_and_the_others_lead_to_their_place(
    open_page: Open, indexed: CorpusRow, row: EvaluationRow
) -> None:
    app = opened(open_page("evaluate", corpus=indexed.id), f"asked-{row.id}-0")
    base, quote = answers(app)
    assert [part["kind"] for part in base["parts"]] == ["unsupported"]
    assert "supported" in [part["kind"] for part in quote["parts"]]
    assert quote["sources"][0]["where"] == "lease.md, page 1"


def test_quotations_and_passages_are_shown_with_what_they_have_to_do_with_the_gold(
    open_page: Open, indexed: CorpusRow, row: EvaluationRow
) -> None:
    key = f"asked-{row.id}-0"
    app = opened(open_page("evaluate", corpus=indexed.id), key)
    said = words(app)
    assert "It reads no passages." in said
    assert "gold evidence in passage 1" in said
    assert EVIDENCE not in "\n".join(str(each.value) for each in app.text)
    app = opened(app, f"read-{key}-quote", f"quoted-{key}-quote")
    assert not app.exception
    assert sum(EVIDENCE in str(each.value) for each in app.text) == 2  # in a passage, and in what is quoted of it
    assert "badge[:material/check: gold document]" in words(app)
    assert "badge[:material/verified: gold evidence]" in words(app)
    app.button(key=f"passage-{key}-quote-1").click().run()
    assert not app.exception
    assert "document" in app.query_params


def test_an_unanswerable_question_says_whether_refusing_was_right(
    open_page: Open, indexed: CorpusRow, row: EvaluationRow
) -> None:
    app = opened(open_page("evaluate", corpus=indexed.id), f"asked-{row.id}-1")
    assert not app.exception
    assert "It should have refused: the documents do not hold it." in words(app)


def test_a_document_that_was_deleted_since_shows_nothing_of_its_words(
    open_page: Open, workspace: Workspace, indexed: CorpusRow, row: EvaluationRow
) -> None:
    intake.delete_documents(workspace, [each.id for each in workspace.corpora.documents(indexed.id)], erase=False)
    key = f"asked-{row.id}-0"
    app = opened(open_page("evaluate", corpus=indexed.id), key, f"read-{key}-quote")
    assert not app.exception
    assert "a document that was deleted since" in words(app)
    assert "Lease of Unit 7" not in "\n".join(str(each.value) for each in app.text)
