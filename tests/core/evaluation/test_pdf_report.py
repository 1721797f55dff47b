"""The PDF report opens, says what the HTML one says, keeps within its page, and prints any text."""

from typing import Any

import pypdfium2
import pytest

from core.evaluation import pdf, pdf_looks, running
from core.evaluation.options import Options
from core.evaluation.report import report
from core.workspace import Workspace
from storage.rows import CorpusRow
from tests.core.evaluation.conftest import ASKED

MARGIN = 40


@pytest.fixture
def found(ws: Workspace, corpus: CorpusRow) -> dict[str, Any]:
    row = running.start(ws, corpus.id, ASKED, ["base", "quote", "rag"], "Spring <b>run</b>", options=Options())
    ws.dispatcher.run_one()
    return report(ws, ws.evaluations.get(row.id))


def read(content: bytes) -> str:
    """All words of all pages."""
    with pypdfium2.PdfDocument(content) as opened:
        return " ".join(" ".join(page.get_textpage().get_text_range() for page in opened).split())


def test_it_says_verdict_scores_method_limits_and_every_answer(found: dict[str, Any]) -> None:
    said = read(pdf.document(found))
    assert "Leases: Spring <b>run</b>" in said
    assert found["verdict"]["headline"] in said
    assert "Token F1 by mode" in said
    assert "percentile bootstrap interval" in said
    assert "Each interval is for its own comparison" in said
    assert "What is the monthly rent?" in said
    assert "2,400 pounds a month" in said
    assert "Retrieval less Quote" in said


def test_nothing_leaves_the_page_however_long_a_word_is(found: dict[str, Any]) -> None:
    found["questions"][0]["answers"]["rag"]["answer"] = "x" * 5_000
    found["verdict"]["considered"][0]["evidence"] = "y" * 400
    found["fingerprints"]["index"] = "z" * 900
    found["questions"] *= 20
    content = pdf.document(found)
    with pypdfium2.PdfDocument(content) as opened:
        assert len(opened) > 3
        for page in opened:
            words = page.get_textpage()
            for number in range(words.count_rects()):
                left, bottom, right, top = words.get_rect(number)
                assert MARGIN <= left <= right <= page.get_width() - MARGIN
                assert 20 <= bottom <= top <= page.get_height() - 20


def test_a_character_without_a_glyph_is_a_question_mark_and_said(found: dict[str, Any]) -> None:
    chosen = pdf_looks.Fonts("Helvetica", "Helvetica-Bold", None)
    found["questions"][0]["question"] = "Was \u4e2d\u6587 \u202eevil meant? \u20ac5 – fünf"
    said = read(pdf.Sheets(chosen).document(found))
    assert "Was ?? evil meant? €5 – fünf" in said
    assert "stand as a question mark" in said


def test_without_an_answer_there_is_a_report_all_the_same(ws: Workspace, corpus: CorpusRow) -> None:
    row = running.start(ws, corpus.id, ASKED, ["base"])
    assert "No question has a gold answer" in read(pdf.document(report(ws, row)))
