"""The chat asks, shows what stands where, and keeps everything in the database."""

import json
import time
from collections.abc import Callable
from typing import Any

from streamlit.testing.v1 import AppTest

from core.ingestion import editing, intake
from core.workspace import Workspace
from storage.rows import CitationRow, CorpusRow, MessageRow
from tests.dashboard.conftest import words

Open = Callable[..., AppTest]
ANSWER = "The notice is six months. It is long."


def answered(workspace: Workspace, corpus: CorpusRow, **finish: Any) -> MessageRow:
    """A conversation with one finished answer: a supported sentence and one without a source."""
    talk = workspace.conversations.create(corpus.id)
    workspace.conversations.add_question(talk.id, "What is the *notice*?")
    answer = workspace.conversations.begin_answer(talk.id, "rag", "scripted")
    (document,) = workspace.corpora.documents(corpus.id)
    start = workspace.corpora.page(document.id, 1).text.index("six months")
    citations = [
        CitationRow(0, 25, 1, document.id, 1, start, start + 10, 0.9),
        CitationRow(26, 37, None, None, None, None, None, 0.1),
    ]
    values: dict[str, Any] = {"text": ANSWER, "citations": citations, "timings": {"first_token_s": 0.6}}
    workspace.conversations.finish_answer(answer.id, **(values | finish))
    return workspace.conversations.message(answer.id)


def shown(app: AppTest) -> dict[str, Any]:
    """What the answer component was given."""
    (component,) = [each for each in app.get("bidi_component") if "answer" in each.proto.component_name]
    data: dict[str, Any] = json.loads(component.proto.json)
    return data


def finished(app: AppTest) -> AppTest:
    """The page once nothing is being written any more."""
    for _ in range(200):
        if not any(button.label == "Stop" for button in app.button):
            return app
        time.sleep(0.05)
        app.run()
    raise AssertionError("the answer did not end")


def test_without_a_corpus_the_page_says_how_to_make_one(open_page: Open) -> None:
    app = open_page("chat")
    assert not app.exception
    assert "No corpus yet" in words(app)


def test_an_empty_corpus_sends_one_to_add_documents(open_page: Open, corpus: CorpusRow) -> None:
    app = open_page("chat", corpus=corpus.id)
    assert "Add some first, then ask" in words(app)
    assert app.chat_input[0].disabled


