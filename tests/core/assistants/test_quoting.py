from collections.abc import Callable
from dataclasses import replace

import pytest

from core.assistants.lists import quoted
from core.assistants.quotation import choose, quotation
from core.assistants.quoting import FEATURES, is_label, relevant, weights
from core.assistants.reading import GROUNDED, LARGE, SMALL, Reading, reading_for
from core.assistants.sections import BEGINNING, BELOW
from core.assistants.sentences import split
from core.assistants.words import stems, words
from core.ingestion.embedding import Embedder
from core.retrieval.passages import Passage

Make = Callable[..., Passage]
TABLE = "| Item | 2024 | 2025 |\n| Inventories | 57,880 | 61,190 |\n| Cash | 12,400 | 9,120 |"


def quote(question: str, passages: list[Passage], embedder: Embedder, most: int = 1) -> str:
    asked = dict.fromkeys(stems(question), 1.0)
    scored = relevant(question, passages, embedder, asked)
    return quotation(choose(scored.candidates[:most], SMALL)).text


def test_the_sentence_that_answers_is_quoted_rather_than_the_one_that_repeats_the_question(
    passage: Make, embedder: Embedder
) -> None:
    text = "Notice periods matter in every agreement. When does notice end?\nNotice ends 60 days after 3 May 2025."
    assert quote("When does the notice end?", [passage(text)], embedder) == "Notice ends 60 days after 3 May 2025."


def test_a_possessive_is_as_rare_as_its_name() -> None:
    assert [word.plain for word in words("What is MGM's fee in Aldgate’s lease?")][2:6] == [
        "MGM",
        "fee",
        "in",
        "Aldgate",
    ]


def test_a_table_row_is_quoted_below_its_header_as_a_table(passage: Make, embedder: Embedder) -> None:
    text = quote("What were the inventories in 2025?", [passage(TABLE)], embedder)
    assert text == "| Item | 2024 | 2025 |\n| --- | --- | --- |\n| Inventories | 57,880 | 61,190 |"


def test_pieces_of_a_quotation_are_the_words_on_the_page(passage: Make, embedder: Embedder) -> None:
    source = passage("The fee is 40 euros. It is due on the\nfirst day of May. Dogs are welcome in the garden.")
    scored = relevant("When is the fee due?", [source], embedder, {"fee": 2.0, "due": 2.0})
    quoted = quotation(scored.candidates[:2])
    for piece in quoted.pieces:
        on_page = source.text[piece.page_start - source.start : piece.page_end - source.start]
        assert quoted.text[piece.start : piece.end].split() == on_page.split()


def test_probabilities_of_all_sentences_sum_to_one(passage: Make, embedder: Embedder) -> None:
    scored = relevant("Cash?", [passage(TABLE), passage("Cash is king. It is not.", 2)], embedder, {"cash": 1.0})
    assert sum(candidate.probability for candidate in scored.candidates) == pytest.approx(1.0, abs=1e-5)
    assert len(scored.features) == len(scored.candidates)


def test_no_passages_give_no_sentences(embedder: Embedder) -> None:
    assert relevant("Anything?", [], embedder, {}).candidates == ()


def test_small_base_models_lead_with_a_quotation_and_others_write() -> None:
    assert reading_for("SmolLM2-135M-Instruct, Q8_0") == SMALL
    assert reading_for("Qwen2.5-1.5B-Instruct") == LARGE
    assert reading_for("gpt-something") == LARGE


def test_inflections_share_a_stem_and_numbers_their_value() -> None:
    assert stems("license") == stems("licensed") == stems("licenses")
    assert stems("party") == stems("parties")
    assert [word.stem for word in words("1,000.50")] == ["1000.5"]


def test_a_second_sentence_is_quoted_only_from_the_page_of_the_first(passage: Make, embedder: Embedder) -> None:
    pages = [passage("The fee is 40 euros.", 1), passage("The fee is 50 euros.", 2)]
    scored = relevant("What is the fee?", pages, embedder, {"fee": 2.0})
    assert len({c.passage.rank for c in choose(scored.candidates, replace(SMALL, share=0.0))}) == 1
    assert len(choose(scored.candidates, GROUNDED)) == 2


def test_the_table_row_whose_label_was_asked_for_is_quoted(passage: Make, embedder: Embedder) -> None:
    table = passage("| Code | Meaning |\n| E2 | Tank empty |\n| E3 | Grounds drawer full |")
    assert "| E3 | Grounds drawer full |" in quote("What does E3 mean?", [table], embedder)


