"""What goes wrong in a chat, and what is kept and said then: what cannot be asked, is refused, or is gone."""

import json
from collections.abc import Callable
from typing import Any

from streamlit.testing.v1 import AppTest

from core.assistants import live
from core.generation.scripted import ScriptedChat
from core.workspace import Workspace
from storage.rows import CorpusRow, PassageRow
from tests.dashboard.conftest import words
from tests.dashboard.test_chat_page import answered, finished

Open = Callable[..., AppTest]


def test_an_edited_question_that_cannot_be_asked_stays_in_its_form(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    answer = answered(workspace, indexed)
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    app.button(key=f"edit-{answer.parent_id}").click().run()
    app.text_area[0].set_value("A long and carefully written question about the rent?")
    workspace._parts["engine"] = ScriptedChat(answers=["word " * 3000], pause_s=0.05)
    other = live.start(workspace, answer.conversation_id, "What is the rent?", "base")  # from another tab
    next(button for button in app.button if button.label == "Ask").click().run()
    assert "Wait for it, or stop it." in words(app)
    assert app.text_area[0].value == "A long and carefully written question about the rent?"
    assert next(button for button in app.button if button.label == "Ask").disabled
    live.stop(workspace, other)
    "".join(live.follow(workspace, other))
    app.run()
    next(button for button in app.button if button.label == "Ask").click().run()
    asked = workspace.conversations.path(answer.conversation_id)[0]
    assert asked.text == "A long and carefully written question about the rent?"
    assert not app.text_area
    live.stop(workspace, workspace.conversations.path(answer.conversation_id)[1].id)


def test_a_typed_question_that_cannot_be_asked_goes_back_to_its_box_once(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    answer = answered(workspace, indexed)
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    workspace._parts["engine"] = ScriptedChat(answers=["word " * 3000], pause_s=0.05)
    other = live.start(workspace, answer.conversation_id, "What is the rent?", "base")
    app.chat_input[0].set_value("And the notice?").run()
    once, text = draft(app)["back"]
    assert text == "And the notice?"
    assert draft(app.run())["back"] == [once, text], "the browser knows by the word that it had this one"
    live.stop(workspace, other)


def draft(app: AppTest) -> dict[str, Any]:
    """What the component that keeps the draft was given."""
    (component,) = [each for each in app.get("bidi_component") if "draft" in each.proto.component_name]
    data: dict[str, Any] = json.loads(component.proto.json)
    return data


def test_a_link_into_a_long_conversation_reaches_its_message_question_or_answer(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    talk = workspace.conversations.create(indexed.id).id
    asked = []
    for number in range(45):
        asked.append(workspace.conversations.add_question(talk, f"Question {number}?").id)
        answer = workspace.conversations.begin_answer(talk, "rag")
        workspace.conversations.finish_answer(answer.id, f"Answer {number}.")
    app = open_page("chat", corpus=indexed.id, conversation=talk, message=asked[2])
    assert "Question 2?" in [text.value for text in app.text]
    assert components(app, "attention") == [{"focus": ""}]
    assert not any(each["focus"] for each in components(app, "answer"))
    app = open_page("chat", corpus=indexed.id, conversation=talk, message=asked[2] + 1)
    assert [each["parts"][0]["text"] for each in components(app, "answer") if each["focus"]] == ["Answer 2."]
    assert components(app, "attention") == []


def test_from_another_page_of_the_drawer_one_can_go_back_to_the_quote(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    answer = answered(workspace, indexed)
    (document,) = workspace.corpora.documents(indexed.id)
    query = {"document": document.id, "page": 1, "mark": "0-20", "marked": 3, "answer": answer.id}
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id, **query)
    (page,) = components(app, "page")
    assert [kind for _, kind in page["runs"]] == [""], "the mark is another page's"
    app.button(key="quotes-back").click().run()
    assert not app.exception
    assert app.query_params["page"] == "3"
    assert app.query_params["mark"] == "0-20"
    assert "marked" not in app.query_params


def test_a_passage_that_is_cited_has_its_place_among_the_steps(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    (document,) = workspace.corpora.documents(indexed.id)
    rows = [PassageRow(rank, document.id, 1, 10 * rank, 60, "Rent", 0.5, True) for rank in (1, 2)]
    answer = answered(workspace, indexed, passages=rows, context={"retrieved": 2, "fitted": 2})
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    app.button(key=f"passages-{answer.id}").click().run()
    app.button(key=f"passage-{answer.id}-1").click().run()
    assert "2 of 3" in words(app)  # the quote, and behind it both passages
    app.button(key="quotes-chevron_right").click().run()
    assert app.query_params["mark"] == "20-60"


def components(app: AppTest, name: str) -> list[dict[str, Any]]:
    """What each component of that name was given."""
    found = [each for each in app.get("bidi_component") if name in each.proto.component_name]
    return [json.loads(each.proto.json) for each in found]


def test_a_question_that_nobody_answered_can_be_answered(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    talk = workspace.conversations.create(indexed.id).id
    asked = workspace.conversations.add_question(talk, "What is the rent?")
    app = open_page("chat", corpus=indexed.id, conversation=talk)
    app.button(key=f"again-{asked.id}").click().run()
    finished(app)
    assert [(each.role, each.status) for each in workspace.conversations.path(talk)] == [
        ("user", "done"),
        ("assistant", "done"),
    ]
    assert "It was not answered." not in words(app)


def test_a_question_that_is_asked_again_unchanged_is_answered_once_more(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    answer = answered(workspace, indexed)
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    app.button(key=f"edit-{answer.parent_id}").click().run()
    next(button for button in app.button if button.label == "Ask").click().run()
    finished(app)
    assert "2 of 2" in words(app)
    assert not app.text_area
    assert len([each for each in workspace.conversations.messages(answer.conversation_id) if each.role == "user"]) == 1


def test_a_link_to_a_conversation_that_is_gone_says_so(open_page: Open, indexed: CorpusRow) -> None:
    app = open_page("chat", corpus=indexed.id, conversation=999)
    assert [each.value for each in app.toast] == ["That conversation was deleted since, or is of another corpus."]
    assert "conversation" not in app.query_params


def test_a_file_that_is_refused_begins_no_conversation_and_is_told_in_no_other(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    app = open_page("chat", corpus=indexed.id)
    app.button(key="attach").click().run()
    app.file_uploader[0].upload("bad.exe", b"MZ\x00", "application/x-msdownload").run()
    assert workspace.conversations.list(indexed.id) == []
    assert workspace.corpora.list(hidden=True) == []
    app.button(key="attach").click().run()
    assert "bad.exe" in words(app)
    app.query_params["conversation"] = str(workspace.conversations.create(indexed.id).id)
    app.run()
    app.button(key="attach").click().run()
    assert "bad.exe" not in words(app)
    del app.query_params["conversation"]
    app.button(key="attach").click().run()
    next(button for button in app.button if button.label == "Done").click().run()
    app.button(key="attach").click().run()
    assert "bad.exe" not in words(app), "it was read"


def test_an_answer_that_is_gone_is_left_to_the_page(workspace: Workspace) -> None:
    def script() -> None:
        import streamlit as st

        from dashboard.components import live_answer

        if not st.session_state.setdefault("drawn", False):
            st.session_state["drawn"] = True
            live_answer.show(12345)
        st.write("the page again")

    app = AppTest.from_function(script).run()
    assert not app.exception
    assert "the page again" in words(app)


def test_a_conversation_renamed_to_nothing_is_called_by_its_first_question(
    workspace: Workspace, indexed: CorpusRow
) -> None:
    def script() -> None:
        import streamlit as st

        from dashboard import resources
        from dashboard.components import conversation_dialogs

        conversation_dialogs.rename(resources.workspace().conversations.get(st.session_state["talk"]))

    asked, empty = answered(workspace, indexed).conversation_id, workspace.conversations.create(indexed.id).id
    for talk in (asked, empty):
        workspace.conversations.rename(talk, "Something else")
        app = AppTest.from_function(script)
        app.session_state["talk"] = talk
        app.run().text_input[0].set_value(" ")
        next(button for button in app.button if button.label == "Rename").click().run()
        assert not app.exception
    assert workspace.conversations.get(asked).title == "What is the *notice*"
    assert workspace.conversations.get(empty).title == ""


def test_an_answer_stopped_before_it_began_says_so(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    answer = answered(workspace, indexed, status="stopped", text="", citations=[])
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    assert "Stopped by you, before anything was written." in words(app)


def test_a_refusal_says_how_many_passages_there_are_beyond_the_closest(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    (document,) = workspace.corpora.documents(indexed.id)
    rows = [PassageRow(rank, document.id, 1, rank, 60, "Rent", 0.5, False) for rank in range(1, 6)]
    answer = answered(
        workspace, indexed, refused=True, citations=[], passages=rows, context={"retrieved": 5, "fitted": 0}
    )
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    app.button(key=f"passages-{answer.id}").click().run()
    (more,) = app.expander
    assert more.label == "2 passages more, less close"
    assert len(more.button) == 2
