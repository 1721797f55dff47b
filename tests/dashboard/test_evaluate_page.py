"""The evaluate page takes gold questions, runs an evaluation, shows its scores and answers, and gives a verdict."""

import json
import re
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.evaluation import html, running
from core.evaluation.questions import of_rows
from core.evaluation.report import report
from core.generation import catalogue
from core.generation.catalogue import Described
from core.generation.scripted import ScriptedChat
from core.jobs.lease import Paused
from core.workspace import Workspace
from storage.examples import ExampleDraft
from storage.gold import GoldDraft
from storage.rows import CorpusRow
from tests.core.evaluation.test_held_out import ASKED, accepted, reject, trained
from tests.core.generation.openai_server import KEY, serving
from tests.dashboard.conftest import words

Open = Callable[..., AppTest]
GOLD = [
    GoldDraft("What is the rent?", "2,400 pounds a month", documents=["lease.md"]),
    GoldDraft("When may the tenant leave?", "On 1 March 2027", documents=["lease.md"]),
    GoldDraft("Who won the <b>league</b>?", answerable=False),
]


@pytest.fixture
def asked(workspace: Workspace, indexed: CorpusRow) -> CorpusRow:
    workspace.gold.add_many(indexed.id, GOLD)
    return indexed


@pytest.fixture
def evaluated(workspace: Workspace, asked: CorpusRow) -> CorpusRow:
    running.start(workspace, asked.id, of_rows(workspace.gold.list(asked.id)), ["base", "quote", "rag"])
    done = workspace.dispatcher.run_one()
    assert done is not None
    assert done.status == "done"
    return asked


def test_without_questions_it_says_what_they_are_and_still_gives_a_verdict(open_page: Open, corpus: CorpusRow) -> None:
    app = open_page("evaluate", corpus=corpus.id)
    assert not app.exception
    assert "No gold questions yet" in words(app)
    assert "Start with retrieval: you have 0 examples; fine-tuning needs about 200." in words(app)


def test_a_file_of_questions_is_read_its_bad_row_named_and_the_rest_added(
    open_page: Open, workspace: Workspace, corpus: CorpusRow
) -> None:
    app = open_page("evaluate", corpus=corpus.id)
    lines = [
        {"id": "a", "question": "How much?", "answer": "5"},
        {"question": "Who?", "answer": None},
        {"question": "?"},
    ]
    app.file_uploader[0].upload("gold.jsonl", "\n".join(map(json.dumps, lines)).encode())
    app.run()
    assert "Row 3 is left out: there is no answer" in words(app)
    next(button for button in app.button if button.label == "Add 2 questions").click().run()
    assert not app.exception
    assert [(row.question, row.answerable) for row in workspace.gold.list(corpus.id)] == [
        ("How much?", True),
        ("Who?", False),
    ]
    assert "2 gold questions added" in words(app)


def test_a_file_that_holds_no_question_is_one_line(open_page: Open, corpus: CorpusRow) -> None:
    app = open_page("evaluate", corpus=corpus.id)
    app.file_uploader[0].upload("gold.csv", b"a,b\n1,2\n")
    app.run()
    assert not app.exception
    assert "holds no gold question" in words(app)


def test_starting_queues_one_job_that_can_be_cancelled(open_page: Open, workspace: Workspace, asked: CorpusRow) -> None:
    app = open_page("evaluate", corpus=asked.id)
    assert "9 answers, about 4 seconds (rough: not measured yet)" in words(app)
    assert "Hybrid is left out. This corpus has no promoted grounded adapter yet" in words(app)
    next(button for button in app.button if button.label == "Start evaluation").click().run()
    assert not app.exception
    (row,) = workspace.evaluations.list(asked.id)
    assert row.modes == ["base", "quote", "rag"]
    assert app.get("progress")
    app.button(key=f"job-cancel-{row.job_id}").click().run()
    done = workspace.dispatcher.run_one()
    assert done is not None
    assert done.status == "cancelled"


def test_scores_answers_and_the_verdict_are_shown(open_page: Open, workspace: Workspace, evaluated: CorpusRow) -> None:
    app = open_page("evaluate", corpus=evaluated.id)
    assert not app.exception
    said = words(app)
    assert "Retrieval scores" in said
    assert "Token F1 by mode" in said
    assert "3 questions answered of 3" in said
    opened = [expander.label.replace("\\", "") for expander in app.expander]
    assert any(label.startswith("What is the rent?") and "Quote" in label for label in opened)
    (row,) = workspace.evaluations.list(evaluated.id)
    app.session_state[f"asked-{row.id}-2"] = True
    assert "The documents do not hold the answer" in words(app.run())
    # What the next run will cost, by this one.
    assert re.search(r"9 answers, about \d+ seconds? \(measured here\), less what is taken over", said)


