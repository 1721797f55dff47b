"""Gold questions are kept once a corpus, changed, found and deleted with their corpus."""

from pathlib import Path

import pytest

from storage.corpora import Corpora
from storage.database import Database
from storage.documents import Documents
from storage.errors import Exists, NotFound
from storage.files import Files
from storage.gold import GoldDraft, GoldQuestions
from storage.lexical import lexical

RENT = GoldDraft("What is the rent?", "2,400 pounds", documents=("lease.md",), page=1, evidence="The rent is 2,400")


@pytest.fixture
def corpus(database: Database) -> int:
    return Corpora(database).create("leases", "legal").id


@pytest.fixture
def gold(database: Database) -> GoldQuestions:
    return GoldQuestions(database)


def test_a_question_comes_back_as_it_was_added(gold: GoldQuestions, corpus: int) -> None:
    added = gold.add(corpus, RENT)
    assert gold.list(corpus) == [added]
    assert (added.documents, added.page, added.evidence, added.origin) == (["lease.md"], 1, RENT.evidence, "written")
    assert added.answerable


def test_the_same_question_is_kept_once(gold: GoldQuestions, corpus: int) -> None:
    gold.add(corpus, RENT)
    with pytest.raises(Exists):
        gold.add(corpus, GoldDraft("what is  the RENT?"))
    added = gold.add_many(corpus, [RENT, GoldDraft("Who pays?", origin="upload"), GoldDraft("Who pays?")])
    assert [row.question for row in added] == ["Who pays?"]
    assert gold.count(corpus) == 2


def test_another_corpus_may_have_the_same_question(gold: GoldQuestions, corpus: int, database: Database) -> None:
    gold.add(corpus, RENT)
    gold.add(Corpora(database).create("others", "legal").id, RENT)
    assert gold.count(corpus) == 1


def test_questions_are_found_by_words_and_origin_and_paged(gold: GoldQuestions, corpus: int) -> None:
    drafts = [GoldDraft(f"Question {n}?", "100 %" if n == 3 else "", origin="sample") for n in range(5)]
    gold.add_many(corpus, [*drafts, RENT])
    assert [row.question for row in gold.list(corpus, search="100 %")] == ["Question 3?"]
    assert gold.count(corpus, origin="sample") == 5
    assert [row.question for row in gold.list(corpus, offset=1, limit=2)] == ["Question 1?", "Question 2?"]


def test_a_question_is_changed_but_not_into_another_one(gold: GoldQuestions, corpus: int) -> None:
    first, second = gold.add(corpus, RENT), gold.add(corpus, GoldDraft("Who pays?"))
    changed = gold.update(first.id, answer="2,500 pounds", documents=("a.md", "b.md"))
    assert (changed.answer, changed.documents, changed.question) == ("2,500 pounds", ["a.md", "b.md"], RENT.question)
    with pytest.raises(Exists):
        gold.update(second.id, question="What is the rent?")
    gold.delete([first.id, 4711])
    assert [row.id for row in gold.list(corpus)] == [second.id]
    with pytest.raises(NotFound):
        gold.update(first.id, answer="x")


def test_gold_questions_go_with_their_corpus(
    gold: GoldQuestions, corpus: int, database: Database, tmp_path: Path
) -> None:
    gold.add(corpus, RENT)
    Documents(database, lexical(database), Files(tmp_path / "files")).delete_corpus(corpus)
    assert gold.count(corpus) == 0
    with pytest.raises(NotFound):
        gold.add(corpus, RENT)
