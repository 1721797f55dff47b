"""A conversation is a tree of which one path is shown."""

from pathlib import Path

import pytest

from storage.branches import siblings
from storage.conversations import Conversations
from storage.corpora import Corpora
from storage.database import Database
from storage.documents import Documents
from storage.files import Files
from storage.lexical import lexical


@pytest.fixture
def talks(database: Database) -> Conversations:
    return Conversations(database)


@pytest.fixture
def corpus(database: Database) -> int:
    return Corpora(database).create("contracts", "legal").id


def exchange(talks: Conversations, talk: int, question: str, answer: str, after: int | None = -1) -> tuple[int, int]:
    asked = talks.add_question(talk, question, after)
    answered = talks.begin_answer(talk, "rag", question_id=asked.id)
    talks.finish_answer(answered.id, answer)
    return asked.id, answered.id


def texts(talks: Conversations, talk: int) -> list[str]:
    return [message.text for message in talks.path(talk)]


def test_an_edited_question_begins_a_branch_and_the_old_one_stays(talks: Conversations, corpus: int) -> None:
    talk = talks.create(corpus).id
    _, first = exchange(talks, talk, "What is the rent?", "4,200.")
    old, _ = exchange(talks, talk, "And the deposit?", "None.")
    new, _ = exchange(talks, talk, "And the break?", "In May.", after=first)
    assert texts(talks, talk) == ["What is the rent?", "4,200.", "And the break?", "In May."]
    assert [each.id for each in siblings(talks.messages(talk), talks.message(new))] == [old, new]
    talks.show(old)
    assert texts(talks, talk)[2:] == ["And the deposit?", "None."]
    exchange(talks, talk, "Why?", "Because.")
    talks.show(new)
    talks.show(old)
    assert texts(talks, talk)[-1] == "Because."


def test_the_first_question_can_be_edited_too(talks: Conversations, corpus: int) -> None:
    talk = talks.create(corpus).id
    exchange(talks, talk, "What is the rent?", "4,200.")
    exchange(talks, talk, "What is the fee?", "10.", after=None)
    assert texts(talks, talk) == ["What is the fee?", "10."]


def test_a_second_answer_stands_beside_the_first(talks: Conversations, corpus: int) -> None:
    talk = talks.create(corpus).id
    asked, first = exchange(talks, talk, "What is the rent?", "4,200.")
    second = talks.begin_answer(talk, "base", question_id=asked).id
    talks.finish_answer(second, "4,300.")
    assert texts(talks, talk) == ["What is the rent?", "4,300."]
    talks.discard(first)
    assert [each.id for each in siblings(talks.messages(talk), talks.message(second))] == [second]


def test_an_answer_with_something_said_after_it_is_not_discarded(talks: Conversations, corpus: int) -> None:
    talk = talks.create(corpus).id
    _, first = exchange(talks, talk, "What is the rent?", "4,200.")
    exchange(talks, talk, "And the deposit?", "None.")
    talks.discard(first)
    assert len(texts(talks, talk)) == 4


def test_pinned_conversations_come_first(talks: Conversations, corpus: int) -> None:
    first, second = talks.create(corpus).id, talks.create(corpus).id
    talks.pin(first, True)
    assert [row.id for row in talks.list(corpus)] == [first, second]
    talks.pin(first, False)
    assert [row.id for row in talks.list(corpus)] == [second, first]


def test_words_of_questions_answers_and_titles_are_found(talks: Conversations, corpus: int) -> None:
    rent, fee = talks.create(corpus).id, talks.create(corpus).id
    exchange(talks, rent, "What is the yearly rent?", "It is 4,200 crowns, payable in advance.")
    exchange(talks, fee, "What is the fee?", "Ten pounds.")
    talks.rename(fee, "About crowns & thrones")
    found = {each.conversation.id: each for each in talks.search(corpus, "crown")}
    assert set(found) == {rent, fee}
    assert "crowns" in found[rent].excerpt
    assert found[fee].message_id is None
    assert [each.conversation.id for each in talks.search(corpus, "payable adv")] == [rent]
    assert talks.search(corpus, '"payable -') != []
    assert talks.search(corpus, "unheard") == talks.search(corpus + 1, "crown") == []
    assert talks.search(corpus, "%") == []


def test_what_was_deleted_is_not_found_and_leaves_no_words(
    talks: Conversations, database: Database, corpus: int, tmp_path: Path
) -> None:
    talk = talks.create(corpus).id
    exchange(talks, talk, "Who is Zebedee?", "Zebedee is the lessee.")
    talks.delete(talk)
    assert talks.search(corpus, "Zebedee") == []
    other = talks.create(corpus).id
    exchange(talks, other, "Who is Florence?", "Florence is the lessor.")
    Documents(database, lexical(database), Files(tmp_path / "files")).delete_corpus(corpus)
    database.close()
    content = b"".join(path.read_bytes() for path in tmp_path.glob("rows.db*"))
    assert b"zebedee" not in content.lower()
    assert b"florence" not in content.lower()


def test_a_hidden_corpus_stands_in_no_list(database: Database, corpus: int) -> None:
    corpora = Corpora(database)
    hidden = corpora.create("files", "legal", hidden=True)
    assert [row.id for row in corpora.list()] == [corpus]
    assert [row.id for row in corpora.list(hidden=True)] == [hidden.id]
    assert corpora.by_name("files") is None