def test_a_row_that_only_names_the_rows_below_it_answers_nothing(passage: Make, embedder: Embedder) -> None:
    row = "| Net cash used by operating activities | 3,512 | (3,416) |"
    table = passage(f"| In millions | 2022 | 2021 |\n| Cash flows from operating activities: | | |\n{row}")
    assert quote("What was the cash flow from operating activities?", [table], embedder, 3).endswith(row)
    said = split("| Item | Charge |\n| Printing | 3 |\n| No charge is made for telephone calls or scanning. | |")
    assert [is_label(each) for each in said] == [True, False, False]


def test_every_feature_has_a_weight() -> None:
    assert len(weights()) == len(FEATURES)


STEPS = (
    "How often depends on the water.\n\n1. Take the filter out of the tank.\n2. Pour in two bottles of descaler.\n"
    "3. Choose Descaling, Start. The program takes 38 minutes.\n4. Put the filter back.\n\nDo not switch off meanwhile."
)


def told(question: str, text: str, passage: Make, embedder: Embedder, reading: Reading = SMALL) -> str:
    scored = relevant(question, [passage(text)], embedder, dict.fromkeys(stems(question), 1.0))
    return quoted(scored, reading).text


def test_a_question_how_to_do_something_is_answered_by_all_steps_in_order(passage: Make, embedder: Embedder) -> None:
    answer = told("How do I descale the machine with descaler?", STEPS, passage, embedder)
    assert answer == STEPS.split("\n\n")[1]


def test_a_question_for_a_figure_in_a_step_is_answered_by_that_step_alone(passage: Make, embedder: Embedder) -> None:
    answer = told("How many bottles of descaler are poured in?", STEPS, passage, embedder)
    assert "two bottles" in answer
    assert "1. Take" not in answer


def test_a_reading_of_one_sentence_stays_one_sentence(passage: Make, embedder: Embedder) -> None:
    one = replace(SMALL, sentences=1)
    assert len(told("How do I descale the machine?", STEPS, passage, embedder, one).splitlines()) == 1


def test_numbered_sections_are_no_steps(passage: Make, embedder: Embedder) -> None:
    text = "1. Cleaning\n\nClean the tank with a soft cloth.\n\n2. Descaling\n\nDescale the tank with descaler KB-D2."
    assert "soft cloth" not in told("How do I descale the tank?", text, passage, embedder)


def test_a_run_of_steps_longer_than_a_page_is_not_quoted_whole(passage: Make, embedder: Embedder) -> None:
    text = "\n".join(
        f"{at}. Descale part {at} " + "with the descaler and the brush " * 8 + "now." for at in range(1, 9)
    )
    assert "1. Descale" not in told("How do I descale part 5?", text, passage, embedder)


EXCLUDED = (
    "Ask us before you travel. The following damage is excluded from the cover of this policy:\n\n"
    "- damage by frost\n- damage by rodents. This holds for cellars too.\n\nClaims are made within 14 days."
)


def test_a_sentence_that_announces_points_is_quoted_with_them(passage: Make, embedder: Embedder) -> None:
    answer = told("Which damage is excluded from the cover?", EXCLUDED, passage, embedder)
    assert answer.endswith("of this policy:\n- damage by frost\n- damage by rodents. This holds for cellars too.")


def test_points_are_not_added_where_a_figure_was_asked_for(passage: Make, embedder: Embedder) -> None:
    text = "Income rose to 299 million as a result of:\n\n- more vessels\n- higher rates"
    assert "vessels" not in told("How much did income rise to as a result?", text, passage, embedder)


def test_a_sentence_that_announces_a_table_is_quoted_with_its_rows(passage: Make, embedder: Embedder) -> None:
    lead = "An analysis of what the company holds, item by item, is as follows:"
    answer = told("Give an analysis of what the company holds", f"{lead}\n\n{TABLE}\n\nIt is all.", passage, embedder)
    header, *rows = TABLE.splitlines()
    assert answer == "\n".join([lead, "", header, "| --- | --- | --- |", *rows])


def test_a_figure_that_was_asked_for_may_stand_in_a_row_that_a_sentence_announces(
    passage: Make, embedder: Embedder
) -> None:
    lead = "Changes in the carrying amount of goodwill for the year 2022 were as follows:"
    rows = "| | Pumps | Total |\n| Balance at January 1 | 3,224 | 8,068 |\n| Balance at year end | 3,432 | 8,057 |"
    answer = told("How much was the carrying amount of goodwill in 2022?", f"{lead}\n\n{rows}", passage, embedder)
    assert answer.startswith(lead)
    assert "8,057" in answer


def test_a_sentence_that_announces_what_was_not_found_gives_way(passage: Make, embedder: Embedder) -> None:
    text = "The models that the program supports are these:\n\nIt supports models of seven makers, on any machine."
    answer = told("Which models does the program support?", text, passage, embedder)
    assert answer == "It supports models of seven makers, on any machine."