def test_what_has_come_is_shown_while_the_rest_is_asked(
    open_page: Open, workspace: Workspace, asked: CorpusRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = running.start(workspace, asked.id, of_rows(workspace.gold.list(asked.id)), ["quote", "rag"])
    keep, kept = workspace.evaluations.keep, []

    def keep_and_pause(*given: object) -> None:
        keep(*given)  # type: ignore[arg-type]
        kept.append(given)
        if len(kept) == 4:
            raise Paused

    monkeypatch.setattr(workspace.evaluations, "keep", keep_and_pause)
    job = workspace.dispatcher.run_one()
    assert job is not None
    assert job.status == "paused"
    app = open_page("evaluate", corpus=asked.id)
    assert not app.exception
    said = words(app)
    assert "So far: intervals narrow as answers come" in said
    assert "Token F1 by mode" in said
    assert workspace.evaluations.get(row.id).summary == {}


def test_scores_are_shown_in_parts_where_there_are_several(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    asked = [
        f"{begins} {number}?" for begins in ("How much is the rent of flat", "When ends lease") for number in range(3)
    ]
    workspace.gold.add_many(indexed.id, [GoldDraft(each, "2,400", documents=["lease.md"]) for each in asked])
    running.start(workspace, indexed.id, of_rows(workspace.gold.list(indexed.id)), ["quote"])
    workspace.dispatcher.run_one()
    app = open_page("evaluate", corpus=indexed.id)
    assert not app.exception
    (row,) = workspace.evaluations.list(indexed.id)
    (choice,) = [each for each in app.segmented_control if each.key == f"parts-{row.id}"]
    assert choice.options == ["Kind of question"]  # there is but one document
    assert "Parts of fewer than 3 questions are left out" in words(app)
    page = html.page(report(workspace, row))
    assert "<h2>Token F1 by kind of question</h2>" in page
    assert "<td>how much<td>3<td>" in page


def test_an_answer_to_the_five_questions_is_kept_and_shows_what_it_moved(
    open_page: Open, workspace: Workspace, evaluated: CorpusRow
) -> None:
    app = open_page("evaluate", corpus=evaluated.id)
    app.button_group(key=f"topic-{evaluated.id}-freshness-").set_value("very").run()
    assert not app.exception
    assert workspace.evaluations.considerations(evaluated.id) == {"freshness": "very"}
    assert "Moves: +1 rag, +1 hybrid, -2 finetuned" in words(app)


def test_a_training_example_that_asks_a_gold_question_is_said_to_be_left_out(
    open_page: Open, workspace: Workspace, asked: CorpusRow
) -> None:
    workspace.examples.add(asked.id, [ExampleDraft("What is the rent", "2,400 pounds.", "lease.md")])
    app = open_page("evaluate", corpus=asked.id)
    assert "1 training example asks what a gold question asks, of 1 that are accepted" in words(app)
    assert "not to be trusted" not in words(app)


def test_the_page_proves_what_was_held_out_of_each_adapter_and_says_what_nobody_knows(
    open_page: Open, workspace: Workspace, asked: CorpusRow
) -> None:
    accepted(workspace, asked.id, ASKED)
    trained(workspace, asked.id)
    assert "Held out of grounded v1: none of the 12 examples that it was trained with asks" in shown(open_page, asked)
    workspace.gold.add(asked.id, GoldDraft(ASKED[3], "Six months"))
    reject(workspace, asked.id, ASKED[3])
    said = shown(open_page, asked)
    assert "1 training example asks what a gold question asks, and an adapter that serves was trained with it" in said
    assert "Held out: none of the 11 accepted examples asks a gold question" in said
    assert "Held out of grounded v1" not in said
    (row,) = workspace.adapters.list(asked.id)
    workspace.adapters.change(row.id, result={"imported": True})
    assert "Not known of grounded v1 whether the gold questions were held out: it was imported" in shown(
        open_page, asked
    )


def shown(open_page: Open, corpus: CorpusRow) -> str:
    """What the page says of a corpus now."""
    app = open_page("evaluate", corpus=corpus.id)
    assert not app.exception
    return words(app)


def test_the_html_report_is_whole_and_nothing_in_it_is_markup_of_others(
    workspace: Workspace, evaluated: CorpusRow
) -> None:
    (row,) = workspace.evaluations.list(evaluated.id)
    page = html.page(report(workspace, row))
    assert "Token F1 by mode" in page
    assert "2,400 pounds" in page
    assert "Who won the &lt;b&gt;league&lt;/b&gt;?" in page
    assert "<b>league" not in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_an_earlier_run_is_compared_when_it_is_chosen(
    open_page: Open, workspace: Workspace, evaluated: CorpusRow
) -> None:
    (earlier,) = workspace.evaluations.list(evaluated.id)
    row = running.start(workspace, evaluated.id, of_rows(workspace.gold.list(evaluated.id))[:1], ["quote"])
    workspace.dispatcher.run_one()
    app = open_page("evaluate", corpus=evaluated.id)
    app.selectbox(key=f"compare-{row.id}").select(earlier.id).run()
    assert not app.exception
    assert "+0 points of Token F1 (95 %: " in words(app)
    assert "on 1 question that both asked" in words(app)
    assert "Not the same in both: " in words(app)


def test_what_got_better_and_worse_is_shown_question_by_question_with_its_amount_by_any_measure(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    asked = [GoldDraft(f"Which <b>deposit</b> has flat {n}?", f"{n} pounds and {n} pence") for n in range(8)]
    workspace.gold.add_many(indexed.id, [*asked, GoldDraft("Who pays?", "The tenant")])
    golds = of_rows(workspace.gold.list(indexed.id))
    assert isinstance(workspace.engine, ScriptedChat)
    for answer in ("The tenant", "Seven pounds and some pence"):
        workspace.engine.answers = [answer]
        running.start(workspace, indexed.id, golds, ["base"], name=answer)
        workspace.dispatcher.run_one()
    now, before = workspace.evaluations.list(indexed.id)
    app = open_page("evaluate", corpus=indexed.id)
    app.selectbox(key=f"compare-{now.id}").select(before.id).run()
    key = f"{now.id}-{before.id}"
    opened = [each.label for each in app.expander]
    assert {"Better on 8 questions", "Worse on 1 question"} <= set(opened)
    assert not [each for each in app.table if {"Question", "Measure"} & set(each.value)]
    for word in ("Better", "Worse"):
        app.session_state[f"moved-{word}-{key}-base-token_f1"] = True
    app.session_state[f"compared-all-{key}"] = True
    app.run()
    assert not app.exception
    better, worse = (each.value for each in app.table if "Question" in each.value)
    (every,) = (each.value for each in app.table if "Measure" in each.value)
    assert list(worse.iloc[0]) == ["-100", "100", "0", "Who pays\\?"]
    assert len(better) == 8  # every one of them can be read
    assert {row["Change"] for _, row in better.iterrows()} == {"+60"}
    assert "Which \\<b\\>deposit" in better["Question"].iloc[0]
    assert "Seconds an answer (less is better)" in list(every["Measure"])
    app.selectbox(key=f"compared-by-{key}").select("seconds").run()
    assert not app.exception
    assert "seconds an answer (95 %: " in words(app)


def test_a_run_is_repeated_and_the_page_says_what_was_taken_over(
    open_page: Open, workspace: Workspace, evaluated: CorpusRow
) -> None:
    workspace.gold.add(evaluated.id, GoldDraft("How is the rent paid?", "On the first day", documents=["lease.md"]))
    app = open_page("evaluate", corpus=evaluated.id)
    assert "9 of 12 answers would come out as before" in words(app)
    (first,) = workspace.evaluations.list(evaluated.id)
    app.button(key=f"again-{first.id}").click().run()
    assert not app.exception
    workspace.dispatcher.run_one()
    app = open_page("evaluate", corpus=evaluated.id)
    assert "9 answers taken over from earlier runs" in words(app)
    assert "0 asked anew" in words(app)


def test_freshness_and_a_judge_are_asked_for_on_the_page_and_shown_there(
    open_page: Open, workspace: Workspace, asked: CorpusRow
) -> None:
    with serving(ScriptedChat(answers=["A"])) as server:
        judge = catalogue.add(workspace, Described("The <i>judge</i>", "endpoint", server.url, "tiny", key=KEY))
        app = open_page("evaluate", corpus=asked.id)
        assert app.toggle(key=f"forgetting-{asked.id}").disabled
        app.toggle(key=f"freshness-{asked.id}").set_value(True)
        app.selectbox(key=f"judge-{asked.id}").select(judge.id).run()
        assert not app.exception
        assert "1 fact will be asked as if one value had" in words(app)
        assert "About 6 requests to it" in words(app)
        assert any("Reply with one word: A, B or TIE." in str(each.value) for each in app.code)
        next(button for button in app.button if button.label == "Start evaluation").click().run()
        assert not app.exception
        workspace.dispatcher.run_one()
    app = open_page("evaluate", corpus=asked.id)
    assert not app.exception
    said = words(app)
    assert "Freshness: who noticed a change" in said
    assert "The <i>judge</i> judged 3 pairs of answers, each in both orders; 3 times it said something else" in said
    assert "No vote of people on this corpus to hold it against" in said
    (row,) = workspace.evaluations.list(asked.id)
    app.session_state[f"asked-{row.id}-0"] = True
    assert "Judge model: Retrieval and Base tie, swayed by their order" in words(app.run())
    assert "Quote gave" not in said
    assert "Retrieval gave the new value of" in said
