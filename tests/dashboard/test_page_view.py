"""A page is shown as a picture or as text, with the same words marked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont
from reportlab.pdfgen.canvas import Canvas
from streamlit.testing.v1 import AppTest

from core.ingestion import intake
from core.workspace import Workspace
from dashboard.components.page_text import runs
from storage.rows import CorpusRow

Open = Callable[..., AppTest]


def shown(app: AppTest, name: str) -> list[dict[str, Any]]:
    return [json.loads(each.proto.json) for each in app.get("bidi_component") if name in each.proto.component_name]


def pages(app: AppTest) -> list[dict[str, Any]]:
    """Pages shown as text; the words of a chunk have nothing marked in them."""
    return [data for data in shown(app, "page") if any(kind == "current" for _, kind in data["runs"])]


@pytest.fixture
def lease(workspace: Workspace, corpus: CorpusRow, tmp_path: Path) -> int:
    canvas = Canvas(str(tmp_path / "lease.pdf"), pagesize=(600, 800))
    for number in (1, 2):
        canvas.drawString(60, 700, f"Page {number} of the lease of Kestrel Wharf.")
        canvas.showPage()
    canvas.save()
    intake.add_files(workspace, corpus.id, [("lease.pdf", tmp_path / "lease.pdf")])
    workspace.dispatcher.run_one()
    return workspace.corpora.documents(corpus.id)[0].id


def test_a_page_of_a_pdf_is_a_picture_with_the_words_marked(
    open_page: Open, workspace: Workspace, corpus: CorpusRow, lease: int
) -> None:
    text = workspace.corpora.page(lease, 1).text
    start = text.index("Kestrel Wharf")
    app = open_page("corpus", corpus=corpus.id, document=lease, page=1, mark=f"{start}-{start + 13}")
    (picture,) = shown(app, "picture")
    assert picture["source"].startswith("data:image/")
    assert [(line[4], line[5]) for line in picture["lines"]] == [("Kestrel Wharf.", "current")]
    assert not pages(app)


def test_a_picture_of_a_page_is_shown_with_the_words_that_ocr_read_marked(
    open_page: Open, workspace: Workspace, corpus: CorpusRow, tmp_path: Path
) -> None:
    scan = Image.new("RGB", (800, 120), "white")
    ImageDraw.Draw(scan).text((40, 40), "The keys of Kestrel Wharf are kept here.", "black", ImageFont.load_default(30))
    scan.save(tmp_path / "keys.png")
    intake.add_files(workspace, corpus.id, [("keys.png", tmp_path / "keys.png")])
    workspace.dispatcher.run_one()
    (document,) = workspace.corpora.documents(corpus.id)
    start = workspace.corpora.page(document.id, 1).text.index("Kestrel Wharf")
    app = open_page("corpus", corpus=corpus.id, document=document.id, page=1, mark=f"{start}-{start + 13}")
    (picture,) = shown(app, "picture")
    assert picture["source"].startswith("data:image/")
    assert [(line[4], line[5]) for line in picture["lines"]] == [("Kestrel Wharf", "current")]
    assert not any("could be found" in caption.value for caption in app.caption)


def test_whoever_prefers_text_keeps_it_on_other_pages(open_page: Open, corpus: CorpusRow, lease: int) -> None:
    app = open_page("corpus", corpus=corpus.id, document=lease, page=1)
    app.segmented_control(key=f"page-{lease}-1-as").set_value("text").run()
    assert not shown(app, "picture")
    app.query_params["page"] = "2"
    app.run()
    assert not shown(app, "picture")
    assert len(pages(app)) == 1


def test_a_file_that_is_gone_is_shown_as_text_and_says_why(
    open_page: Open, workspace: Workspace, corpus: CorpusRow, lease: int
) -> None:
    workspace.files.delete(workspace.corpora.document(lease).content_sha256)
    app = open_page("corpus", corpus=corpus.id, document=lease, page=1)
    assert not app.exception
    assert len(pages(app)) == 1
    assert any("is gone" in caption.value for caption in app.caption)


def test_marks_cut_the_text_and_the_current_one_wins() -> None:
    assert runs("abcdef", [(1, 3), (2, 5)], 1) == [["ab", ""], ["cde", "current"], ["f", ""]]
    assert runs("abcdef", [(0, 1), (4, 6)], 0) == [["a", "current"], ["bcd", ""], ["ef", "mark"]]
    assert runs("abc", [(2, 9)], 5) == [["abc", ""]]