FAQ = (
    "What sets Lumo apart from other routers?\n\nMost routers forget who is at home. Two things are new. "
    "It learns, and it can be asked.\n\nHow loud is Lumo?\n\nIt makes no sound, since it has no fan."
)


def test_what_stands_below_the_question_that_was_asked_answers_though_others_say_more_of_its_words(
    passage: Make, embedder: Embedder
) -> None:
    entry = "How much noise does Lumo make?\n\nNone, since it has no fan."
    prose = "How much noise Lumo makes is asked of us each day, and how much noise others make."
    answer = told("How much noise does Lumo make?", f"{prose}\n\n{entry}", passage, embedder)
    assert answer == "None, since it has no fan."


def test_a_question_of_two_sentences_in_one_line_is_one_heading(passage: Make, embedder: Embedder) -> None:
    asked = "I ran out of memory. What can I change?"
    entry = passage(f"{asked}\n\nChoose four bits. It is advised for cards of gamers.", heading=f"FAQ > {asked}")
    scored = relevant("What can I do when I ran out of memory?", [entry], embedder, {"memori": 3.0, "ran": 3.0})
    assert quoted(scored, SMALL).text == "Choose four bits. It is advised for cards of gamers."


def test_what_goes_on_in_another_passage_is_found_by_its_heading(passage: Make, embedder: Embedder) -> None:
    asked = "How is the pump primed?"
    first = passage(f"The pump is in the yard.\n\n{asked}", heading="Manual > Pump")
    second = passage("Fill it to the brim.\n\nHow is it drained?\n\nOpen the tap.", 2, heading=f"Manual > {asked}")
    scored = relevant(asked, [first, second], embedder, {"pump": 3.0, "prime": 3.0})
    assert quoted(scored, SMALL).text == "Fill it to the brim."


def test_a_heading_below_a_question_belongs_to_what_answers_it(passage: Make, embedder: Embedder) -> None:
    text = "How is the illness diagnosed?\n\nBlood tests\n\nA doctor measures the level twice.\n\nHow is it treated?"
    answer = told(
        "How is the illness diagnosed?", f"The illness is seldom diagnosed early.\n\n{text}", passage, embedder
    )
    assert answer == "A doctor measures the level twice."


def test_a_command_below_a_question_is_the_answer(passage: Make, embedder: Embedder) -> None:
    text = "How do I see the log of the server?\n\ntail -f logs/server.log\n\nHow do I stop it?\n\nPress the button."
    assert told("How do I see the log of the server?", text, passage, embedder) == "tail -f logs/server.log"


def test_a_long_title_is_answered_by_what_stands_below_it(passage: Make, embedder: Embedder) -> None:
    title = "Cannot start the configuration store service of the collector and it did not exit normally"
    text = f"{title}\n\nYou forgot to raise the number of maps. Raise it in the file of the system."
    answer = told(f"Why this: {title}?", text, passage, embedder)
    assert answer == text.split("\n\n")[1]
    assert told(f"Why this: {title}?", f"{title}.\n\nYou forgot it.", passage, embedder).startswith(title)


def test_of_a_long_entry_the_beginning_is_quoted(passage: Make, embedder: Embedder) -> None:
    long = " ".join(f"Step {number} is to turn the valve of tank {number} a little." for number in range(20))
    prose = "How is the boiler vented, people ask, and how is it vented well."
    answer = told("How is the boiler vented?", f"{prose}\n\nHow is the boiler vented?\n\n{long}", passage, embedder)
    assert answer.startswith("Step 0 is to turn")
    assert 20 < len(answer.split()) <= BEGINNING


def test_an_entry_of_an_faq_whose_question_was_asked_is_quoted_whole(passage: Make, embedder: Embedder) -> None:
    answer = told("What is the difference between Lumo and other routers?", FAQ, passage, embedder)
    assert answer == "Most routers forget who is at home. Two things are new. It learns, and it can be asked."


def test_what_stands_below_a_line_that_was_asked_for_answers(passage: Make, embedder: Embedder) -> None:
    text = (
        "RuntimeError: Unable to start Tika server.\n\nTo resolve this, download the missing file of the server.\n\n"
        "WARNING: can't find borker.tm\n\nIgnore this and continue.\n\nIndex failure\n\nCheck the service."
    )
    assert told("WARNING: can't find borker.tm", text, passage, embedder) == "Ignore this and continue."


def test_of_a_long_section_only_the_beginning_is_quoted(passage: Make, embedder: Embedder) -> None:
    text = FAQ.replace("Two things are new.", "Two things are new. " + "Some say that it is one of them. " * 30)
    answer = told("What is the difference between Lumo and other routers?", text, passage, embedder)
    assert answer.startswith("Most routers forget who is at home. Two things are new.")
    assert len(answer.split()) <= BELOW
