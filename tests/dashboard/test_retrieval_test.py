"""The retrieval test shows what is found and why, and keeps a question as a gold one."""

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from core.ingestion import intake
from core.retrieval import labels
from core.retrieval.explaining import explain
from core.workspace import Workspace
from storage.rows import CorpusRow
from tests.dashboard.conftest import words

Open = Callable[..., AppTest]


def asking(open_page: Open, corpus: CorpusRow, question: str) -> AppTest:
    app = section(open_page, corpus, "Retrieval test")
    app.text_input(key=f"test-question-{corpus.id}").set_value(question)
    return next(button for button in app.button if button.label == "Test").click().run()


def section(open_page: Open, corpus: CorpusRow, name: str) -> AppTest:
    app = open_page("corpus", corpus=corpus.id)
    return app.segmented_control(key="corpus-section").set_value(name).run()


def test_an_empty_corpus_says_that_nothing_can_be_found(open_page: Open, corpus: CorpusRow) -> None:
    assert "Nothing can be found yet" in words(section(open_page, corpus, "Retrieval test"))


def test_a_question_shows_ranks_words_and_the_verdict(open_page: Open, indexed: CorpusRow) -> None:
    app = asking(open_page, indexed, "How much is the rent a month?")
    assert not app.exception
    said = words(app)
    assert "lease.md, page 1" in said
    assert "matched: **month**" in said or "matched: **rent**" in said
    assert "fused" in said
    assert "BM25" in said
    assert "cosine" in said
    assert "This question would be" in said


def test_a_word_that_is_nowhere_is_said_to_be(open_page: Open, indexed: CorpusRow) -> None:
    assert "giraffe (nowhere)" in words(asking(open_page, indexed, "Does the giraffe pay rent?"))


def test_a_tested_question_is_kept_with_its_place_and_only_once(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    app = asking(open_page, indexed, "How much is the rent a month?")
    next(box for box in app.selectbox if box.label == "Where the answer stands").select_index(0)
    app.text_area[0].set_value("2,400 pounds")
    next(button for button in app.button if button.label == "Save").click().run()
    (row,) = workspace.gold.list(indexed.id)
    assert (row.answer, row.documents, row.page, row.origin) == ("2,400 pounds", ["lease.md"], 1, "retrieval test")
    assert "2,400 pounds" in row.evidence
    next(button for button in app.button if button.label == "Save").click().run()
    assert "kept already" in words(app)
    assert workspace.gold.count(indexed.id) == 1


def test_nothing_is_chosen_beforehand_and_an_answer_that_is_nowhere_is_refused(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    app = asking(open_page, indexed, "How much is the rent a month?")
    place = next(box for box in app.selectbox if box.label == "Where the answer stands")
    assert place.value is None
    app.text_area[0].set_value("2,400 pounds")
    next(button for button in app.button if button.label == "Save").click().run()
    assert "Choose a place" in words(app)
    place = next(box for box in app.selectbox if box.label == "Where the answer stands")
    place.select_index(len(place.options) - 1)
    next(button for button in app.button if button.label == "Save").click().run()
    assert "or empty the answer" in words(app)
    assert app.text_area[0].value == "2,400 pounds"
    assert workspace.gold.count(indexed.id) == 0


def test_gold_questions_are_listed_and_deleted_after_asking(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    app = asking(open_page, indexed, "Is there a sauna?")
    place = next(box for box in app.selectbox if box.label == "Where the answer stands")
    place.select_index(len(place.options) - 1)
    next(button for button in app.button if button.label == "Save").click().run()
    (row,) = workspace.gold.list(indexed.id)
    assert not row.answerable
    app = section(open_page, indexed, "Gold questions")
    assert "Is there a sauna?" in words(app)
    app.button(key=f"delete-gold-{row.id}").click().run()
    next(button for button in app.button if button.label == "Delete question").click().run()
    assert workspace.gold.count(indexed.id) == 0


def test_without_gold_questions_the_section_says_how_to_get_some(open_page: Open, corpus: CorpusRow) -> None:
    assert "No gold questions yet" in words(section(open_page, corpus, "Gold questions"))


def test_a_sample_gets_its_questions_from_the_section(open_page: Open, workspace: Workspace) -> None:
    sample = intake.create_corpus(workspace, "Sample", "legal", sample=True)
    app = section(open_page, sample, "Gold questions")
    app.button(key="load-gold").click().run()
    assert "40 gold questions" in words(app)


def test_an_amendment_that_the_question_does_not_find_is_told_by_where_it_stands(
    open_page: Open, workspace: Workspace, corpus: CorpusRow
) -> None:
    shops = [
        (f"shop-{letter}.md", f"Shop {letter}: when a customer pays an invoice, we thank her.\n".encode())
        for letter in "abcdefghijklm"
    ]
    clause = b"4.2 The Customer shall pay each invoice within thirty days of the day it was received.\n"
    change = b'In clause 4.2 of the MSA, "thirty" is replaced by "forty-five".\n'
    files = [*shops, ("msa.md", clause), ("msa-amendment-1.md", change)]
    intake.add_files(workspace, corpus.id, files)
    workspace.dispatcher.run_one()
    said = words(asking(open_page, corpus, "Within how many days shall the Customer pay each invoice?"))
    assert "quoted: passage 1, msa-amendment-1.md, page 1, which changes it." in said


def test_what_a_row_counted_that_is_called_what_was_asked_is_shown(
    workspace: Workspace, corpus: CorpusRow, open_page: Open
) -> None:
    sheet = b"# Accounts of Norvane\n\n| Position | 2024 | 2025 |\n|---|---|---|\n| Inventories | 57,880 | 61,190 |\n"
    intake.add_files(workspace, corpus.id, [("accounts.md", sheet)])
    workspace.dispatcher.run_one()
    (first, *_) = explain(workspace, corpus.id, "How much inventory is there?").together
    assert (first.passage.document, first.row) == ("accounts.md", labels.WEIGHT)
    app = asking(open_page, corpus, "How much inventory is there?")
    assert "a row called so +0.50" in words(app)
