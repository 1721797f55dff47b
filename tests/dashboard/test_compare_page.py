"""The compare page answers one question in several modes, takes a vote, and shows who wins."""

import json
import re
import time
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.assistants import comparing
from core.errors import BadInput
from core.evaluation.preferences import preferences
from core.generation import catalogue
from core.generation.catalogue import Described
from core.generation.scripted import NAME, ScriptedChat
from core.workspace import Workspace
from dashboard.components.win_rates import as_csv
from storage.rows import AdapterRow, ComparisonRow, CorpusRow
from tests.core.generation.openai_server import KEY, serving
from tests.dashboard.conftest import words

Open = Callable[..., AppTest]


def compared(workspace: Workspace, corpus: CorpusRow, blind: bool = False) -> ComparisonRow:
    row = comparing.start(workspace, corpus.id, "What is the rent?", ["rag", "base"], blind=blind)
    wait(workspace, row)
    return row


def wait(workspace: Workspace, row: ComparisonRow) -> None:
    """Until every panel is answered."""
    deadline = time.monotonic() + 120
    for panel in row.panels:
        while any(m.status == "streaming" for m in workspace.conversations.messages(panel.conversation_id)):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def panels(app: AppTest) -> list[list[dict[str, Any]]]:
    """The parts of the answer in each panel."""
    shown = [json.loads(e.proto.json) for e in app.get("bidi_component") if "answer" in e.proto.component_name]
    return [each["parts"] for each in shown]


def texts(app: AppTest) -> list[str]:
    """The answer in each panel."""
    return ["".join(part["text"] for part in each) for each in panels(app)]


def marks(app: AppTest) -> list[list[str]]:
    """The marked words of each panel."""
    return [[part["text"][a:b] for part in each for a, b in part["marks"]] for each in panels(app)]


def badges(app: AppTest) -> list[str]:
    """What the panels are called."""
    said = [str(each.value) for each in app.get("markdown")]
    found = [re.search(r"-badge\[(?::material/\w+: )?(.*)\]$", each) for each in said]
    return [each[1] for each in found if each]


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
    assert texts(app) == ["The tenant must give six months' notice."] * 2
    assert badges(app) == ["Retrieval", "Base"]
    assert [sources in words(app) for sources in ("1 source ", "0 sources ")] == [True, True]
    app.button(key=f"best-{row.id}-{row.panels[0].conversation_id}").click().run()
    assert workspace.comparisons.get(row.id).choice == "rag"
    assert "1 vote" in words(app)
    app.button(key="vote-tie").click().run()
    assert workspace.comparisons.get(row.id).choice == "tie"


