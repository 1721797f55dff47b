"""The sample corpora: files, gold questions and training pairs of all four domains.

Pages are read here with plain readers (pypdfium2, python-docx, openpyxl, lxml) and not with our
own parsing, so that the gold labels stand on their own.
"""

import json
import re
import zipfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from core.domains import ORDER, domain
from core.domains.make_samples import render

PAIRS = ("question", "answer", "doc_ids", "evidence", "meta")
QTYPES = {"span", "table", "list", "yes_no", "number", "arithmetic", "unanswerable"}
STOP_WORDS = (
    "a an and any are as at be by can do does for from has have how i if in is it its me my of on or our per should "
    "that the their them they this to under was we what when which who why will with would you your"
)
TOO_CLOSE = 0.6  # shared content words over all content words (Jaccard)

pytestmark = pytest.mark.parametrize("name", ORDER)


def flat(text: str) -> str:
    """White space collapsed; the bars of a table row count as white space, typographic breaks are removed."""
    return re.sub(r"[\s|\xad\ufffe]+", " ", text).strip()


@cache
def pages_of(path: Path) -> tuple[str, ...]:
    return tuple(flat(page) for page in READERS[path.suffix](path))


def pdf_pages(path: Path) -> list[str]:
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        return [page.get_textpage().get_text_range() for page in document]


def docx_pages(path: Path) -> list[str]:
    import docx
    from docx.table import Table

    pages = [""]
    for part in docx.Document(str(path)).iter_inner_content():
        if isinstance(part, Table):
            pages[-1] += "".join(f"\n{' | '.join(cell.text for cell in row.cells)}" for row in part.rows)
        elif 'w:type="page"' in part._p.xml:
            pages.append("")
        else:
            pages[-1] += "\n" + part.text
    return pages


def xlsx_pages(path: Path) -> list[str]:
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True)
    sheets = [
        "\n".join(" ".join("" if cell is None else str(cell) for cell in row) for row in sheet.values)
        for sheet in book.worksheets
    ]
    book.close()
    return sheets


def html_pages(path: Path) -> list[str]:
    from lxml import html

    return [" ".join(html.document_fromstring(path.read_bytes()).body.itertext())]


