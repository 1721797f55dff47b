"""What a domain checks in an answer: sources, figures, and what is never to be said."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from core.assistants.amounts import Held, figures
from core.assistants.answer import Answer, Checks, Citation, ContextUse, Mode, Timings
from core.assistants.checking import checked
from core.domains import ORDER, ChecksPolicy, domain
from core.retrieval.passages import Passage

Make = Callable[..., Passage]
FIGURES = ChecksPolicy(figures=True)


def sentence(supported: bool) -> Citation:
    return Citation(0, 1, "A.", 1 if supported else None, None, "", None, "", "", None, None, 1.0)


@pytest.fixture
def lines(passage: Make) -> Callable[..., tuple[str, ...]]:
    def found(
        text: str,
        *texts: str,
        policy: ChecksPolicy = FIGURES,
        asked: str = "",
        mode: Mode = "rag",
        cited: Sequence[bool] = (),
        refused: bool = False,
        **facts: object,
    ) -> tuple[str, ...]:
        passages = tuple(passage(each, rank, **facts) for rank, each in enumerate(texts, 1))
        citations = tuple(map(sentence, cited))
        answer = Answer(text, mode, refused, passages, citations, Timings(), ContextUse(), "x")
        return checked(answer, policy, asked).checks.lines

    return found


Lines = Callable[..., tuple[str, ...]]


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ("The fee is 1,000 pounds.", "A fee of £1000 is due."),
        ("The fee is €5 million.", "EUR 5,000,000 was paid."),
        ("Notice is sixty days.", "with 60 days' written notice"),
        ("Notice is 24 hours.", "within twenty-four hours"),
        ("It costs 250 euros.", "two hundred and fifty euros"),
        ("Uptime is 99.5%.", "an uptime of 99.5 per cent"),
        ("Take 40mg.", "a dose of 40 mg once a day"),
        ("Take 5 micrograms.", "5 mcg"),
        ("It begins on March 3rd, 2025.", "commencing 3 March 2025"),
        ("It begins on 3 March 2025.", "Start: 2025-03-03"),
        ("It begins on 3 March 2025.", "Start: 03/03/2025"),
        ("It begins on 3 March 2025.", "In 2025 it begins on 3 March."),
        ("It ends in May 2027.", "| | April | May |\n| 2027 | 3 | 4 |"),
        ("Revenue was 12.4 million.", "| Revenue (millions) | 12.4 |"),
        ("The dose is 40 mg.", "| Dose (mg) | 40 |"),
        ("A loss of 12.", "Result (12)"),
        ("Fault F14 of the HC-3.", "The HC 3 shows F14."),
        ("- **12 500** units", "12\u00a0500 units"),
        ("1. Press it for 5 seconds [2].\n2. Wait.", "Hold the button for 5 s or 5 seconds."),
        ("There are two ways. It is one of them.", "Either way will do."),
    ],
)
def test_a_figure_that_is_written_in_another_way_is_in_the_source(said: str, source: str, lines: Lines) -> None:
    assert lines(said, source) == ()


@pytest.mark.parametrize(
    ("said", "source", "named"),
    [
        ("Take 40 mg.", "a dose of 20 mg", "40 mg is"),
        ("Take 40 mg.", "a clearance of 40 mL/min", "40 mg is"),
        ("It costs $500.", "a fee of £500", "$500 is"),
        ("Notice is 90 days.", "with sixty days' written notice", "90 days is"),
        ("Notice is ninety days.", "with sixty days' written notice", "ninety days is"),
        ("Uptime is 98.9%.", "an uptime of 99.5%", "98.9% is"),
        ("Revenue was 12.4 billion.", "12.4 million", "12.4 billion is"),
        ("It ends on 4 March 2025.", "ending 3 March 2025", "4 March 2025 is"),
        ("It ends on 3 March 2026.", "ending 3 March 2025", "3 March 2026 is"),
        ("It ends in May 2027.", "ending June 2027", "May 2027 is"),
        ("Fault F1 of it.", "Fault F14", "F1 is"),
        ("Take 40 mg, then 80 mg.", "a dose of 20 mg", "40 mg and 80 mg are"),
    ],
)
def test_a_figure_that_no_source_holds_is_told(said: str, source: str, named: str, lines: Lines) -> None:
    assert lines(said, source) == (f"Check: {named} not in the sources.",)


def test_a_figure_of_the_question_is_told_apart_from_one_that_was_made_up(lines: Lines) -> None:
    said = lines("At 55 kg take 40 mg.", "a dose by weight", asked="What does a patient of 55 kg get?")
    assert said == ("Check: 40 mg is not in the sources.", "Check: 55 kg is from the question, not from the sources.")


def test_many_figures_are_counted_and_not_all_named(lines: Lines) -> None:
    (said,) = lines("Take " + ", ".join(f"{n} mg" for n in range(41, 49)) + ".", "nothing")
    assert said == "Check: 41 mg, 42 mg, 43 mg, 44 mg, 45 mg and 3 more are not in the sources."


def test_a_heading_a_table_s_header_and_the_page_s_number_hold_figures_too(lines: Lines) -> None:
    said = "Under clause 7.4 the rent of 2026 is 90 (page 7)."
    assert lines(said, "The rent is 90.", heading="7.4 Rent", header="| 2026 |") == ()


def test_a_phrase_is_found_as_whole_words_in_any_case(lines: Lines) -> None:
    policy = ChecksPolicy(phrases=("guaranteed return", "don't worry", "保证"))
    assert lines("A **Guaranteed\n return**!", policy=policy) == ("Check: it says “guaranteed return”.",)
    assert lines("Don’t worry: 我们保证收益。", policy=policy) == ("Check: it says “don't worry” and “保证”.",)
    assert lines("It was unguaranteed returnable.", policy=policy) == ()


def test_sentences_without_a_source_are_counted(lines: Lines) -> None:
    policy = ChecksPolicy(cited=True)
    assert lines("A. B.", policy=policy, cited=[True, True]) == ()
    assert lines("A. B.", policy=policy, cited=[True, False]) == ("Check: 1 of 2 sentences has no source.",)
    assert lines("A. B.", policy=policy, cited=[False, False]) == ("Check: no sentence has a source.",)
    assert lines("A.", policy=policy, cited=[False]) == ("Check: the answer has no source.",)


def test_of_the_base_model_alone_only_what_it_says_is_checked(passage: Make) -> None:
    answer = Answer("Take 40 mg.", "base", False, (), (sentence(False),), Timings(), ContextUse(), "x")
    assert checked(answer, ChecksPolicy(True, True, ("take 40",)), "").checks.carried == ("phrases",)


@pytest.mark.parametrize("mode", ["rag", "finetuned", "hybrid"])
def test_every_mode_that_has_sources_is_checked_by_all(mode: Mode, lines: Lines) -> None:
    policy = ChecksPolicy(True, True, ("take",))
    assert len(lines("Take 40 mg.", "20 mg", policy=policy, mode=mode, cited=[False])) == 3


def test_a_refusal_and_a_domain_without_checks_are_not_checked(lines: Lines) -> None:
    every = ChecksPolicy(True, True, ("take",))
    assert lines("Take 40 mg.", policy=every, refused=True, cited=[False]) == ()
    assert lines("Take 40 mg.", policy=ChecksPolicy(), cited=[False]) == ()


def test_passing_is_told_apart_from_not_being_checked(passage: Make) -> None:
    answer = Answer("Take 40 mg.", "rag", False, (passage("40 mg"),), (), Timings(), ContextUse(), "x")
    assert checked(answer, FIGURES, "").checks == Checks(("figures",))
    assert checked(answer, ChecksPolicy(), "").checks == Checks()
    assert replace(answer, checks=Checks(("figures",))) == checked(answer, FIGURES, "")


@pytest.mark.parametrize("name", ORDER)
def test_the_documents_of_the_samples_hold_their_own_figures(name: str) -> None:
    for file in sorted((domain(name).folder / "source").glob("*.md")):
        text = file.read_text("utf-8")
        held = Held([text])
        for paragraph in text.split("\n"):
            assert [each.text for each in figures(paragraph) if each not in held] == [], file.name


@pytest.mark.parametrize("name", ORDER)
def test_the_documents_of_the_samples_say_nothing_that_their_domain_bars(name: str, lines: Lines) -> None:
    policy = ChecksPolicy(phrases=domain(name).checks.phrases)
    for file in sorted((domain(name).folder / "source").glob("*.md")):
        assert lines(file.read_text("utf-8"), policy=policy) == (), file.name