def test_what_a_check_found_stands_in_its_panel(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    row = compared(workspace, indexed)
    (*_, answer) = workspace.conversations.messages(row.panels[1].conversation_id)
    found = {"carried": ["figures"], "found": [{"check": "figures", "said": "40 mg is not in the sources"}]}
    workspace.conversations.finish_answer(answer.id, "40 mg.", context={"checks": found})
    assert words(open_page("compare", corpus=indexed.id, comparison=row.id)).count("Check: 40 mg is not in the") == 1


def test_blind_panels_have_no_names_until_the_vote(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    row = compared(workspace, indexed, blind=True)
    app = open_page("compare", corpus=indexed.id, comparison=row.id)
    told = ("Retrieval", NAME)
    assert not [each for each in told if each in words(app)]
    assert badges(app) == ["Answer A", "Answer B"]
    app.button(key=f"best-{row.id}-{row.panels[1].conversation_id}").click().run()
    titles = {"rag": "Retrieval", "base": "Base"}
    assert badges(app) == [titles[panel.mode] for panel in row.panels]
    assert not [each for each in told if each not in words(app)]
    assert workspace.comparisons.get(row.id).choice == row.panels[1].key


def test_where_a_blind_panel_stands_tells_nothing(workspace: Workspace, corpus: CorpusRow) -> None:
    others = [workspace.base_models.create(f"Model {n}", "endpoint", "http://127.0.0.1:9/v1") for n in range(2)]
    keys = ["base", *(f"base#m{each.id}" for each in others)]

    def order(blind: bool) -> tuple[str, ...]:
        row = comparing.start(workspace, corpus.id, "What is the rent?", keys, blind=blind)
        return tuple(panel.key for panel in workspace.comparisons.get(row.id).panels)

    assert {order(False) for _ in range(3)} == {tuple(keys)}
    seen: set[tuple[str, ...]] = set()
    for _ in range(200):  # all six come up within thirty or so
        seen.add(order(True))
        if len(seen) == 6:
            break
    assert seen == set(permutations(keys))


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


def candidate(workspace: Workspace, corpus: CorpusRow) -> AdapterRow:
    """A trained grounded adapter that was not promoted."""
    job = workspace.jobs.enqueue("finetune", corpus.id, {})
    row = workspace.adapters.begin(corpus.id, "grounded", job.id, "SmolLM2-135M")
    workspace.jobs.request_cancel(job.id)
    workspace.adapters.change(row.id, status="candidate")
    return workspace.adapters.get(row.id)


def test_a_candidate_and_another_base_model_stand_beside_the_modes_and_their_votes_are_kept_apart(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    version = candidate(workspace, indexed)
    with serving(ScriptedChat(answers=["Two thousand four hundred."])) as server:
        described = Described("Other <b>model</b>", "endpoint", server.url, "tiny", window=4096, key=KEY)
        other = catalogue.add(workspace, described)
        app = open_page("compare", corpus=indexed.id)
        choices = app.multiselect(key="compare-variants")
        assert choices.options[0] == "Hybrid · grounded v1"
        choices.set_value([f"hybrid#a{version.id}", f"rag#m{other.id}"]).run()
        app.chat_input[0].set_value("What is the rent?").run()
        assert not app.exception
        (row,) = workspace.comparisons.list(indexed.id)
        wait(workspace, row)
    assert [panel.key for panel in row.panels] == ["rag", "base", f"hybrid#a{version.id}", f"rag#m{other.id}"]
    said = [workspace.conversations.messages(panel.conversation_id)[-1] for panel in row.panels]
    assert said[3].text.endswith("Two thousand four hundred.")
    assert said[3].base_model == "Other <b>model</b>"
    assert "grounded v1 was trained on another base model" in said[2].error  # it was asked, not the mode as it serves
    comparing.vote(workspace, row.id, f"rag#m{other.id}")
    catalogue.delete(workspace, other.id)
    (vote,) = workspace.comparisons.votes(indexed.id)
    assert (vote.choice, vote.names[vote.choice]) == (f"rag#m{other.id}", "Other <b>model</b>")
    rates = {rate.mode: rate.best for rate in preferences([vote]).rates}
    assert rates == {"rag": 0, "base": 0, f"hybrid#a{version.id}": 0, f"rag#m{other.id}": 1}
    app = open_page("compare", corpus=indexed.id, comparison=row.id)
    assert not app.exception
    assert "Retrieval · Other <b>model</b>" in words(app)
    assert f"rag#m{other.id} is Other <b>model</b>" in as_csv([vote])


def test_wins_are_shown_for_the_corpus_its_domain_and_by_topic(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    second = workspace.corpora.create("Second", indexed.domain)
    asked = {f"What is the rent of <b>flat</b> {number}?": "hybrid" for number in range(9)}
    asked |= {f"When does the {colour} bus leave?": "rag" for colour in ("red", "blue", "green", "grey", "pink")}
    asked |= {f"When does the bus number {number} leave?": "rag" for number in range(4)}
    for question, choice in asked.items():
        voted(workspace, indexed.id, question, choice)
    app = open_page("compare", corpus=indexed.id)
    assert not app.exception
    assert "18 votes" in words(app)
    (table,) = app.table
    assert sorted(table.value["Votes"]) == ["9", "9"]
    assert any("rent" in name for name in table.value.index)
    assert not app.segmented_control
    voted(workspace, second.id, "Who?", "rag")
    app = open_page("compare", corpus=indexed.id)
    app.segmented_control[0].set_value("domain").run()
    assert not app.exception
    assert "19 votes" in words(app)


def voted(workspace: Workspace, corpus_id: int, question: str, choice: str) -> None:
    row = workspace.comparisons.begin(corpus_id, question, [("rag", "", ""), ("hybrid", "", "")], False)
    workspace.comparisons.vote(row.id, choice)


def test_a_version_that_was_deleted_is_refused_before_anything_is_asked(
    workspace: Workspace, indexed: CorpusRow
) -> None:
    with pytest.raises(BadInput, match="it was deleted"):
        comparing.start(workspace, indexed.id, "What is the rent?", ["rag", "hybrid#a99"])
    assert workspace.comparisons.list(indexed.id) == []


def test_an_answer_is_saved_as_a_gold_question_as_it_was_edited(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    row = compared(workspace, indexed)
    answer = workspace.conversations.messages(row.panels[0].conversation_id)[-1]
    app = open_page("compare", corpus=indexed.id, comparison=row.id)
    app.session_state[f"open-gold-{answer.id}"] = True
    app.run()
    assert not app.exception
    assert app.text_area(key=f"gold-question-{answer.id}").value == "What is the rent?"
    app.text_area(key=f"gold-answer-{answer.id}").set_value("2,400 pounds a month")
    next(
        button for button in app.button if button.label == "Save" and "gold" in str(button.proto.form_id)
    ).click().run()
    assert not app.exception
    (gold,) = workspace.gold.list(indexed.id)
    assert (gold.question, gold.answer, gold.origin) == ("What is the rent?", "2,400 pounds a month", "chat")


def test_a_comparison_is_deleted_from_the_history_with_its_vote_once_that_was_said(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    row, other = compared(workspace, indexed), compared(workspace, indexed)
    for each in (row, other):
        comparing.vote(workspace, each.id, "rag")
    app = open_page("compare", corpus=indexed.id, comparison=row.id)
    app.button(key=f"gone-{row.id}").click().run()
    assert "the question, 2 answers and what you thought of them" in words(app)
    assert "Your vote goes with it, and the win rates no longer count it." in words(app)
    next(button for button in app.button if button.label == "Delete comparison").click().run()
    assert not app.exception
    assert [each.id for each in workspace.comparisons.list(indexed.id)] == [other.id]
    assert "comparison" not in app.query_params
