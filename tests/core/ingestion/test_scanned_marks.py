"""Pages that were read by OCR are shown as pictures too, with the quoted words marked where they stand on the scan."""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from core.errors import UnreadableFile
from core.ingestion import intake
from core.ingestion.limits import Limits
from core.ingestion.marking import Box, boxes
from core.ingestion.parsed import Page, ParsedDocument, ScannedLine
from core.ingestion.parsing import image, recognition, scans
from core.ingestion.personal import redacted
from core.ingestion.pictures import PagePicture, PlacedWord, with_scanned
from core.ingestion.sandbox import Sandbox
from core.settings import Settings
from core.workspace import Workspace
from tests.core.ingestion.scanning import LINES, drawn, mixed, place

QUOTED = "8,450 euro"
TURNED = 0x0112
"""The EXIF tag by which a camera says how it was held."""
NAMES = ("scan.pdf", "mixed.pdf", "page.png", "photo.jpg", "fax.tiff")


def write_all(folder: Path) -> None:
    """A scan as PDF, a page with print and a scan, a picture, one taken sideways, one with two frames."""
    drawn(*LINES).save(folder / "scan.pdf")
    mixed(folder / "mixed.pdf")
    drawn(*LINES).save(folder / "page.png")
    turned = Image.Exif()
    turned[TURNED] = 6  # to be turned a quarter clockwise
    drawn(*LINES).transpose(Image.Transpose.ROTATE_90).save(folder / "photo.jpg", exif=turned, quality=95)
    drawn("Cover sheet of a fax.").save(folder / "fax.tiff", save_all=True, append_images=[drawn(*LINES)])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("scans")
    write_all(folder)
    with Workspace.open(Settings.load(folder / "workspace")) as opened:
        corpus = intake.create_corpus(opened, "scans", "legal").id
        intake.add_files(opened, corpus, [(name, folder / name) for name in NAMES])
        opened.dispatcher.run_one()
        yield opened


def marked(ws: Workspace, name: str, number: int, quoted: str) -> tuple[PagePicture, list[Box]]:
    """A page's picture, and the rectangles on it for words of the page's text."""
    document = next(row for row in ws.corpora.documents(1) if row.name == name)
    text = ws.corpora.page(document.id, number).text
    start = text.index(quoted)
    picture = ws.pictures.page(document, number)
    (found,) = boxes(text, picture.words, [(start, start + len(quoted))])
    return picture, found


def covers(box: Box, words: tuple[float, float, float, float], left: float, top: float, scale: float) -> bool:
    """Whether a box stands where `place` says, on a picture that lies at `left`, `top` and is `scale` (shares a pixel).

    OCR gives a line's box, of which a word has its share by letters: so they meet in most of their area, no more.
    """
    x0, y0, x1, y1 = words
    across = min(box.right, left + x1 * scale) - max(box.left, left + x0 * scale)
    down = min(box.bottom, top + y1 * scale) - max(box.top, top + y0 * scale)
    return across > 0.7 * (x1 - x0) * scale and down > 0.6 * (y1 - y0) * scale


@pytest.mark.parametrize(("name", "number"), [("scan.pdf", 1), ("page.png", 1), ("photo.jpg", 1), ("fax.tiff", 2)])
def test_quoted_words_of_a_scan_are_marked_where_they_stand(workspace: Workspace, name: str, number: int) -> None:
    picture, found = marked(workspace, name, number, QUOTED)
    assert [box.text.rstrip(".") for box in found] == [QUOTED]
    upright = [replace(box, top=box.top * 180 / 900, bottom=box.bottom * 180 / 900) for box in found]
    assert covers(upright[0], place(0, QUOTED), 0, 0, 1 / 900)
    assert round(picture.width / picture.height, 1) == 5.0


def test_words_of_a_page_with_print_and_a_scan_are_marked_in_both(workspace: Workspace) -> None:
    picture, printed = marked(workspace, "mixed.pdf", 1, "4 March 2026")
    assert [(box.text.rstrip(","), box.bottom < 0.1) for box in printed] == [("4 March 2026", True)]
    assert [word.text for word in picture.words].count("Received") == 1  # not once more as OCR read it
    _, scan = marked(workspace, "mixed.pdf", 1, "thirty days")
    (upright,) = [replace(box, top=box.top * 400 / 600, bottom=box.bottom * 400 / 600) for box in scan]
    assert covers(upright, place(1, "thirty days"), 0, (400 - 307) / 600, 1 / 900)


def test_every_word_of_a_scans_text_is_on_its_picture(workspace: Workspace) -> None:
    _, found = marked(workspace, "page.png", 1, "The deposit")
    assert len(found) == 1
    document = next(row for row in workspace.corpora.documents(1) if row.name == "page.png")
    page = workspace.corpora.page(document.id, 1)
    whole = boxes(page.text, workspace.pictures.page(document, 1).words, [(0, len(page.text))])
    assert [box.text for box in whole[0]] == LINES


