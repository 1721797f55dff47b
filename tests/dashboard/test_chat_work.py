"""Working in a chat: other versions, other questions, files of its own, links, exports."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from streamlit.testing.v1 import AppTest

from core.assistants import live
from core.assistants.answer import ContextUse
from core.conversations import files
from core.generation.scripted import ScriptedChat
from core.workspace import Workspace
from dashboard.components import context_meter
from storage.rows import CitationRow, CorpusRow, PassageRow
from storage.traces import ERASED
from tests.dashboard.conftest import words
from tests.dashboard.test_chat_page import answered, finished, shown

Open = Callable[..., AppTest]


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def test_an_edited_question_is_answered_and_the_old_one_is_a_step_away(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    answer = answered(workspace, indexed)
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    app.button(key=f"edit-{answer.parent_id}").click().run()
    app.text_area[0].set_value("What is the rent?")
    next(button for button in app.button if button.label == "Ask").click().run()
    finished(app)
    assert not app.exception
    assert [text.value for text in app.text] == ["What is the rent?"]
    assert "2 of 2" in words(app)
    new = workspace.conversations.path(answer.conversation_id)[0]
    app.button(key=f"chevron_left-{new.id}").click().run()
    assert [text.value for text in app.text] == ["What is the *notice*?"]
    assert "1 of 2" in words(app)


def test_leaving_the_edit_changes_nothing(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    answer = answered(workspace, indexed)
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    app.button(key=f"edit-{answer.parent_id}").click().run()
    next(button for button in app.button if button.label == "Leave it").click().run()
    assert len(workspace.conversations.messages(answer.conversation_id)) == 2
    assert app.text[0].value == "What is the *notice*?"


def test_an_answer_is_written_once_more_beside_the_first(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    answer = answered(workspace, indexed)
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    app.button(key=f"again-{answer.id}").click().run()
    finished(app)
    assert "2 of 2" in words(app)
    assert workspace.conversations.message(answer.id).text == answer.text


def test_a_cut_off_answer_is_continued_and_a_failed_one_tried_again(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    for status, name in (("interrupted", "Continue"), ("failed", "Try again")):
        answer = answered(workspace, indexed, status=status, text="", citations=[], error="It broke.")
        app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
        assert name in labels(app)
        app.button(key=f"again-{answer.id}").click().run()
        finished(app)
        assert workspace.conversations.path(answer.conversation_id)[-1].status == "done"


def test_what_was_searched_for_is_shown(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    answer = answered(workspace, indexed, searched_for="When does it end? (lease of *Unit 7*)")
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    assert "searched for: When does it end? (lease of *Unit 7*)" in words(app)


def test_a_link_to_an_answer_shows_its_branch(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    answer = answered(workspace, indexed)
    other = workspace.conversations.add_question(answer.conversation_id, "Another?", after=None)
    workspace.conversations.finish_answer(
        workspace.conversations.begin_answer(answer.conversation_id, "rag", question_id=other.id).id, "Another."
    )
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id, message=answer.id)
    assert app.text[0].value == "What is the *notice*?"
    assert shown(app)["focus"]
    (link,) = [json.loads(e.proto.json) for e in app.get("bidi_component") if "copy" in e.proto.component_name]
    assert link["query"] == f"?corpus={indexed.id}&conversation={answer.conversation_id}&message={answer.id}"
    assert not open_page("chat", corpus=indexed.id, conversation=answer.conversation_id, message=999).exception


def test_a_file_of_one_conversation_is_asked_there_alone_and_goes_with_it(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    talk, other = (workspace.conversations.create(indexed.id).id for _ in range(2))
    files.attach(workspace, talk, [("memo.md", b"# Memo\n\nThe Zebedee surcharge is 77 crowns for each parcel.")])
    workspace.dispatcher.run_one()
    for where, holds in ((talk, True), (other, False)):
        app = open_page("chat", corpus=indexed.id, conversation=where)
        app.chat_input[0].set_value("How high is the Zebedee surcharge?").run()
        finished(app)
        answer = workspace.conversations.path(where)[-1]
        found = workspace.conversations.passages(answer.id)
        assert ("memo.md" in [row.document for row in found]) is holds
        if holds:
            memo = next(row for row in found if row.document == "memo.md")
            app = open_page("chat", corpus=indexed.id, conversation=where, document=memo.document_id)
            assert not app.exception
            assert "document" in app.query_params
    assert "memo.md" not in words(open_page("corpus", corpus=indexed.id))
    files.delete(workspace, talk)
    assert workspace.corpora.list(hidden=True) == []
    assert len(workspace.corpora.indexes()) == 1


def test_conversations_are_found_by_what_was_said_in_them(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    answers = [answered(workspace, indexed, text=text, citations=[]) for text in ("Six months.", "Crowns.", "None.")]
    app = open_page("chat", corpus=indexed.id)
    app.text_input(key="find-conversation").set_value("crowns").run()
    assert [button.key for button in app.button if str(button.key).startswith("talk-")] == [
        f"talk-{answers[1].conversation_id}"
    ]
    app.button(key=f"talk-{answers[1].conversation_id}").click().run()
    assert app.query_params["message"] == str(answers[1].id) or app.query_params["message"] == [str(answers[1].id)]
    app.text_input(key="find-conversation").set_value("unheard of").run()
    assert "No conversation holds all of these words" in words(app)


def test_the_passages_of_an_answer_are_listed_in_order(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    (document,) = workspace.corpora.documents(indexed.id)
    rows = [PassageRow(rank, document.id, 1, 0, 20, "Rent", 0.5, rank == 1) for rank in (1, 2)]
    answer = answered(workspace, indexed, passages=rows, context={"retrieved": 2, "fitted": 1})
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id, document=document.id, page=1,
                    mark="0-20", answer=answer.id)  # fmt: skip
    assert "2 of 2" in words(app)  # the quote of the answer, then the passage that it quotes nothing from


def test_the_context_meter_says_what_was_cut() -> None:
    use = ContextUse(5, 2, 700, 2048, 60, 500, 100, 40, 64, turns=1, turns_before=3)
    assert sum(part.tokens for part in context_meter.segments(use)) == 764
    said = " ".join(context_meter.cut(use, sentences=False))
    assert "3 did not fit" in said
    assert "Of 3 earlier questions it was shown the last 1." in said
    assert "cut the prompt" not in said
    assert "counted 2,048 tokens of it" in " ".join(context_meter.cut(replace(use, cut_to=2048), sentences=False))
    none = replace(use, turns=0, conversation=0)
    assert "put into the question" in " ".join(context_meter.cut(none, sentences=True))
    assert "did not fit" in " ".join(context_meter.cut(replace(none, retrieved=0), sentences=True))


def test_the_context_meter_goes_by_what_was_shown_not_by_the_name_of_the_base_model(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    context = {"retrieved": 5, "fitted": 1, "prompt_tokens": 90, "window": 9000, "shown": "sentences"}
    answer = answered(workspace, indexed, context=context)
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    assert "best sentences from 1 of 5 passages read" in words(app)
    context = context | {"shown": "passages"}
    answer = answered(workspace, indexed, context=context)
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    assert "1 of 5 passages read, 4 did not fit" in words(app)


def test_the_panels_of_an_answer_open(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    (document,) = workspace.corpora.documents(indexed.id)
    context = {
        "retrieved": 1,
        "fitted": 1,
        "prompt_tokens": 90,
        "window": 200,
        "persona": 30,
        "evidence": 60,
        "room": 64,
    }
    rows = [PassageRow(1, document.id, 1, 0, 20, "Rent", 0.5, False)]
    answer = answered(workspace, indexed, passages=rows, context=context)
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    app.button(key=f"context-{answer.id}").click().run()
    assert "The window holds 200 tokens; the prompt took 90." in words(app)
    app.button(key=f"passages-{answer.id}").click().run()
    assert "1. lease.md, page 1" in words(app)
    assert "not shown to the base model" in words(app)
    app.button(key=f"passage-{answer.id}-1").click().run()
    assert not app.exception
    assert "document" in app.query_params


def test_files_are_attached_to_a_new_conversation_and_taken_off_again(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    app = open_page("chat", corpus=indexed.id)
    app.button(key="attach").click().run()
    app.file_uploader[0].upload("memo.md", b"# Memo\n\nThe surcharge is 77 crowns.", "text/markdown").run()
    assert not app.exception
    (talk,) = workspace.conversations.list(indexed.id)
    (row,) = files.attached(workspace, talk.files_corpus_id)
    workspace.dispatcher.run_one()
    app = open_page("chat", corpus=indexed.id, conversation=talk.id)
    assert "1 file" in labels(app)
    app.button(key="attach").click().run()
    answer = workspace.conversations.begin_answer(talk.id, "rag", "model")
    cited = CitationRow(0, 20, 1, row.id, 1, 0, 20, 0.9)
    workspace.conversations.finish_answer(answer.id, "The surcharge is 77 crowns.", citations=[cited])
    app.button(key=f"remove-{row.id}").click().run()
    assert len(files.attached(workspace, talk.files_corpus_id)) == 1, "it is asked first"
    app.button(key="attach").click().run()  # a test runs the page whole, which puts the dialog away
    assert "Erase what was made from them too: 1 answer in conversations" in [each.label for each in app.toggle]
    app.button(key=f"really-remove-{row.id}").click().run()
    assert not app.exception
    assert files.attached(workspace, talk.files_corpus_id) == []
    assert workspace.conversations.message(answer.id).text == ERASED


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
