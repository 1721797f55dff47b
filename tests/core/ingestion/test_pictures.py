"""Pages become pictures in the sandbox, and stretches of their text are found on them."""

import base64
import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from pypdfium2 import PdfDocument
from reportlab.pdfgen.canvas import Canvas

from core.domains import domain
from core.errors import UnreadableFile
from core.ingestion import intake
from core.ingestion.marking import aligned, boxes
from core.ingestion.pictures import PagePicture, PlacedWord, from_json
from core.settings import Settings
from core.workspace import Workspace
from storage.rows import DocumentRow

PDF = "application/pdf"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "workspace")) as opened:
        yield opened


def added(workspace: Workspace, name: str, content: bytes | Path, media_type: str = PDF) -> DocumentRow:
    """A document whose file is stored and which is not indexed: drawing needs no more."""
    corpus = intake.create_corpus(workspace, "Pictures", "legal")
    intake.add_files(workspace, corpus.id, [(name, content)])
    (document,) = workspace.corpora.documents(corpus.id)
    return dataclasses.replace(document, media_type=media_type)


def test_a_page_is_drawn_with_its_words_where_they_stand(workspace: Workspace) -> None:
    document = added(workspace, "lease.pdf", domain("legal").sample_folder / "kestrel-wharf-lease.pdf")
    picture = workspace.pictures.page(document, 1)
    assert picture.image[1:4] == b"PNG" or picture.media_type == "image/jpeg"
    assert picture.width == 1100
    assert picture.height > picture.width
    assert len(picture.words) > 100
    assert workspace.pictures.page(document, 1) is picture


def test_every_word_of_a_pages_text_is_found_on_its_picture(workspace: Workspace) -> None:
    path = domain("legal").sample_folder / "aldgate-msa.pdf"
    document = added(workspace, "msa.pdf", path)
    for page in workspace.sandbox.parse(path, "msa.pdf").pages:
        found = aligned(page.text, workspace.pictures.page(document, page.number).words)
        assert [page.text[start:end] for start, end, words in found if not words] == []


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_words_of_a_turned_page_stand_where_people_see_them(workspace: Workspace, tmp_path: Path, turn: int) -> None:
    canvas = Canvas(str(tmp_path / "turned.pdf"), pagesize=(600, 800))
    canvas.drawString(60, 700, "Corner")
    canvas.save()
    with PdfDocument(tmp_path / "turned.pdf") as document:
        document[0].set_rotation(turn)
        document.save(tmp_path / "turned.pdf")
    picture = from_json(workspace.sandbox.picture(tmp_path / "turned.pdf", "turned.pdf", 1, 600), "turned.pdf")
    (word,) = picture.words
    across, down = (word.left + word.right) / 2, (word.top + word.bottom) / 2
    assert (across < 0.5, down < 0.5) == {
        0: (True, True),
        90: (False, True),
        180: (False, False),
        270: (True, False),
    }[turn]
    assert (picture.width > picture.height) == (turn in (90, 270))


def test_what_cannot_be_drawn_says_so(workspace: Workspace, tmp_path: Path) -> None:
    document = added(workspace, "note.md", b"# A\n\nSome text.", "text/markdown")
    with pytest.raises(UnreadableFile, match="no pages to draw"):
        workspace.pictures.page(document, 1)
    pdf = dataclasses.replace(document, media_type=PDF)
    with pytest.raises(UnreadableFile, match="damaged"):
        workspace.pictures.page(pdf, 1)
    with pytest.raises(UnreadableFile, match="is gone"):
        workspace.pictures.page(dataclasses.replace(pdf, content_sha256="0" * 64), 1)


def test_a_page_that_is_not_there_is_refused(workspace: Workspace) -> None:
    document = added(workspace, "lease.pdf", domain("legal").sample_folder / "kestrel-wharf-lease.pdf")
    with pytest.raises(UnreadableFile, match="has no page 99"):
        workspace.pictures.page(document, 99)


def test_an_enormous_page_is_drawn_small(workspace: Workspace, tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "tall.pdf"), pagesize=(20, 14_000))
    canvas.drawString(2, 700, "x")
    canvas.save()
    picture = from_json(workspace.sandbox.picture(tmp_path / "tall.pdf", "tall.pdf", 1, 1000), "tall.pdf")
    assert picture.height <= 3001


