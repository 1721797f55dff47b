"""What documents say of their abbreviations is read as people read it, and nothing is made up."""

import pytest

from core.retrieval.abbreviations import explained, long_form, short_forms


@pytest.mark.parametrize(
    ("text", "short", "long"),
    [
        ("a Minimum Order Quantity (“MOQ”) applies", "MOQ", "minimum order quantity"),
        ("patients with chronic kidney disease (CKD) are", "CKD", "chronic kidney disease"),
        ("diluted earnings per share (EPS) was", "EPS", "earnings per share"),
        ("Research and development (R&D) expense", "R&D", "research and development"),
        ("eGFR (estimated glomerular filtration rate) is", "eGFR", "estimated glomerular filtration rate"),
        ("the Securities and Exchange Commission (the “SEC”)", "SEC", "securities and exchange commission"),
        ("uses Secure Sockets Layer (SSL)", "SSL", "secure sockets layer"),
        ("the VA Dental Insurance Program (VADIP) covers", "VADIP", "va dental insurance program"),
        ("end-stage renal disease (ESRD) or", "ESRD", "end-stage renal disease"),
        ("the Department of Motor Vehicles (DMV)", "DMV", "department of motor vehicles"),
        ("somatostatin analogs (SSAs) are", "SSA", "somatostatin analogs"),
    ],
)
def test_an_abbreviation_is_explained_by_what_stands_beside_it(text: str, short: str, long: str) -> None:
    assert explained([text], [short]) == {short: long}


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("our CEO (see page 3) says", "CEO"),
        ("a test of nothing (CEO)", "CEO"),
        ("It was sold. The Key Officer (CEO)", "CEO"),
        ("| Chief | Executive | (CEO) |", "CEO"),
        ("the chief\nexecutive officer\n(CFO)", "CFO"),
        ("(CEO)", "CEO"),
        ("", "CEO"),
        ("an (A) or (B)", "A"),
        ("MSCI Inc., a Delaware corporation (“MSCI”)", "MSCI"),
        ("VNUE, Inc. (VNUE)", "VNUE"),
    ],
)
def test_what_explains_nothing_gives_nothing(text: str, short: str) -> None:
    assert explained([text], [short]) == {}


def test_the_long_form_that_is_given_most_often_counts() -> None:
    texts = ["key performance index (KPI)", "key performance indicator (KPI)", "Key Performance  Indicator (KPI)"]
    assert explained(texts, ["KPI"]) == {"KPI": "key performance indicator"}


def test_a_long_form_is_no_longer_than_its_letters_allow() -> None:
    assert long_form("AB", "a " + "word " * 30 + "b") == ""


def test_the_abbreviations_of_a_question_are_those_with_two_capitals() -> None:
    assert short_forms("Who is the CEO of Boeing's BCA, and what is its R&D? I ask for eGFR.") == [
        "CEO", "BCA", "R&D", "eGFR",
    ]  # fmt: skip
    assert short_forms("WHO IS THE CEO?") == []
    assert short_forms("What is a Lease?") == []


def test_what_ends_a_firm_s_name_is_no_abbreviation_to_look_up() -> None:
    assert short_forms("What does Aldgate LLC owe under the MSA to Norvane, LTD?") == ["MSA"]
