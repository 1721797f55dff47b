"""What reading left out of a document is seen at once, by reason, with the way to its pages."""

from collections.abc import Callable
from pathlib import Path

from reportlab.pdfgen.canvas import Canvas
from streamlit.testing.v1 import AppTest

from core.ingestion import intake
from core.workspace import Workspace
from dashboard.components.omissions import by_reason
from storage.rows import CorpusRow
from tests.dashboard.conftest import words

Open = Callable[..., AppTest]


def test_what_was_left_out_is_drawn_when_it_is_opened_and_leads_to_its_page(
    open_page: Open, workspace: Workspace, corpus: CorpusRow, tmp_path: Path
) -> None:
    canvas = Canvas(str(tmp_path / "long.pdf"))
    for number in range(1, 31):
        canvas.drawString(40, 700, f"Page {number} says that the rent of berth {number} is {number} crowns a month.")
        canvas.setFillGray(1)
        canvas.drawString(40, 500, f"SECRET {number}")
        canvas.setFillGray(0)
        canvas.showPage()
    canvas.save()
    intake.add_files(workspace, corpus.id, [("long.pdf", (tmp_path / "long.pdf").read_bytes())])
    workspace.dispatcher.run_one()
    (document,) = workspace.corpora.documents(corpus.id)
    app = open_page("corpus", corpus=corpus.id, document=document.id)
    assert not app.exception
    assert [each.label for each in app.expander if "Left out" in each.label] == ["Left out of this document: 30 things"]
    assert "SECRET 7" not in words(app)
    app.session_state[f"left-out-{document.id}"] = True
    app.run()
    assert "**hidden text: white on white** · 30" in words(app)
    assert "SECRET 7" in words(app)
    assert "and 15 more, on pages 16, 17, " in words(app)
    next(button for button in app.button if button.label == "Page 7").click().run()
    assert not app.exception
    assert app.query_params["page"] == "7"


def test_what_is_most_comes_first_and_of_one_reason_what_stands_first() -> None:
    rows = [{"page": 3, "what": "c", "why": "few"}, {"page": 9, "what": "b", "why": "many"}]
    found = by_reason([*rows, {"page": 2, "what": "a", "why": "many"}])
    assert [(why, [each["what"] for each in those]) for why, those in found.items()] == [
        ("many", ["a", "b"]),
        ("few", ["c"]),
    ]


def test_a_document_of_which_nothing_was_left_out_says_nothing_of_it(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    (document,) = workspace.corpora.documents(indexed.id)
    app = open_page("corpus", corpus=indexed.id, document=document.id)
    assert not [each for each in app.expander if "Left out" in each.label]