@pytest.mark.parametrize("image", ["", "no base64!", base64.b64encode(b"<svg onload=alert(1)>").decode()])
def test_what_is_no_picture_is_not_taken_for_one(image: str) -> None:
    with pytest.raises(UnreadableFile):
        from_json({"image": image, "width": 1, "height": 1, "across": 1, "words": []}, "x.pdf")


def placed(*lines: str) -> tuple[PlacedWord, ...]:
    """Words on lines of a page, each 0.05 wide and 0.04 apart."""
    return tuple(
        PlacedWord(word, 0.06 * at, 0.1 * number, 0.06 * at + 0.05, 0.1 * number + 0.04)
        for number, line in enumerate(lines)
        for at, word in enumerate(line.split())
    )


def covered(text: str, words: tuple[PlacedWord, ...], part: str) -> list[str]:
    start = text.index(part)
    (found,) = boxes(text, words, [(start, start + len(part))])
    return [box.text for box in found]


def test_a_stretch_over_two_lines_has_a_rectangle_for_each() -> None:
    words = placed("Either party may end", "this agreement early.")
    assert covered("Either party may end this agreement early.", words, "may end this agreement") == [
        "may end",
        "this agreement",
    ]


def test_a_word_divided_at_the_end_of_a_line_is_found() -> None:
    words = placed("The land‐", "lord repairs it.")
    assert covered("The landlord repairs it.", words, "landlord repairs") == ["land‐", "lord repairs"]


def test_columns_that_the_text_puts_in_order_are_found() -> None:
    words = placed("one alpha two beta", "three gamma four delta")
    assert covered("one two three four alpha beta gamma delta", words, "three four alpha") == ["three", "four", "alpha"]


def test_a_phrase_that_comes_twice_is_marked_where_it_was_meant() -> None:
    words = placed("The rent is due.", "The rent is late.")
    text = "The rent is due.\nThe rent is late."
    start = text.rindex("The rent")
    (found,) = boxes(text, words, [(start, start + 8)])
    assert [(box.text, round(box.top, 1)) for box in found] == [("The rent", 0.1)]


def test_words_that_are_not_on_the_picture_have_no_rectangle() -> None:
    assert boxes("A header that was carried over", placed("nothing of it"), [(0, 30)]) == [[]]
    assert boxes("", (), [(0, 0)]) == [[]]


def test_a_picture_is_a_seam_that_knows_its_kind() -> None:
    empty = base64.b64encode(b"\xff\xd8\xff\xe0").decode()
    value = {"image": empty, "width": 1, "height": 1, "across": 1, "words": [["a", -1, 0, 2, 1]]}
    picture = from_json(value, "x.pdf")
    assert isinstance(picture, PagePicture)
    assert (picture.media_type, picture.words[0].left, picture.words[0].right) == ("image/jpeg", 0.0, 1.0)
    for impossible in (0, -1, float("nan"), "wide"):
        with pytest.raises(UnreadableFile):
            from_json(value | {"across": impossible}, "x.pdf")


def test_a_page_that_is_asked_for_twice_at_once_is_drawn_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = added(workspace, "lease.pdf", domain("legal").sample_folder / "kestrel-wharf-lease.pdf")
    begun, may_end, drawn = Event(), Event(), workspace.sandbox.picture
    asked: list[int] = []

    def slowly(path: Path, name: str, number: int, width: int) -> dict[str, Any]:
        asked.append(number)
        begun.set()
        may_end.wait(60)
        return drawn(path, name, number, width)

    monkeypatch.setattr(workspace.sandbox, "picture", slowly)
    workspace.pictures.ahead(document, 1)
    begun.wait(60)
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(workspace.pictures.page, document, 1)
        may_end.set()
        assert waiting.result().width == 1100
    assert workspace.pictures.page(document, 1) is waiting.result()
    assert asked == [1]


def test_what_cannot_be_drawn_ahead_is_told_to_who_asks(workspace: Workspace) -> None:
    document = added(workspace, "broken.pdf", b"%PDF-1.7 broken")
    workspace.pictures.ahead(document, 1)
    for _ in range(2):
        with pytest.raises(UnreadableFile, match="broken"):
            workspace.pictures.page(document, 1)