def test_a_question_is_answered_and_kept(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    app = open_page("chat", corpus=indexed.id)
    app.chat_input[0].set_value("How much notice must the tenant give?").run()
    assert not app.exception
    (talk,) = workspace.conversations.list(indexed.id)
    assert app.query_params["conversation"] == str(talk.id)
    finished(app)
    question, answer = workspace.conversations.messages(talk.id)
    assert question.text == "How much notice must the tenant give?"
    assert answer.status == "done"
    assert "".join(part["text"] for part in shown(app)["parts"]) == answer.text
    assert open_page("chat", corpus=indexed.id, conversation=talk.id).text[0].value == question.text


def test_sentences_show_their_source_or_that_they_have_none(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    answer = answered(workspace, indexed)
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    data = shown(app)
    kinds = [(part["text"].strip(), part["kind"], part["number"]) for part in data["parts"] if part["text"].strip()]
    assert kinds == [("The notice is six months.", "supported", 1), ("It is long.", "unsupported", None)]
    assert data["sources"] == [{"number": 1, "where": "lease.md, page 1", "citation": 0}]
    assert "scripted · nothing found · 0.6 s to first word" in words(app)


def test_what_a_check_found_stands_below_the_answer_and_what_passed_among_its_facts(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    found = {
        "carried": ["cited", "figures"],
        "found": [{"check": "figures", "said": "40 mg is ![x](http://e.example)"}],
    }
    answer = answered(workspace, indexed, context={"checks": found})
    said = words(open_page("chat", corpus=indexed.id, conversation=answer.conversation_id))
    assert "Check: 40 mg is ![x](http" in said
    assert "passed" not in said
    answer = answered(workspace, indexed, context={"checks": found | {"found": []}})
    said = words(open_page("chat", corpus=indexed.id, conversation=answer.conversation_id))
    assert "2 checks passed" in said
    assert "Check:" not in said


def test_a_conversation_of_several_answers_shows_them_all(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    talk = workspace.conversations.create(indexed.id)
    for number in range(45):
        workspace.conversations.add_question(talk.id, f"Question {number}?")
        answer = workspace.conversations.begin_answer(talk.id, "rag")
        workspace.conversations.finish_answer(answer.id, f"Answer {number}.")
    app = open_page("chat", corpus=indexed.id, conversation=talk.id)
    assert not app.exception
    assert [text.value for text in app.text][-1] == "Question 44?"
    before = len(app.text)
    next(button for button in app.button if button.label == "Show earlier messages").click().run()
    assert len(app.text) == 2 * before


def test_a_quotation_is_told_from_what_the_base_model_wrote(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    answer = answered(workspace, indexed, quoted_until=25)
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    assert [part["quoted"] for part in shown(app)["parts"]] == [True, False, False]
    assert "no model wrote this" not in words(app)


def test_an_answer_that_is_a_quotation_alone_names_no_base_model(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    answer = answered(workspace, indexed, quoted_until=len(answered(workspace, indexed).text))
    said = words(open_page("chat", corpus=indexed.id, conversation=answer.conversation_id))
    assert "Quoted: no model wrote this · nothing found" in said
    assert "scripted" not in said


def test_pressing_a_citation_opens_its_page(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    answer = answered(workspace, indexed)
    (cited, _) = workspace.conversations.citations(answer.id)
    query = {"document": cited.document_id, "page": 1, "mark": f"{cited.quote_start}-{cited.quote_end}"}
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id, **query)
    (page,) = [each for each in app.get("bidi_component") if "page" in each.proto.component_name]
    assert ["six months", "current"] in json.loads(page.proto.json)["runs"]


def test_a_refused_answer_is_calm_and_shows_what_came_closest(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    answer = answered(workspace, indexed, refused=True, text="Not in the documents.", citations=[])
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    assert shown(app)["refused"]
    assert not app.error


def test_an_answer_that_failed_says_so(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    answer = answered(workspace, indexed, status="failed", text="", citations=[], error="The engine stopped working.")
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    assert "The engine stopped working." in words(app)


def test_an_answer_cut_off_by_a_restart_says_so(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    answer = answered(workspace, indexed, status="interrupted", text="The notice", citations=[])
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    assert "The server went away in mid-answer" in words(app)


def test_thumbs_and_a_better_answer_are_stored(open_page: Open, workspace: Workspace, indexed: CorpusRow) -> None:
    answer = answered(workspace, indexed)
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    app.feedback(key=f"thumbs-{answer.id}").set_value(1).run()
    assert not app.exception
    given = workspace.conversations.feedback(answer.id)
    assert given is not None
    assert given.verdict == "up"


def test_a_conversation_of_another_corpus_is_not_shown(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    answer = answered(workspace, indexed)
    other = intake.create_corpus(workspace, "Other", "legal")
    app = open_page("chat", corpus=other.id, conversation=answer.conversation_id)
    assert not app.exception
    assert not app.text
    assert "conversation" not in app.query_params


def test_a_new_conversation_begins_empty_and_the_old_one_is_a_click_away(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    answer = answered(workspace, indexed)
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id)
    next(button for button in app.button if button.label == "New conversation").click().run()
    assert "Ask your documents" in words(app)
    app.button(key=f"talk-{answer.conversation_id}").click().run()
    assert app.text[0].value == "What is the *notice*?"


def test_a_question_to_a_corpus_deleted_meanwhile_is_answered_with_the_reason(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    app = open_page("chat", corpus=indexed.id)
    intake.delete_corpus(workspace, indexed.id)
    app.chat_input[0].set_value("Anything?").run()
    assert not app.exception
    assert app.error[0].title.replace("\\", "") == "It is not there any more."


def test_the_quotes_of_an_answer_are_gone_through_one_by_one(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    answer = answered(workspace, indexed)
    (document,) = workspace.corpora.documents(indexed.id)
    rent = workspace.corpora.page(document.id, 1).text.index("2,400 pounds")
    (first, _) = workspace.conversations.citations(answer.id)
    second = CitationRow(26, 37, 2, document.id, 1, rent, rent + 12, 0.9)
    answer = answered(workspace, indexed, citations=[first, second])
    query = {"document": document.id, "page": 1, "mark": f"{first.quote_start}-{first.quote_end}", "answer": answer.id}
    app = open_page("chat", corpus=indexed.id, conversation=answer.conversation_id, **query)
    assert "1 of 2" in words(app)
    assert app.button(key="quotes-chevron_left").disabled
    app.button(key="quotes-chevron_right").click().run()
    assert not app.exception
    assert "2 of 2" in words(app)
    assert app.query_params["mark"] == f"{rent}-{rent + 12}"
    copied = [json.loads(each.proto.json) for each in app.get("bidi_component") if "copy" in each.proto.component_name]
    assert [each["text"] for each in copied if "text" in each] == ["“2,400 pounds” (lease.md, page 1)"]


def test_a_quote_that_was_edited_is_copied_as_it_was_quoted_and_says_so(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    (document,) = workspace.corpora.documents(indexed.id)
    *_, chunk = workspace.corpora.chunks(document.id)
    inside = workspace.corpora.page(document.id, 1).text.index("2,400 pounds", chunk.start)
    editing.edit(workspace, chunk.id, "The rent is 2,600 pounds\na month.")
    for mark, copied in (
        ((chunk.start, chunk.end), "“The rent is 2,600 pounds a month.” (lease.md, page 1, edited)"),
        ((inside, inside + 12), "“2,400 pounds” (lease.md, page 1)"),
    ):
        app = open_page("chat", corpus=indexed.id, document=document.id, page=1, mark=f"{mark[0]}-{mark[1]}")
        assert not app.exception
        assert "edited by you; searched and quoted as: The rent is 2,600 pounds a month." in words(app)
        parts = [
            json.loads(each.proto.json) for each in app.get("bidi_component") if "copy" in each.proto.component_name
        ]
        assert [each["text"] for each in parts] == [copied]
