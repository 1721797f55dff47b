"""PDF tables: ruled and unruled ones become one line a row under their header; samples' evidence is found."""

import json
import re
from pathlib import Path

import pytest
from drawing import blank, drawn

import core.domains
from core.ingestion.parsed import ParsedDocument
from core.ingestion.parsing import parse


def _ruled(tmp_path: Path, *tables: tuple[list[list[str]], list[int]], bold: bool = True) -> ParsedDocument:
    """Tables one under another with all rules drawn, cells wrapped by reportlab, a caption above each."""
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

    style, head = ParagraphStyle("cell", fontSize=9), ParagraphStyle("head", fontName="Helvetica-Bold", fontSize=9)
    story: list[object] = []
    for number, (rows, widths) in enumerate(tables, start=1):
        cells = [[Paragraph(cell, head if bold and not at else style) for cell in row] for at, row in enumerate(rows)]
        story += [
            Paragraph(f"Table {number}. A caption of its own."),
            Table(cells, widths, style=[("GRID", (0, 0), (-1, -1), 0.5, "black")]),
        ]
    SimpleDocTemplate(str(tmp_path / "drawn.pdf"), pagesize=(600, 400)).build(story)
    return parse(tmp_path / "drawn.pdf", "drawn.pdf")


DOSES = [
    ["Infection", "First choice", "Duration"],
    ["Cellulitis", "Dorvicillin 1 g by mouth four times daily until the fever is gone", "6 days"],
    ["Animal or human bite that broke the skin", "Morvaxel", "4 days"],
]


def test_a_ruled_cell_of_several_lines_stays_one_cell(tmp_path: Path) -> None:
    page = _ruled(tmp_path, (DOSES, [90, 130, 60])).pages[0]
    row = "| Cellulitis | Dorvicillin 1 g by mouth four times daily until the fever is gone | 6 days |"
    assert row in page.text.split("\n")
    assert "| Animal or human bite that broke the skin | Morvaxel | 4 days |" in page.text.split("\n")
    assert [block.header for block in page.blocks[2:]] == ["| Infection | First choice | Duration |"] * 2


def test_ruled_tables_with_other_columns_are_not_fused_and_keep_their_captions(tmp_path: Path) -> None:
    parts = [["Part", "Price"], ["Pump", "48"], ["Valve", "12"]]
    page = _ruled(tmp_path, (DOSES, [90, 130, 60]), (parts, [200, 40])).pages[0]
    kinds = [block.kind for block in page.blocks]
    assert kinds == ["paragraph", *["table_row"] * 3, "paragraph", *["table_row"] * 3]
    assert page.text.endswith("Table 2. A caption of its own.\n\n| Part | Price |\n| Pump | 48 |\n| Valve | 12 |")


def test_a_table_that_goes_on_overleaf_keeps_its_header(tmp_path: Path) -> None:
    rows = [["Terminal", "Cable"], *([f"Room {n} on the upper floor", f"{n} x 0.75 mm"] for n in range(1, 40))]
    pages = _ruled(tmp_path, (rows, [200, 100])).pages
    assert len(pages) > 2
    for page in pages[1:]:
        assert {block.header for block in page.blocks} == {"| Terminal | Cable |"}
        assert "Terminal" not in page.text


def test_rules_under_headings_and_totals_make_no_table_of_their_own(tmp_path: Path) -> None:
    canvas = blank(tmp_path)
    for x, text in ((300, "2024"), (400, "2023")):
        canvas.drawString(x, 700, text)
        canvas.line(x - 5, 696, x + 60, 696)
    for y, label in ((680, "Revenue"), (664, "Costs"), (648, "Profit")):
        canvas.drawString(50, y, label)
        canvas.drawString(300, y, f"1,{y}")
        canvas.drawString(400, y, f"2,{y}")
    for y in (660, 644):
        canvas.line(295, y, 360, y)
        canvas.line(395, y, 460, y)
    canvas.save()
    text = parse(tmp_path / "drawn.pdf", "drawn.pdf").pages[0].text
    assert (
        text == "| | 2024 | 2023 |\n| Revenue | 1,680 | 2,680 |\n| Costs | 1,664 | 2,664 |\n| Profit | 1,648 | 2,648 |"
    )


def test_lines_of_a_wrapped_cell_without_rules_are_one_row(tmp_path: Path) -> None:
    draw: list[tuple[float, float, str]] = [(50, 700, "Role"), (200, 700, "Duty")]
    for y, role, first, second in (
        (680, "Carrier", "Moves the goods", "to the port"),
        (650, "Agent", "Clears", "them"),
    ):
        draw += [(50, y, role), (200, y, first), (200, y - 13, second)]
    draw += [(50, 620, "Buyer"), (200, 620, "Pays")]
    text = drawn(tmp_path, draw).pages[0].text
    assert (
        text == "| Role | Duty |\n| Carrier | Moves the goods to the port |\n| Agent | Clears them |\n| Buyer | Pays |"
    )


@pytest.mark.parametrize("domain", ["finance", "healthcare", "legal", "support"])
def test_evidence_of_the_sample_questions_stands_word_for_word_on_its_page(domain: str) -> None:
    """Rows must be there exactly as `| a | b |`; other evidence with white space collapsed."""
    home = Path(core.domains.__file__).parent / domain
    documents: dict[str, ParsedDocument] = {}
    checked = 0
    for line in [line for part in ("gold", "train") for line in (home / f"{part}.jsonl").read_text().splitlines()]:
        question = json.loads(line)
        name = question["doc_ids"][0] if question["doc_ids"] else ""
        if not name.endswith(".pdf") or not question.get("evidence"):
            continue
        document = documents.setdefault(name, parse(home / "sample" / name, name))
        page = document.pages[question["meta"]["page"] - 1].text
        for evidence in re.split(r"\n| \.\.\. ", question["evidence"]):
            found = evidence in page.split("\n") if evidence.startswith("|") else _flat(evidence) in _flat(page)
            assert found, (question["id"], evidence)
            checked += 1
    assert checked >= 30


def _flat(text: str) -> str:
    return " ".join(text.replace("|", " ").split())
