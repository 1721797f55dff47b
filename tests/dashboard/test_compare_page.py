"""The compare page answers one question in several modes, takes a vote, and shows who wins."""

import json
import time
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.assistants import comparing
from core.errors import BadInput
from core.workspace import Workspace
from storage.rows import ComparisonRow, CorpusRow
from tests.dashboard.conftest import words

Open = Callable[..., AppTest]


def compared(workspace: Workspace, corpus: CorpusRow, blind: bool = False) -> ComparisonRow:
    row = comparing.start(workspace, corpus.id, "What is the rent?", ["rag", "base"], blind=blind)
    deadline = time.monotonic() + 120
    for panel in row.panels:
        while any(m.status == "streaming" for m in workspace.conversations.messages(panel.conversation_id)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    return row


def marks(app: AppTest) -> list[list[str]]:
    """The marked words of each panel."""
    shown = [json.loads(e.proto.json) for e in app.get("bidi_component") if "answer" in e.proto.component_name]
    return [[part["text"][a:b] for part in each["parts"] for a, b in part["marks"]] for each in shown]


def test_without_a_corpus_the_page_says_how_to_make_one(open_page: Open) -> None:
    assert "No corpus yet" in words(open_page("compare"))


def test_a_question_is_answered_in_every_chosen_mode(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    app = open_page("compare", corpus=indexed.id)
    assert not app.exception
    assert "every mode answers it at once" in words(app)
    app.chat_input[0].set_value("What is the rent?").run()
    assert not app.exception
    (row,) = workspace.comparisons.list(indexed.id)
    assert [panel.mode for panel in row.panels] == ["rag", "base"]
    assert workspace.conversations.list(indexed.id) == []  # panels are no conversations of the chat


def test_a_vote_is_stored_can_be_changed_and_counts(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    row = compared(workspace, indexed)
    app = open_page("compare", corpus=indexed.id, comparison=row.id)
    assert not app.exception
    assert "2,400 pounds" in "".join(str(each.proto) for each in app.main) or "Retrieval" in words(app)
    app.button(key=f"best-{row.id}-{row.panels[0].conversation_id}").click().run()
    assert workspace.comparisons.get(row.id).choice == "rag"
    assert "1 vote" in words(app)
    app.button(key="vote-tie").click().run()
    assert workspace.comparisons.get(row.id).choice == "tie"


def test_blind_panels_have_no_names_until_the_vote(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    row = compared(workspace, indexed, blind=True)
    app = open_page("compare", corpus=indexed.id, comparison=row.id)
    badges = [str(each.value) for each in app.get("markdown")]
    assert any("Answer A" in each for each in badges)
    assert not any("Retrieval" in each and "badge" in each for each in badges)
    app.button(key=f"best-{row.id}-{row.panels[0].conversation_id}").click().run()
    assert not any("Answer A" in str(each.value) for each in app.get("markdown"))


def test_an_address_of_a_comparison_that_is_gone_shows_the_empty_page(open_page: Open, indexed: CorpusRow) -> None:
    app = open_page("compare", corpus=indexed.id, comparison=99)
    assert not app.exception
    assert "every mode answers it at once" in words(app)


def test_a_mode_without_its_adapter_is_refused_before_anything_is_asked(
    workspace: Workspace, indexed: CorpusRow
) -> None:
    with pytest.raises(BadInput, match="adapter"):
        comparing.start(workspace, indexed.id, "What is the rent?", ["rag", "hybrid"])
    assert workspace.comparisons.list(indexed.id) == []


def test_deleting_a_comparison_takes_its_panels_along(workspace: Workspace, indexed: CorpusRow) -> None:
    row = compared(workspace, indexed)
    workspace.comparisons.delete(row.id)
    assert workspace.comparisons.list(indexed.id) == []
    assert workspace.conversations.search(indexed.id, "rent") == []


def test_what_differs_is_marked_when_somebody_asks_for_it(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    row = compared(workspace, indexed)
    for panel, said in zip(row.panels, ("The rent is 2,400 pounds.", "The rent is six pounds."), strict=True):
        answer = workspace.conversations.messages(panel.conversation_id)[-1]
        workspace.conversations.finish_answer(answer.id, said)
    app = open_page("compare", corpus=indexed.id, comparison=row.id)
    assert not any(marks(app))
    app.toggle(key="mark-differences").set_value(True).run()
    assert not app.exception
    assert "words that only this answer has" in words(app)
    assert marks(app) == [["2,400"], ["six"]]
