import pytest

import storage.conversations
from storage.comparisons import Comparisons
from storage.conversations import Conversations
from storage.corpora import Corpora
from storage.database import Database
from storage.errors import NotFound
from storage.rows import CitationRow, MessageRow, PassageRow
from storage.tables import Document, Page


@pytest.fixture
def corpus(database: Database) -> int:
    return Corpora(database).create("contracts", "legal").id


@pytest.fixture
def document(database: Database, corpus: int) -> int:
    with database.write() as session:
        row = Document(
            corpus_id=corpus, name="lease.pdf", title="Lease", content_sha256="0", size_bytes=1, status="ready"
        )
        session.add(row)
        session.flush()
        session.add(Page(document_id=row.id, number=2, label="Page ii", text="The rent is 4,200 euro."))
        return row.id


@pytest.fixture
def conversations(database: Database) -> Conversations:
    return Conversations(database)


def answered(conversations: Conversations, corpus: int, document: int) -> int:
    talk = conversations.create(corpus)
    conversations.add_question(talk.id, "What is the rent?")
    answer = conversations.begin_answer(talk.id, "rag", "model")
    conversations.finish_answer(
        answer.id,
        "It is 4,200 euro.",
        timings={"total_s": 1.5},
        passages=[PassageRow(1, document, 2, 4, 23, "Rent", 0.9, True)],
        citations=[
            CitationRow(0, 17, 1, document, 2, 12, 22, 0.8),
            CitationRow(18, 20, None, None, None, None, None, 0.1),
        ],
    )
    return answer.id


def test_an_answer_comes_back_with_the_words_it_stands_on(
    conversations: Conversations, corpus: int, document: int
) -> None:
    answer = answered(conversations, corpus, document)
    passage = conversations.passages(answer)[0]
    assert (passage.document, passage.title, passage.page_label) == ("lease.pdf", "Lease", "Page ii")
    assert passage.text == "rent is 4,200 euro."
    supported, unsupported = conversations.citations(answer)
    assert (supported.document, supported.quote) == ("lease.pdf", "4,200 euro")
    assert (unsupported.document_id, unsupported.quote) == (None, "")
    assert conversations.message(answer).timings == {"total_s": 1.5}


def test_deleting_a_document_takes_its_words_out_of_what_answers_stand_on(
    conversations: Conversations, database: Database, corpus: int, document: int
) -> None:
    answer = answered(conversations, corpus, document)
    with database.write() as session:
        session.delete(session.get(Document, document))
    passage, citation = conversations.passages(answer)[0], conversations.citations(answer)[0]
    assert (passage.document_id, passage.document, passage.text) == (None, "", "")
    assert (citation.document_id, citation.quote) == (None, "")


def test_an_answer_may_name_a_document_that_was_just_deleted(conversations: Conversations, corpus: int) -> None:
    answer = answered(conversations, corpus, document=4711)
    assert conversations.passages(answer)[0].document_id is None


def test_finishing_twice_keeps_the_last(conversations: Conversations, corpus: int, document: int) -> None:
    answer = answered(conversations, corpus, document)
    conversations.finish_answer(answer, "Stopped.", status="stopped")
    assert conversations.message(answer).status == "stopped"
    assert conversations.passages(answer) == conversations.citations(answer) == []


def test_what_had_arrived_of_an_answer_survives_an_interruption(conversations: Conversations, corpus: int) -> None:
    talk = conversations.create(corpus)
    answer = conversations.begin_answer(talk.id, "rag")
    conversations.write_partial(answer.id, "It is")
    assert conversations.mark_interrupted() == 1
    conversations.write_partial(answer.id, "It is too late")
    row = conversations.message(answer.id)
    assert (row.status, row.text) == ("interrupted", "It is")


def test_the_first_question_is_the_title_until_it_is_renamed(conversations: Conversations, corpus: int) -> None:
    talk = conversations.create(corpus)
    conversations.add_question(talk.id, "What  is\nthe rent?")
    conversations.add_question(talk.id, "And the notice?")
    assert conversations.get(talk.id).title == "What is the rent?"
    conversations.rename(talk.id, "Rent")
    assert conversations.get(talk.id).title == "Rent"


def test_the_conversation_used_last_comes_first(conversations: Conversations, corpus: int) -> None:
    first, second = conversations.create(corpus), conversations.create(corpus)
    conversations.add_question(first.id, "Once more?")
    assert [row.id for row in conversations.list(corpus)] == [first.id, second.id]


def test_panels_of_comparisons_take_no_place_among_the_conversations_found(
    database: Database, conversations: Conversations, corpus: int
) -> None:
    talk = conversations.create(corpus)
    conversations.add_question(talk.id, f"{'A question whose title does not hold the word. ' * 3} What is the tariff?")
    for _ in range(5):
        panels = Comparisons(database).begin(corpus, "tariff", [("rag", "", "")], blind=False).panels
        conversations.add_question(panels[0].conversation_id, "tariff tariff")
    assert [hit.conversation.id for hit in conversations.search(corpus, "tariff", limit=1)] == [talk.id]


def test_feedback_is_replaced_by_later_feedback(conversations: Conversations, corpus: int, document: int) -> None:
    answer = answered(conversations, corpus, document)
    assert conversations.feedback(answer) is None
    conversations.give_feedback(answer, "up")
    conversations.give_feedback(answer, "down", "It is 4,300 euro.")
    given = conversations.feedback(answer)
    assert given is not None
    assert (given.verdict, given.corrected_answer) == ("down", "It is 4,300 euro.")


def test_deleting_a_conversation_deletes_all_of_it(conversations: Conversations, corpus: int, document: int) -> None:
    answer = answered(conversations, corpus, document)
    conversations.give_feedback(answer, "up")
    conversations.delete(conversations.list(corpus)[0].id)
    assert conversations.list(corpus) == []
    assert conversations.passages(answer) == []
    assert conversations.feedback(answer) is None
    with pytest.raises(NotFound):
        conversations.message(answer)


def test_a_question_and_its_answer_begin_together_or_not_at_all(
    conversations: Conversations, corpus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = conversations.create(corpus).id
    asked, answer = conversations.ask(talk, "What is the rent?", "rag", "model", title="Rent")
    assert [each.id for each in conversations.path(talk)] == [asked.id, answer.id]
    assert (answer.status, answer.parent_id, conversations.get(talk).title) == ("streaming", asked.id, "Rent")
    with pytest.raises(NotFound):
        conversations.ask(talk, "And then?", "rag", after=999)
    real = storage.conversations._added
    calls = iter([real])  # the answer, which comes second, cannot be added

    def added(*given: object) -> MessageRow:
        return next(calls)(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(storage.conversations, "_added", added)
    with pytest.raises(StopIteration):
        conversations.ask(talk, "And then?", "rag")
    assert len(conversations.messages(talk)) == 2


def test_a_title_is_found_whatever_the_case_of_its_letters(conversations: Conversations, corpus: int) -> None:
    talk = conversations.create(corpus).id
    conversations.rename(talk, "Über Öl, Straße und ΑΘΗΝΑ")
    for wanted in ("über öl", "ÜBER", "strasse", "αθηνα", " Öl "):
        assert [each.conversation.id for each in conversations.search(corpus, wanted)] == [talk], wanted
    assert conversations.search(corpus, "%") == []
