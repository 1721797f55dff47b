"""Every file of shared/files is read with text, pages and tables right: facts checked against the files by eye."""

import json
import re
from functools import cache
from pathlib import Path

import pytest

from core.ingestion.limits import Limits
from core.ingestion.parsed import Block, Page, ParsedDocument
from core.ingestion.parsing import parse
from core.ingestion.parsing.jsonl import corpus_lines, is_corpus
from core.ingestion.parsing.text import parse_text


@cache
def _parsed(path: Path) -> ParsedDocument:
    return parse(path, path.name, Limits())


def _row(page: Page, start: str) -> tuple[str, str]:
    """The first table row that starts with these words, and its header."""
    for block in page.blocks:
        text = page.text[block.start : block.end]
        if block.kind == "table_row" and text.startswith(start):
            return text, block.header
    raise AssertionError(f"no row starts with {start!r}")


def _texts(document: ParsedDocument, kind: str) -> list[str]:
    return [page.text[b.start : b.end] for page in document.pages for b in page.blocks if b.kind == kind]


def _squeezed(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


@pytest.mark.parametrize(
    ("file", "pages"),
    [
        ("finance/AMCOR_2023Q2_10Q.pdf", 57),
        ("finance/AMERICANEXPRESS_2022_10K.pdf", 260),
        ("finance/BESTBUY_2024Q2_10Q.pdf", 30),
        ("finance/BOEING_2022_10K.pdf", 190),
        ("finance/MGMRESORTS_2022Q4_EARNINGS.pdf", 15),
        ("healthcare/cdc_ckd_factsheet_2023.pdf", 4),
        ("healthcare/cdc_ckd_in_the_us_2021.pdf", 4),
    ],
)
def test_pdfs_have_their_pages_and_every_block_lies_in_its_page(shared: Path, file: str, pages: int) -> None:
    document = _parsed(shared / "files" / file)
    assert [page.number for page in document.pages] == list(range(1, pages + 1))
    for page in document.pages:
        last = 0
        for block in page.blocks:
            assert last <= block.start < block.end <= len(page.text)
            assert page.text[block.start : block.end].strip()
            last = block.end


BOEING_SEGMENTS = "| (Dollars in millions) Years ended December 31, | 2022 | 2021 | 2020 |"


@pytest.mark.parametrize(
    ("file", "number", "row", "header"),
    [
        ("BOEING_2022_10K.pdf", 62, "| Commercial Airplanes | $25,867 | $19,493 | $16,162 |", BOEING_SEGMENTS),
        ("BOEING_2022_10K.pdf", 62, "| Total revenues | $66,608 | $62,286 | $58,158 |", BOEING_SEGMENTS),
        (
            "BOEING_2022_10K.pdf",
            20,
            "| Other (1) | 1,821 | 2,476 | 315 | 4,612 |",
            "| (Square feet in thousands) | Owned | Leased | Government Owned | Total |",
        ),
        (
            "AMCOR_2023Q2_10Q.pdf",
            6,
            "| Net income | $461 | $229 | $695 | $432 |",
            "| ($ in millions) | Three Months Ended December 31, 2022 | Three Months Ended December 31, 2021 "
            "| Six Months Ended December 31, 2022 | Six Months Ended December 31, 2021 |",
        ),
        (
            "BESTBUY_2024Q2_10Q.pdf",
            4,
            "| Revenue | $9,583 | $10,329 | $19,050 | $20,976 |",
            "| $ and shares in millions, except per share amounts (unaudited) | Three Months Ended July 29, 2023 "
            "| Three Months Ended July 30, 2022 | Six Months Ended July 29, 2023 | Six Months Ended July 30, 2022 |",
        ),
        (
            "MGMRESORTS_2022Q4_EARNINGS.pdf",
            11,
            "| Casino | $1,548,762 | $1,527,818 | $5,734,173 | $5,362,912 |",
            "| (In thousands, except per share data) | Three Months Ended December 31, 2022 | Three Months Ended "
            "December 31, 2021 | Twelve Months Ended December 31, 2022 | Twelve Months Ended December 31, 2021 |",
        ),
    ],
)
def test_a_financial_row_stays_one_line_with_its_header(
    shared: Path, file: str, number: int, row: str, header: str
) -> None:
    page = _parsed(shared / "files" / "finance" / file).pages[number - 1]
    found, carried = _row(page, row[:18])
    assert found == row
    assert carried == header
    assert header in page.text


def test_evidence_of_financial_questions_stands_on_its_page(shared: Path) -> None:
    """FinanceBench counts pages from 0, Triptych from 1."""
    checked = 0
    for line in (shared / "data" / "finance" / "financebench" / "test.jsonl").read_text().splitlines():
        question = json.loads(line)
        name, page = question["doc_ids"][0].removeprefix("financebench:").split("#p")
        path = shared / "files" / "finance" / f"{name}.pdf"
        if len(question["doc_ids"]) > 1 or not path.exists():
            continue
        text = _parsed(path).pages[int(page)].text
        numbers = set(re.findall(r"\d[\d,.]*\d", question["evidence"]))
        assert [number for number in numbers if number not in text] == [], question["id"]
        checked += 1
    assert checked >= 14


def test_clauses_that_lawyers_marked_are_found_whole_in_the_contracts(shared: Path) -> None:
    checked = 0
    for path in sorted((shared / "files" / "legal").iterdir()):
        whole = _squeezed(" ".join(page.text for page in _parsed(path).pages))
        for part in ("train", "test"):
            for line in (shared / "data" / "legal" / "cuad" / f"{part}.jsonl").read_text().splitlines():
                question = json.loads(line)
                if question["doc_ids"][0][5:33] != path.stem.replace(".", "_")[:28] or not question["evidence"]:
                    continue
                for clause in re.split(r"\n\n| \.\.\. ", question["evidence"]):
                    assert _squeezed(clause) in whole, clause
                    checked += 1
    assert checked >= 40


def test_running_headers_and_page_numbers_are_taken_out_and_listed(shared: Path) -> None:
    boeing = _parsed(shared / "files" / "finance" / "BOEING_2022_10K.pdf")
    assert "Table of Contents" in [dropped.what for dropped in boeing.dropped]
    assert not boeing.pages[61].text.rstrip().endswith("58")
    gopage = next((shared / "files" / "legal").glob("Gopage*"))
    assert not any(page.text.endswith(f"\n{page.number}") for page in _parsed(gopage).pages)


def test_columns_of_a_leaflet_are_read_one_after_the_other(shared: Path) -> None:
    page = _parsed(shared / "files" / "healthcare" / "cdc_ckd_factsheet_2023.pdf").pages[1]
    left = page.text.index("Blood pressure–lowering medicines are recommended for people with both diabetes and CKD.")
    right = page.text.index("The only way to find out if people have CKD is through simple blood and urine tests.")
    assert left < right
    assert (
        "Non-Hispanic Black adults with both CKD and diagnosed diabetes are more likely to be prescribed" in page.text
    )


def test_the_front_of_the_2021_leaflet_is_read_column_by_column(shared: Path) -> None:
    page = _parsed(shared / "files" / "healthcare" / "cdc_ckd_in_the_us_2021.pdf").pages[0]
    blocks = [page.text[block.start : block.end] for block in page.blocks]
    first = blocks.index("CKD Is Common Among US Adults")
    assert blocks[first + 1 : first + 4] == [
        "Fast Stats",
        "● More than 1 in 7, that is 15% of US adults or 37 million people, are estimated to have CKD.†",
        "● As many as 9 in 10 adults with CKD do not know they have CKD.",
    ]
    assert blocks[blocks.index("CKD Risk Factors") + 1].startswith(
        "Diabetes and high blood pressure are the more common causes of CKD in adults. Other risk factors include"
    )


def test_the_front_of_the_2023_leaflet_keeps_its_sentences_beside_the_infographic(shared: Path) -> None:
    page = _parsed(shared / "files" / "healthcare" / "cdc_ckd_factsheet_2023.pdf").pages[0]
    items = _texts(_only(page), "list_item")
    assert items[:3] == [
        "• More than 1 in 7 US adults–about 35.5 million people, or 14%–are estimated to have CKD.†",
        "• As many as 9 in 10 adults with CKD do not know they have it.",
        "• About 1 in 3 adults with severe CKD do not know they have CKD.",
    ]
    assert _texts(_only(page), "table_row") == []
    assert (
        "14% of US adults are estimated to have chronic kidney disease–that is about 35.5 million people." in page.text
    )


@pytest.mark.parametrize(
    ("file", "title"),
    [
        ("BOEING_2022_10K.pdf", "THE BOEING COMPANY - Form 10-K, December 31, 2022"),
        ("AMCOR_2023Q2_10Q.pdf", "AMCOR PLC - Form 10-Q, December 31, 2022"),
        ("BESTBUY_2024Q2_10Q.pdf", "BEST BUY CO., INC. - Form 10-Q, July 29, 2023"),
    ],
)
def test_a_filing_is_called_by_its_registrant_and_form(shared: Path, file: str, title: str) -> None:
    assert _parsed(shared / "files" / "finance" / file).title == title


def test_paragraphs_are_whole(shared: Path) -> None:
    page = _parsed(shared / "files" / "finance" / "BOEING_2022_10K.pdf").pages[19]
    paragraph = next(t for t in _texts(_only(page), "paragraph") if t.startswith("We had approximately 87 million"))
    assert "\n" not in paragraph
    assert paragraph.endswith("as of December 31, 2022:")


def _only(page: Page) -> ParsedDocument:
    return ParsedDocument("", "", (page,))


def test_headings_of_a_filing_are_found(shared: Path) -> None:
    headings = _texts(_parsed(shared / "files" / "finance" / "BOEING_2022_10K.pdf"), "heading")
    assert {"Item 2. Properties", "Item 3. Legal Proceedings", "Item 4. Mine Safety Disclosures"} <= set(headings)


def test_the_web_page_is_read_without_its_styles(shared: Path) -> None:
    document = _parsed(shared / "files" / "healthcare" / "cdc_ckd_are_you_aware_2023-08.html")
    assert document.title == "Chronic Kidney Disease Among Older Adults Varies Across US Counties"
    text = document.pages[0].text
    assert "Kidney Disease Surveillance System" in text
    assert "font-family" not in text
    assert "\ufeff" not in text


def test_the_workbook_has_a_page_a_sheet_with_rows_under_their_header(shared: Path) -> None:
    document = _parsed(shared / "files" / "healthcare" / "cdc_ckd_stages_by_diabetes.xlsx")
    assert [page.label for page in document.pages[:2]] == ["Sheet Data Source", "Sheet Data For Current Chart"]
    row, header = _row(document.pages[1], "| 42.2664")
    assert header.startswith("| Main Value | Lower CI | Upper CI | Year |")
    assert "| 2001-2004 |" in row


def test_the_question_and_answer_page_gives_pairs(shared: Path) -> None:
    document = _parsed(shared / "files" / "healthcare" / "medquad_niddk_0000001.xml")
    assert document.title == "Acromegaly"
    assert _texts(document, "question")[1] == "What are the symptoms of Acromegaly ?"
    kinds = [block.kind for block in document.pages[0].blocks]
    assert kinds[:3] == ["heading", "question", "answer"]


def test_questions_of_an_faq_are_followed_by_their_answers(shared: Path) -> None:
    for name, question in (
        ("h2o_llmstudio_faqs.md", "Is the tool multi-user or single user?"),
        ("ragflow_faq.mdx", "Which embedding models can be deployed locally?"),
    ):
        page = _parsed(shared / "files" / "support" / name).pages[0]
        blocks = list(page.blocks)
        at = next(i for i, b in enumerate(blocks) if page.text[b.start : b.end] == question)
        assert (blocks[at].kind, blocks[at + 1].kind) == ("question", "answer")
        assert "import " not in page.text[:400]
        assert "TOCInline" not in page.text


def test_long_cells_with_quotes_and_literals_are_not_mixed_up(shared: Path) -> None:
    document = _parsed(shared / "files" / "support" / "doc2dial_sample.csv")
    questions, answers = _texts(document, "question"), _texts(document, "answer")
    assert len(questions) == len(answers) == 25
    assert questions[0] == "user:My insurance ended so what should i do"
    assert answers[0].startswith("Because we all pay indirectly for crashes involving uninsured motorists")


def test_plain_contracts_and_technotes_keep_their_headings(shared: Path) -> None:
    contract = next((shared / "files" / "legal").glob("CENTRACK*"))
    assert "SERVICES PROVIDED TO THE CUSTOMER" in _texts(_parsed(contract), "heading")
    technote = _parsed(shared / "files" / "support" / "swg21974106_technote.txt")
    assert {"ABSTRACT", "CONTENT"} <= set(_texts(technote, "heading"))


def test_tables_inside_corpus_lines_become_rows_with_headers(shared: Path) -> None:
    path = shared / "data" / "finance" / "tatqa" / "corpus.jsonl"
    assert is_corpus(path)
    line = next(line for line in corpus_lines(path) if line.id == "tatqa:3ffd9053a45d")
    page = parse_text(line.text, line.title).pages[0]
    row, header = _row(page, "| Fixed Price")
    assert row == "| Fixed Price | $ 1,452.4 | $ 1,146.2 | $ 1,036.9 |"
    assert header == "| | | Years Ended September 30, | |\n| | 2019 | 2018 | 2017 |"
    assert header in page.text


def test_every_corpus_of_the_shared_data_is_read(shared: Path) -> None:
    for path in sorted((shared / "data").glob("*/*/corpus.jsonl")):
        for number, line in enumerate(corpus_lines(path)):
            if number % 40 == 0:
                page: Page = parse_text(line.text, line.title).pages[0]
                blocks: tuple[Block, ...] = page.blocks
                assert blocks, line.id
