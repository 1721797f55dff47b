"""The reports' charts: each mode has its own shape, nothing written lies on anything, and both reports draw them."""

import random
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import pypdfium2
import pytest

from core.evaluation import breakdown, html, pdf
from core.evaluation.charts import GRID, Box, Chart, Mark, Paper, cut, ticks, wide_of
from core.evaluation.summary import ORDER, Outcome, summarise

PAPER = Paper(width=640, letters=14)
DRAWN = random.Random(9)


def interval(mean: float, half: float = 0.05) -> dict[str, float]:
    return {"mean": mean, "low": max(0.0, mean - half), "high": min(1.0, mean + half), "n": 9, "sd": 0.1}


def scored(points: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    """What a report says of modes, from seconds and score of each."""
    return {mode: {"token_f1": interval(f1), "seconds": interval(s) | {"mean": s}} for mode, (s, f1) in points.items()}


def part(name: str, modes: Sequence[str] = ORDER) -> dict[str, Any]:
    return {"name": name, "questions": 12, "modes": {mode: interval(DRAWN.random(), 0.2) for mode in modes}}


def box(mark: Mark) -> Box:
    return mark.x - mark.size, mark.y - mark.size, mark.x + mark.size, mark.y + mark.size


def apart(a: Box, b: Box) -> bool:
    return a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def assert_legible(chart: Chart) -> None:
    boxes = [words.box for words in chart.words]
    assert all(apart(a, b) for a, b in combinations(boxes, 2))
    assert all(apart(a, box(mark)) for a in boxes for mark in chart.marks)
    for left, top, right, bottom in boxes:
        assert left >= -1
        assert top >= -1
        assert right <= chart.width + 1
        assert bottom <= chart.height + 1


@pytest.mark.parametrize(
    "points",
    [
        dict.fromkeys(ORDER, (2.0, 0.5)),
        dict.fromkeys(ORDER, (0.0, 0.0)),
        dict.fromkeys(ORDER, (30.0, 1.0)),
        {mode: (2.4 + 0.01 * number, 0.45 + 0.01 * number) for number, mode in enumerate(ORDER)},
        *({mode: (DRAWN.random(), DRAWN.random()) for mode in ORDER} for _ in range(30)),
        *({mode: (2 + DRAWN.random() / 9, 0.4 + DRAWN.random() / 9) for mode in ORDER} for _ in range(30)),
    ],
)
def test_names_lie_on_no_mark_and_on_no_other_name(points: dict[str, tuple[float, float]]) -> None:
    chart = PAPER.against_seconds(scored(points))
    assert chart is not None
    assert_legible(chart)
    assert {"Base", "Quote", "Retrieval", "Fine-tuned", "Hybrid"} <= {words.text for words in chart.words}


def test_slower_is_further_right_and_better_is_higher() -> None:
    chart = PAPER.against_seconds(scored({"base": (1.0, 0.2), "rag": (3.0, 0.6)}))
    assert chart is not None
    base, rag = chart.marks
    assert rag.x > base.x
    assert rag.y < base.y
    intervals = [line for line in chart.lines if line.colour != GRID and line.x1 == line.x2]
    assert [line.x1 for line in intervals] == [base.x, rag.x]


def test_each_part_has_a_mark_and_an_interval_for_each_mode() -> None:
    chart = PAPER.by_part([part("how much"), part("who", ORDER[:2])], "By kind")
    assert chart is not None
    assert_legible(chart)
    assert len(chart.marks) == 5 + 5 + 2  # the legend's first
    assert len([line for line in chart.lines if line.colour != GRID]) == 7
    assert {"how much (12)", "who (12)"} <= {words.text for words in chart.words}


def test_modes_are_told_apart_without_colour() -> None:
    chart = PAPER.by_mode(scored(dict.fromkeys(ORDER, (1.0, 0.5))))
    assert chart is not None
    assert_legible(chart)
    shapes = {tuple((round(x - m.x, 3), round(y - m.y, 3)) for x, y in m.corners) for m in chart.marks}
    assert len(shapes) == len(ORDER)


def test_nothing_is_drawn_of_nothing() -> None:
    assert PAPER.by_mode({}) is None
    assert PAPER.against_seconds({"base": {"seconds": interval(1.0)}}) is None
    assert PAPER.by_part([], "By kind") is None


def test_a_name_that_is_too_long_loses_its_middle() -> None:
    assert cut("annual-report-of-the-firm-2024.pdf", 20) == "annual-re…-2024.pdf"
    assert cut("short", 20) == "short"
    assert wide_of(cut("税" * 40, 20)) <= 20


@pytest.mark.parametrize("highest", [0.0, 0.004, 0.31, 1.0, 2.72, 59.0, 61.0, 100.0, 7000.0])
def test_an_axis_reaches_what_it_shows_in_a_few_round_steps(highest: float) -> None:
    found = ticks(highest)
    assert found[0] == 0
    assert found[-1] >= highest
    assert 4 <= len(found) <= 7


@pytest.fixture
def found() -> dict[str, Any]:
    """A report on twelve documents with long names, in every mode."""
    asked = [
        {"id": str(n), "question": f"{('How much', 'Who', 'When')[n % 3]} {n}?", "answerable": True, "meta": {},
         "documents": [f"the <i>annual</i> report of the year {n % 12}.pdf"]}
        for n in range(36)
    ]  # fmt: skip
    outcomes = [Outcome(each["id"], mode, {"token_f1": DRAWN.random()}, 1.0) for each in asked for mode in ORDER]
    verdict: dict[str, Any] = {"headline": "Use it.", "phrases": [], "limits": [], "considered": []}
    return {
        "name": "Spring", "corpus": "Leases", "created_at": "2026-11-29T21:00:00", "left_out": {}, "fingerprints": {},
        "beside": breakdown.sections(asked, outcomes), "questions": [], "verdict": verdict,
    } | summarise(outcomes).json()  # fmt: skip


def test_both_reports_draw_quality_against_cost_and_the_kinds_of_questions(found: dict[str, Any]) -> None:
    page = html.page(found)
    for title in ("Token F1 by mode", "Quality against seconds an answer", "Token F1 by kind of question"):
        assert f"aria-label='{title}'" in page
    assert ">seconds an answer</text>" in page
    assert ">how much (12)</text>" in page
    assert "<i>" not in page
    with pypdfium2.PdfDocument(pdf.document(found)) as opened:
        said = " ".join(" ".join(each.get_textpage().get_text_range() for each in opened).split())
    assert "Quality against seconds an answer" in said
    assert "seconds an answer" in said.replace("against seconds an answer", "")
    assert "how much (12)" in said
    assert said.count("Fine-tuned") > 6


def test_a_chart_of_twelve_documents_in_every_mode_fits_a_page_of_the_pdf(found: dict[str, Any]) -> None:
    with pypdfium2.PdfDocument(pdf.document(found)) as opened:
        pages = [each.get_textpage().get_text_range() for each in opened]
    (whole,) = [text for text in pages if "(3)" in text]
    assert whole.count("(3)") == 12
