"""A long PDF is read by two processes, and comes out as if one had read it, whatever becomes of the second."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from reportlab.pdfgen.canvas import Canvas

from core.domains import HERE
from core.ingestion.limits import Limits
from core.ingestion.parsing import parse
from core.ingestion.parsing.cleaning import clean
from core.ingestion.parsing.pdf import halves
from core.ingestion.parsing.pdf.document import opened
from core.ingestion.parsing.pdf.reading import read_page
from core.ingestion.parsing.pdf.shapes import PageShape
from core.ingestion.sandbox import Sandbox
from core.ingestion.second import Second, worth_it

PAGES = 40
REPORTS = sorted(HERE.rglob("*.pdf"))


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Forty pages with a running head, and enough bytes to be worth a second reader."""
    canvas = Canvas(str(tmp_path / "report.pdf"), pagesize=(600, 800))
    for number in range(1, PAGES + 1):
        canvas.drawString(50, 780, "Annual report of the Harbour Board")
        canvas.drawString(50, 700, f"Note {number} says what berth {number} cost in the year.")
        for row in range(3):
            canvas.drawString(50, 600 - 14 * row, f"Item {row}")
            canvas.drawString(300, 600 - 14 * row, f"{number * 100 + row:,}")
        canvas.drawString(300, 20, f"Page {number} of {PAGES}")
        canvas.showPage()
    canvas.setTitle("x" * 5)
    canvas.save()
    with (tmp_path / "report.pdf").open("ab") as file:
        file.write(b"\n%" + b"-" * 120_000 + b"\n")
    return tmp_path / "report.pdf"


def second(report: Path, folder: Path, confine: Callable[[], object] = lambda: None, most: int = 100) -> Second:
    return Second(report, report.name, folder, {}, most, confine)


def test_two_read_the_same_as_one(report: Path, tmp_path: Path) -> None:
    late = second(report, tmp_path).pages()
    assert sorted(late) == list(range(PAGES // 2, PAGES))
    assert parse(report, report.name, late=lambda: late) == parse(report, report.name)


def test_the_sandbox_has_a_long_pdf_read_by_two(report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = parse(report, report.name)
    asked: list[bool] = []
    with Sandbox() as sandbox:
        ask = sandbox._ask
        monkeypatch.setattr("core.ingestion.sandbox.cores", lambda: 2)
        monkeypatch.setattr(sandbox, "_ask", lambda *a, **more: asked.append(more["shared"]) or ask(*a, **more))
        assert sandbox.parse(report, report.name) == alone
        sandbox._count(1)  # somebody else's document is being read
        assert sandbox.parse(report, report.name) == alone
    assert asked == [True, False]


@pytest.mark.parametrize("file", REPORTS, ids=lambda file: file.stem)
def test_pages_survive_their_way_from_one_process_to_the_other(file: Path) -> None:
    with opened(file, file.name) as document:
        pages = [read_page(document, index) for index in range(2)]
    assert [halves.unpacked(json.loads(json.dumps(halves.packed(page)))) for page in pages] == pages


def test_what_the_second_did_not_get_to_the_first_reads(report: Path) -> None:
    with opened(report, report.name) as document:
        lines = list(halves.late_lines(document, {}, 100))
    cut_off = halves.late_pages([*lines[:3], lines[3][:100]])
    assert sorted(cut_off) == [20, 21, 22]
    assert parse(report, report.name, late=lambda: cut_off) == parse(report, report.name)


@pytest.mark.parametrize("line", ["null", "7", '["a"]', '{"a": 1}', "[" * 100_000, "[1, 2, 3, 4, 5, 6, 7]"])
def test_what_is_no_page_counts_as_not_read(line: str) -> None:
    assert halves.late_pages([line + "\n"]) == {}


def test_a_second_that_is_killed_costs_time_and_nothing_else(report: Path, tmp_path: Path) -> None:
    def stop() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    late = second(report, tmp_path, stop)
    assert late.pages() == {}
    assert parse(report, report.name, late=late.pages) == parse(report, report.name)


def test_the_second_gives_up_its_rights_before_it_opens_the_file(report: Path, tmp_path: Path) -> None:
    aside = report.with_suffix(".aside")
    assert second(report, tmp_path, lambda: report.rename(aside)).pages() == {}
    aside.rename(report)

    def refuse() -> None:
        raise PermissionError

    assert second(report, tmp_path, refuse).pages() == {}


def test_the_second_leaves_no_process_and_holds_nobodys_connection(report: Path, tmp_path: Path) -> None:
    before = {child.pid for child in psutil.Process().children()}  # of other tests: engines, sandboxes
    reading, writing = os.pipe()
    late = second(report, tmp_path, lambda: os.write(writing, b"still open"))
    assert late.pages() == {}  # the pipe was closed in it, so that it met an error
    os.close(writing)
    assert os.read(reading, 1) == b""
    os.close(reading)
    left = [child for child in psutil.Process().children() if child.pid not in before]
    assert all(child.status() == psutil.STATUS_ZOMBIE for child in left)


def test_a_document_over_the_limit_of_pages_is_not_begun(report: Path, tmp_path: Path) -> None:
    assert second(report, tmp_path, most=PAGES - 1).pages() == {}


def test_hidden_characters_of_the_later_half_are_told_of_too(report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hiding(document: object, index: int, found: object = ()) -> PageShape:
        if index == 25:
            clean("pay\u200bment")
        return read_page(document, index)

    monkeypatch.setattr(halves, "read_page", hiding)
    with opened(report, report.name) as document:
        late = halves.late_pages(halves.late_lines(document, {}, 100))
    assert sorted(late) == [index for index in range(PAGES // 2, PAGES) if index != 25]
    told = parse(report, report.name, late=lambda: late).dropped[-1]
    assert told == parse(report, report.name).dropped[-1]
    assert told.what == "1 character(s) of no width"


def test_short_files_and_other_kinds_are_read_by_one(report: Path, tmp_path: Path) -> None:
    assert worth_it(report)
    small, other = tmp_path / "small.pdf", tmp_path / "other.txt"
    small.write_bytes(report.read_bytes()[:50_000])
    other.write_bytes(b"a" * 200_000)
    assert not worth_it(small)
    assert not worth_it(other)
    assert halves.middle(10) == 10
    assert Limits().pages > halves.FEWEST
