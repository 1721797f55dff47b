"""Working in a chat: other versions, other questions, files of its own, links, exports."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.assistants.answer import ContextUse
from core.conversations import files
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


def test_a_question_can_be_searched_for_as_it_was_typed(
    open_page: Open, workspace: Workspace, indexed: CorpusRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, bool]] = []

    def again(ws: Workspace, message: int, mode: str, alone: bool = False) -> int:
        asked.append((message, alone))
        return message

    monkeypatch.setattr("core.assistants.live.again", again)
    answer = answered(workspace, indexed, searched_for="When does it end? (lease)")
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    app.button(key=f"typed-{answer.id}").click().run()
    assert not app.exception
    assert asked == [(answer.id, True)]


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
