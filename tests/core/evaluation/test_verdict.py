"""What the verdict says for figures that are known, and that its intervals hold what they promise."""

from dataclasses import replace

import numpy as np

from core.evaluation.considerations import TOPICS, consider
from core.evaluation.saying import Facts
from core.evaluation.summary import Interval, Outcome, Summary, summarise
from core.evaluation.verdict import Verdict, decide, questions_to_tell

TRAINED = Facts(examples=240, minutes={"hybrid": 12.0, "finetuned": 9.0}, behind={"finetuned": 6})


def measured(questions: int, spread: float = 0.1, seconds: float = 1.1, **means: float) -> Summary:
    """Scores of each mode around a mean, with noise of their own."""
    draw = np.random.default_rng(3)
    return summarise(
        Outcome(f"q{n}", mode, {"token_f1": float(draw.normal(mean, spread))}, seconds if mode == "hybrid" else 1.0)
        for mode, mean in means.items()
        for n in range(questions)
    )


def said(summary: Summary, facts: Facts = TRAINED, **answers: str) -> Verdict:
    return decide(summary, facts, consider({}, answers))


def test_before_any_training_it_says_to_start_with_retrieval_and_how_much_is_missing() -> None:
    found = said(summarise([]), Facts(examples=40))
    assert (found.mode, found.measured) == ("rag", "nothing")
    assert found.headline == "Start with retrieval: you have 40 examples; fine-tuning needs about 200."


def test_a_mode_that_surely_wins_is_named_with_its_interval_and_its_cost() -> None:
    found = said(measured(100, rag=0.3, hybrid=0.5))
    assert (found.mode, found.measured, found.more_questions) == ("hybrid", "better", None)
    assert found.headline.startswith("Use hybrid: +2")
    assert "points over retrieval (95 %: +19 to +25, 100 questions)" in found.headline
    assert "at 1.1x the time" in found.headline
    assert "Training hybrid took 12 minutes." in found.phrases


def test_a_small_difference_that_is_known_well_means_that_retrieval_is_enough() -> None:
    found = said(measured(400, rag=0.4, hybrid=0.4))
    assert (found.mode, found.measured) == ("rag", "enough")
    assert found.headline.startswith("Retrieval is enough: hybrid")


def test_a_difference_that_chance_could_make_asks_for_more_questions() -> None:
    found = said(measured(12, spread=0.3, rag=0.4, hybrid=0.5))
    assert (found.mode, found.measured) == ("rag", "unclear")
    assert found.more_questions is not None
    assert f"about {found.more_questions} more questions would tell" in found.headline


def test_a_gain_that_is_sure_but_too_little_to_train_for_means_that_retrieval_is_enough() -> None:
    found = said(measured(900, spread=0.05, rag=0.4, hybrid=0.41))
    assert (found.mode, found.measured) == ("rag", "enough")
    assert "sure but too little to train for" in found.headline


def test_a_mode_that_is_surely_worse_is_never_recommended_whatever_the_answers() -> None:
    answers = {"change": "hardly ever", "style": "very", "means": "plenty", "custom": "very much"}
    found = said(measured(100, rag=0.5, finetuned=0.1), **answers)
    assert found.points["finetuned"] > found.points["rag"]
    assert found.mode == "rag"
    assert "Your answers speak most for fine-tuned, but its answers are surely worse than retrieval's." in found.phrases


def test_before_anything_is_measured_the_answers_say_what_to_try() -> None:
    answers = {"style": "very", "means": "plenty", "custom": "very much"}
    found = said(summarise([]), Facts(examples=240), **answers)
    assert found.mode == "rag"
    assert found.phrases[-1].startswith("Your answers to the five questions speak for hybrid (+")
    assert found.phrases[-1].endswith("train it, then evaluate.")
    assert not said(summarise([]), Facts(examples=240), change="often").phrases[-1].startswith("Your answers")


def test_a_winner_is_held_against_quoting_which_takes_no_model() -> None:
    found = said(measured(100, rag=0.3, hybrid=0.5, quote=0.5))
    assert found.mode == "hybrid"
    assert any(
        phrase.startswith("Hybrid against quoting") and "no difference is sure" in phrase for phrase in found.phrases
    )
    found = said(measured(100, rag=0.3, hybrid=0.5, quote=0.9))
    assert any(phrase.startswith("Hybrid against quoting") and "surely better" in phrase for phrase in found.phrases)


def test_a_winner_that_answers_what_it_should_decline_is_told_on() -> None:
    def outcomes(declines: float) -> Summary:
        answered = [
            Outcome(f"q{n}", mode, {"token_f1": score, "wrong_refusal": 0.0})
            for mode, score in (("rag", 0.3), ("hybrid", 0.6))
            for n in range(40)
        ]
        not_there = [
            Outcome(f"u{n}", mode, {"right_refusal": share})
            for mode, share in (("rag", 1.0), ("hybrid", declines))
            for n in range(20)
        ]
        return summarise([*answered, *not_there])

    told = said(outcomes(0.0)).phrases
    assert "Declined of the questions that the documents do not answer: retrieval 20 of 20, hybrid 0 of 20." in told
    assert any("surely answers more of what the documents do not hold" in phrase for phrase in told)
    assert not any("surely answers more" in phrase for phrase in said(outcomes(1.0)).phrases)


