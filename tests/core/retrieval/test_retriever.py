"""Retrieval over real rows, full text and vectors."""

import threading

import pytest
from library import Library
from sqlalchemy import delete, update

from core.retrieval.fusion import fuse
from storage.hits import Hit
from storage.tables import Document

LEASE = [["The tenant pays rent of 900 euros.", "A deposit of two months is held.", "Pets need consent."]]
BREAD = [["Knead flour, water and salt.", "Bake the loaf for forty minutes."], ["Let it cool on a rack."]]


def test_words_and_meaning_both_find(library: Library) -> None:
    corpus = library.corpus("c")
    library.add(corpus, "lease.pdf", LEASE)
    library.add(corpus, "bread.md", BREAD)
    by_words = library.retriever.search(corpus, "deposit months")[0]
    by_meaning = library.retriever.search(corpus, "May I keep a dog?")[0]
    assert by_words.document == by_meaning.document == "lease.pdf"
    assert by_words.lexical_rank == 1
    assert by_meaning.dense_rank == 1
    assert by_meaning.lexical_rank is None


def test_a_passage_is_a_slice_of_its_page(library: Library) -> None:
    corpus = library.corpus("c")
    library.add(corpus, "bread.md", BREAD, title="Bread")
    for passage in library.retriever.search(corpus, "bake and cool the loaf"):
        page = library.corpora.page(passage.document_id, passage.page)
        assert passage.text == page.text[passage.start : passage.end]
        assert passage.title == "Bread"


def test_neighbouring_chunks_are_one_passage_and_pages_are_two(library: Library) -> None:
    corpus = library.corpus("c")
    library.add(corpus, "bread.md", BREAD)
    passages = library.retriever.search(corpus, "knead flour, bake the loaf, cool it on a rack")
    assert sorted((passage.page, len(passage.chunk_ids)) for passage in passages) == [(1, 2), (2, 1)]
    assert [passage.rank for passage in passages] == [1, 2]


def test_the_document_whose_name_bears_the_number_asked_for_is_first(library: Library) -> None:
    corpus = library.corpus("c")
    library.add(corpus, "brio-20-manual.pdf", [["E3: the water tank of this machine is empty. Fill the tank."]])
    library.add(corpus, "brio-40-manual.pdf", [["E3: there is no water in the tank."]])
    question = "Does E3 on the Brio 40 say that the water tank of this machine is empty?"
    plain = library.retriever.passages(library.retriever.ranked(corpus, question), 2)
    assert [passage.document for passage in plain] == ["brio-20-manual.pdf", "brio-40-manual.pdf"]
    named = library.retriever.search(corpus, question, 2)
    assert [passage.document for passage in named] == ["brio-40-manual.pdf", "brio-20-manual.pdf"]


def test_other_corpora_are_never_found(library: Library) -> None:
    first, second = library.corpus("first"), library.corpus("second")
    library.add(first, "lease.pdf", LEASE)
    library.add(second, "bread.md", BREAD)
    assert {passage.document for passage in library.retriever.search(first, "bake a loaf of bread")} == {"lease.pdf"}


def test_the_rows_have_the_last_word(library: Library) -> None:
    corpus = library.corpus("c")
    lease = library.add(corpus, "lease.pdf", LEASE)
    bread = library.add(corpus, "bread.md", BREAD)
    with library.database.write() as session:
        session.execute(update(Document).where(Document.id == lease).values(status="embedding"))
        session.execute(delete(Document).where(Document.id == bread))
    assert library.retriever.search(corpus, "rent deposit loaf") == []


def test_the_first_passages_do_not_depend_on_how_many_are_wanted(library: Library) -> None:
    corpus = library.corpus("c")
    for number in range(8):
        library.add(corpus, f"{number}.md", [[f"Rule {number} is about rent.", "Nothing else."]])
    ten = library.retriever.search(corpus, "rent rule", 10)
    three = library.retriever.search(corpus, "rent rule", 3)
    assert [(p.document, p.text) for p in three] == [(p.document, p.text) for p in ten[:3]]


def test_an_empty_question_and_an_empty_corpus_find_nothing(library: Library) -> None:
    corpus = library.corpus("c")
    assert library.retriever.search(corpus, "anything") == []
    library.add(corpus, "lease.pdf", LEASE)
    assert library.retriever.search(corpus, "  ") == []
    assert library.retriever.search(corpus, "rent", 0) == []


def test_words_and_meaning_are_looked_up_at_the_same_time(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = library.corpus("c")
    library.add(corpus, "lease.pdf", LEASE)
    both = threading.Barrier(2, timeout=60)  # a look-up that the other one waits for would wait for it for ever

    def by_words(*_: object) -> list[Hit]:
        both.wait()
        return [Hit(1, 3.0)]

    def by_meaning(*_: object) -> list[Hit]:
        both.wait()
        return [Hit(1, 0.5), Hit(2, 0.25)]

    monkeypatch.setattr(library.lexical, "search", by_words)
    monkeypatch.setattr(library.vectors, "search", by_meaning)
    assert library.retriever.ranked(corpus, "rent") == fuse([(1, 3.0)], [(1, 0.5), (2, 0.25)])


@pytest.mark.parametrize("path", ["lexical", "vectors"])
def test_a_look_up_that_fails_fails_the_search(library: Library, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    corpus = library.corpus("c")
    library.add(corpus, "lease.pdf", LEASE)

    def fails(*_: object) -> list[Hit]:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(getattr(library, path), "search", fails)
    with pytest.raises(RuntimeError, match="the disk is gone"):
        library.retriever.search(corpus, "rent")