READERS = {
    ".pdf": pdf_pages,
    ".docx": docx_pages,
    ".xlsx": xlsx_pages,
    ".html": html_pages,
    ".md": lambda path: [path.read_text("utf-8")],
}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def content_words(question: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", question.lower())) - set(STOP_WORDS.split())


def gold(name: str) -> list[dict[str, Any]]:
    return lines(domain(name).gold_file)


def train(name: str) -> list[dict[str, Any]]:
    return lines(domain(name).train_file)


def files(name: str) -> list[Path]:
    return sorted(domain(name).sample_folder.iterdir())


def entries(path_or_bytes: Any) -> list[tuple[str, tuple[int, ...], bytes]]:
    with zipfile.ZipFile(path_or_bytes) as archive:
        return [(info.filename, info.date_time, archive.read(info)) for info in archive.infolist()]


def test_there_are_8_to_12_documents_in_mixed_formats(name: str) -> None:
    suffixes = Counter(path.suffix for path in files(name))
    assert 8 <= suffixes.total() <= 12
    assert suffixes[".pdf"] >= 3
    assert suffixes[".docx"] >= 2
    assert suffixes[".xlsx"] >= 1
    assert suffixes[".html"] >= 1
    assert suffixes[".md"] >= 1


def test_at_least_three_pdfs_have_several_pages(name: str) -> None:
    assert sum(len(pages_of(path)) > 1 for path in files(name) if path.suffix == ".pdf") >= 3


def test_a_document_is_neither_a_snippet_nor_a_book(name: str) -> None:
    sizes = {path.name: len(" ".join(pages_of(path)).split()) for path in files(name) if path.suffix != ".xlsx"}
    assert {file: size for file, size in sizes.items() if not 450 <= size <= 2000} == {}


def test_the_committed_samples_are_what_their_sources_render_to(name: str) -> None:
    from io import BytesIO

    sources = sorted((domain(name).folder / "source").glob("*.md"))
    assert [source.name.removesuffix(".md") for source in sources] == [path.name for path in files(name)]
    for source, path in zip(sources, files(name), strict=True):
        if path.suffix in (".docx", ".xlsx"):  # the zlib at hand may compress differently; the entries may not differ
            assert entries(BytesIO(render(source))) == entries(path), path.name
        else:
            assert render(source) == path.read_bytes(), path.name


def test_rendering_again_gives_the_same_bytes(name: str) -> None:
    for source in (domain(name).folder / "source").glob("*.md"):
        assert render(source) == render(source), source.name


def test_there_are_40_gold_questions_of_which_6_cannot_be_answered(name: str) -> None:
    questions = gold(name)
    assert len(questions) == 40
    assert sum(question["answer"] is None for question in questions) == 6


def test_there_are_80_to_120_training_pairs_of_which_some_cannot_be_answered(name: str) -> None:
    pairs = train(name)
    assert 80 <= len(pairs) <= 120
    assert 6 <= sum(pair["answer"] is None for pair in pairs) <= 14


def test_ids_are_unique_and_name_their_domain_and_set(name: str) -> None:
    ids = [question["id"] for question in gold(name)] + [pair["id"] for pair in train(name)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(rf"{name}-(gold|train)-\d{{3}}", id_) for id_ in ids)


def test_every_question_is_worded_once(name: str) -> None:
    worded = Counter(question["question"].casefold() for question in gold(name) + train(name))
    assert [text for text, times in worded.items() if times > 1] == []


def test_every_pair_has_the_agreed_fields(name: str) -> None:
    for pair in gold(name) + train(name):
        assert tuple(pair) == ("id", *PAIRS), pair["id"]
        assert pair["meta"]["qtype"] in QTYPES, pair["id"]
        unanswerable = pair["meta"]["qtype"] == "unanswerable"
        assert unanswerable == (pair["answer"] is None) == (pair["evidence"] is None) == (pair["doc_ids"] == [])
        assert unanswerable or {"page", "short_answer"} <= set(pair["meta"]), pair["id"]


def test_evidence_stands_word_for_word_on_the_named_page(name: str) -> None:
    folder = domain(name).sample_folder
    wrong = []
    for pair in gold(name) + train(name):
        if pair["answer"] is None:
            continue
        page = pages_of(folder / pair["doc_ids"][0])[pair["meta"]["page"] - 1]
        wrong += [
            (pair["id"], passage)
            for passage in re.split(r"\n\n| \.\.\. ", pair["evidence"])
            if flat(passage) not in page
        ]
    assert wrong == []


def test_short_answers_stand_in_the_answer(name: str) -> None:
    wrong = [
        pair["id"]
        for pair in gold(name) + train(name)
        if pair["answer"] and str(pair["meta"]["short_answer"]).casefold() not in pair["answer"].casefold()
    ]
    assert wrong == []


def test_every_document_is_asked_about(name: str) -> None:
    names = {path.name for path in files(name)}
    assert {file for question in gold(name) for file in question["doc_ids"]} == names
    assert {file for pair in train(name) for file in pair["doc_ids"]} == names


def test_no_training_question_rewords_a_gold_question_of_its_document(name: str) -> None:
    close = []
    for pair in train(name):
        mine = content_words(pair["question"])
        for question in gold(name):
            if question["doc_ids"] != pair["doc_ids"]:
                continue
            theirs = content_words(question["question"])
            if len(mine & theirs) / len(mine | theirs) >= TOO_CLOSE:
                close.append((pair["question"], question["question"]))
    assert close == []


def test_no_training_pair_has_the_evidence_of_a_gold_question(name: str) -> None:
    asked = {flat(question["evidence"]) for question in gold(name) if question["evidence"]}
    assert [pair["id"] for pair in train(name) if pair["evidence"] and flat(pair["evidence"]) in asked] == []


def test_home_has_three_example_questions(name: str) -> None:
    assert len(domain(name).example_questions) == 3