def test_what_changed_since_the_scores_were_taken_is_said() -> None:
    changed = Facts(examples=240, minutes={"hybrid": 12.0}, changed=("documents", "the base model", "the adapters"))
    found = said(measured(50, rag=0.3, hybrid=0.5), changed)
    assert found.limits[0].startswith("Since this was measured documents, the base model and the adapters changed")


def choosing(chosen: float, others: int = 0) -> Summary:
    """Forty questions of yes, no or maybe, of which hybrid has that share right and retrieval none, and some others."""
    return summarise(
        Outcome(
            f"q{n}", mode, {"token_f1": 0.3} | ({"choice": float(n < right * 40)} if n < 40 else {}), 1.0
        )
        for mode, right in (("rag", 0.0), ("hybrid", chosen))
        for n in range(40 + others)
    )  # fmt: skip


def test_right_choices_that_token_f1_does_not_see_are_told_beside_it() -> None:
    told = said(choosing(0.75, others=60), replace(TRAINED, commonest=("yes", 0.55))).phrases
    words = (
        "of the 40 questions to be answered by yes, no or maybe hybrid has 75 in 100 right, +75 points over retrieval"
    )
    assert sum(words in phrase for phrase in told) == 1
    assert any("always saying yes would be right 55 of 100 times" in phrase for phrase in told)
    assert not any("yes, no or maybe" in phrase for phrase in said(choosing(0.0, others=60)).phrases)


def test_where_most_questions_ask_for_yes_or_no_saying_the_right_one_decides() -> None:
    found = said(choosing(0.9), replace(TRAINED, commonest=("yes", 0.55)))
    assert (found.mode, found.measured) == ("hybrid", "better")
    assert found.headline.startswith("Use hybrid: +90 points over retrieval")
    assert any("always saying yes would be right 55 of 100 times" in phrase for phrase in found.phrases)
    assert any("What decides is the yes, no or maybe" in limit for limit in found.limits)


def test_a_mode_that_is_no_surer_than_always_giving_the_commonest_answer_is_not_recommended() -> None:
    found = said(choosing(0.6), replace(TRAINED, commonest=("yes", 0.55)))
    assert (found.mode, found.measured, found.more_questions) == ("rag", "unclear", None)
    assert "and always saying yes would be right 55 of 100 times, which is not surely less" in found.headline


def test_fewer_than_eight_questions_never_decide_however_large_the_difference() -> None:
    found = said(measured(5, spread=0.01, rag=0.1, hybrid=0.9))
    assert (found.mode, found.measured, found.more_questions) == ("rag", "unclear", 3)


def test_a_stale_adapter_is_said_to_miss_what_changed() -> None:
    found = said(measured(50, rag=0.3, finetuned=0.2, hybrid=0.5))
    assert any("Fine-tuned misses what changed in 6 documents" in phrase for phrase in found.phrases)


def test_answers_to_the_questions_are_weighed_openly_and_can_outweigh_scores() -> None:
    scores = measured(100, rag=0.3, finetuned=0.5)
    assert said(scores).mode == "finetuned"
    found = said(scores, change="often", freshness="very")
    assert found.mode == "rag"
    assert found.headline.startswith("Use retrieval: your answers to the five questions weigh more than the scores")
    assert found.points == {"rag": 2, "hybrid": 2, "finetuned": -1}
    assert next(each.moved for each in found.considered if each.answer) == "+1 rag, +1 hybrid, -2 finetuned"


def test_what_a_person_says_replaces_what_was_measured_and_the_evidence_stays() -> None:
    found = consider({"change": ("often", "9 of 10 documents changed.")}, {"change": "hardly ever"})[0]
    assert (found.answer, found.measured, found.evidence) == ("hardly ever", "often", "9 of 10 documents changed.")
    assert len(TOPICS) == 5


def test_leaked_gold_questions_make_the_scores_worthless_and_it_says_so() -> None:
    found = said(measured(50, rag=0.3, hybrid=0.5), Facts(examples=240, leaks=4))
    assert "not to be trusted" in found.limits[0]


def test_a_summary_survives_being_stored() -> None:
    summary = measured(20, rag=0.3, hybrid=0.5)
    assert Summary.of_json(summary.json()) == summary


def test_the_number_of_further_questions_follows_from_the_spread() -> None:
    # (2.8 * 0.4 / 0.1)^2 is 125.6 questions, of which 25 were asked
    found = Interval(mean=0.1, low=-0.05, high=0.25, n=25, sd=0.4)
    assert questions_to_tell(found) == 110