def test_what_ocr_found_goes_with_its_document(tmp_path: Path) -> None:
    with Workspace.open(Settings.load(tmp_path / "workspace")) as ws:
        corpus = intake.create_corpus(ws, "scans", "legal").id
        content = io.BytesIO()
        drawn(*LINES).save(content, "PNG")
        intake.add_files(ws, corpus, [("page.png", content.getvalue())])
        ws.dispatcher.run_one()
        (document,) = ws.corpora.documents(corpus)
        assert [line[0] for line in ws.corpora.scanned(document.id, 1) or ()] == LINES
        intake.delete_documents(ws, [document.id])
        while ws.dispatcher.run_one():
            pass
        assert ws.corpora.scanned(document.id, 1) is None
        ws.database.compact_log()
        assert not any(b"8,450" in path.read_bytes() for path in ws.home.rglob("*") if path.is_file())


def test_nothing_that_ocr_found_is_kept_of_a_page_that_was_redacted() -> None:
    mail = "jane.roe@example.com"
    page = Page(1, "", f"Write to {mail}", (), (ScannedLine(f"Write to {mail}", 0, 0, 90, 9, 0.9),))
    assert redacted(ParsedDocument("", "image/png", (page,))).pages[0].scanned == ()


def test_a_picture_without_what_ocr_found_is_shown_all_the_same(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pages stored before that was kept are, also where the extra is not installed."""
    monkeypatch.setattr(scans, "installed", lambda: False)
    monkeypatch.setattr(workspace.corpora, "scanned", lambda *_: None)
    picture, found = marked(workspace, "page.png", 1, QUOTED)
    assert (picture.words, found) == ((), [])


def test_a_frame_that_is_not_there_and_a_broken_picture_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    document = next(row for row in workspace.corpora.documents(1) if row.name == "fax.tiff")
    with pytest.raises(UnreadableFile, match="has no page 3"):
        workspace.pictures.page(document, 3)
    half = tmp_path / "half.png"
    drawn(*LINES).save(half)
    half.write_bytes(half.read_bytes()[:600])
    with pytest.raises(UnreadableFile, match="damaged"):
        workspace.sandbox.picture(half, half.name, 1, 1100)


def test_a_pixel_bomb_is_refused_before_it_is_drawn(workspace: Workspace, tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
                    for kind, data in chunks)  # fmt: skip
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    with pytest.raises(UnreadableFile, match="60,000 by 60,000 pixels"):
        workspace.sandbox.picture(bomb, bomb.name, 1, 1100)


def test_a_frame_larger_than_the_first_is_refused_as_well(tmp_path: Path) -> None:
    path = tmp_path / "growing.tiff"
    drawn("Small", size=(200, 100)).save(path, save_all=True, append_images=[drawn("Large", size=(900, 900))])
    with pytest.raises(UnreadableFile, match="900 by 900 pixels"):
        image.picture_of(path, path.name, 2, 1100, Limits(pixels=100_000))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_lets_through_is_white_and_black_letters_on_it_are_seen(tmp_path: Path, mode: str) -> None:
    letters = Image.new("LA", (200, 80), (0, 0))
    ImageDraw.Draw(letters).rectangle((20, 20, 60, 60), fill=(0, 255))
    letters.convert("RGBA").convert(mode).save(tmp_path / "clear.png")
    with recognition.opened(tmp_path / "clear.png", "clear.png", Limits()) as picture:
        seen = recognition.frame(picture, 1, "clear.png", Limits())
    assert (seen.mode, seen.getpixel((5, 5)), seen.getpixel((40, 40))) == ("RGB", (255, 255, 255), (0, 0, 0))


def test_a_large_picture_is_drawn_small_and_a_small_one_as_it_is(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        for size, shown in (((4_400, 1_000), (1_100, 250)), ((300, 200), (300, 200)), ((20, 9_000), (7, 3_300))):
            path = tmp_path / "page.png"
            drawn("x", size=size).save(path)
            picture = sandbox.picture(path, path.name, 1, 1100)
            assert (picture["width"], picture["height"]) == shown


def test_what_a_page_says_itself_stands_before_what_ocr_read_there() -> None:
    own = PlacedWord("STAMP", 0.1, 0.1, 0.2, 0.12)
    picture = PagePicture(b"", "image/png", 100, 100, 600.0, (own,))
    lines = [ScannedLine("STAMP", 60, 60, 120, 72, 0.9), ScannedLine("STAMP", 60, 300, 120, 312, 0.9)]
    joined = with_scanned(picture, lines)
    assert [(word.text, round(word.top, 2)) for word in joined.words] == [("STAMP", 0.1), ("STAMP", 0.5)]
