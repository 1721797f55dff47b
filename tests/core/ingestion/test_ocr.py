"""Scans and pictures are read in the sandbox; scans are made here, by drawing pages and forgetting their text."""

import io
import socket
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pypdfium2 as pdfium
import pytest

from core.domains import domain
from core.errors import UnreadableFile
from core.ingestion import arriving, intake, scanned
from core.ingestion.limits import Limits
from core.ingestion.parsed import ParsedDocument, ScannedLine
from core.ingestion.parsing import kinds, parse, recognition, scans
from core.ingestion.parsing.draft import DocumentDraft
from core.ingestion.parsing.pdf.shapes import Word
from core.ingestion.sandbox import Sandbox
from core.settings import Settings
from core.workspace import Workspace
from tests.core.ingestion.scanning import LINES, drawn, lettered, mixed


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def read(sandbox: Sandbox, path: Path) -> ParsedDocument:
    return scanned.read(sandbox, path, path.name, sandbox.parse(path, path.name), lambda _done, _total: True)


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tiff"])
def test_pictures_are_known_by_their_bytes(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"page.{ending}"
    drawn(*LINES).save(path)
    assert kinds.kind_of(path, "whatever.txt") == "image"
    assert parse(path, path.name).scans == (1,)


def test_a_picture_of_text_is_read_in_order(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    drawn(*LINES).save(path)
    parsed = read(sandbox, path)
    assert parsed.pages[0].text.split() == " ".join(LINES).split()
    assert (parsed.media_type, parsed.scans, parsed.notes) == ("image/png", (), ("page 1 was read by OCR",))


def test_a_scanned_pdf_becomes_answerable_page_by_page(tmp_path: Path) -> None:
    """The top of a sample's page, drawn and put into a PDF that holds nothing but the picture."""
    with pdfium.PdfDocument(domain("legal").sample_folder / "aldgate-msa.pdf") as document:
        page = document[0].render(scale=150 / 72).to_pil().convert("RGB").crop((0, 160, 1241, 500))
    scan = io.BytesIO()
    page.save(scan, "PDF", resolution=150)
    with Workspace.open(Settings.load(tmp_path / "home")) as ws:
        corpus = intake.create_corpus(ws, "scans", "legal").id
        intake.add_files(ws, corpus, [("scan.pdf", scan.getvalue())])
        job = ws.dispatcher.run_one()
        assert job is not None
        (row,) = ws.corpora.documents(corpus)
        assert (row.status, row.error, row.page_count) == ("ready", "", 1)
        assert "page 1 was read by OCR" in row.notes
        passage = ws.retriever.search(corpus, "Where is Aldgate Castellan registered?", 1)[0]
        assert "Aldgate Castellan Limited" in passage.text
        assert "14 Ropewalk Yard" in passage.text


def test_only_pages_with_little_text_and_a_large_picture_are_read_by_ocr(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "mixed.pdf"
    mixed(path)
    assert parse(path, path.name).scans == (1,)
    parsed = read(sandbox, path)
    first, second = (page.text for page in parsed.pages)
    assert first.count("Received 4 March 2026, no. Z-1187") == 1  # as printed, and not once more as recognised
    assert first.index("Received") < first.index("8,450 euro") < first.index("thirty days")
    assert "Clause 11 is printed" in second
    assert "LOGO" not in second


def test_without_the_extra_a_scan_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "installed", lambda: False)
    assert "make setup-ocr" in arriving.why_not_taken("image", 100)
    picture, pdf = tmp_path / "page.png", tmp_path / "scan.pdf"
    drawn(*LINES).save(picture)
    drawn(*LINES).save(pdf, "PDF")
    with pytest.raises(UnreadableFile, match="make setup-ocr"):
        parse(picture, picture.name)
    parsed = parse(pdf, pdf.name)
    assert "to have scans read: make setup-ocr" in parsed.notes[0]
    assert scanned.read(None, pdf, pdf.name, parsed, lambda *_: True) is parsed  # type: ignore[arg-type]


def test_without_the_extra_a_scan_under_a_stamp_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mixed.pdf"
    mixed(path)
    assert parse(path, path.name).notes == ()  # it is still to be read
    monkeypatch.setattr(scans, "installed", lambda: False)
    (told,) = parse(path, path.name).notes
    assert told.startswith("page 1 was mostly a picture, of which nothing was read: it looks scanned")
    assert "make setup-ocr" in told


def test_a_long_letterhead_above_a_scan_does_not_keep_it_from_being_read(tmp_path: Path) -> None:
    path = tmp_path / "letter.pdf"
    lettered(path, 300)
    assert parse(path, path.name).scans == (1,)


def test_a_scan_with_a_layer_of_text_of_its_own_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "layer.pdf"
    lettered(path, 400)  # the lines stand on the picture
    assert parse(path, path.name).scans == ()


def test_every_frame_of_a_tiff_is_a_page(tmp_path: Path) -> None:
    path = tmp_path / "fax.tiff"
    drawn("One").save(path, save_all=True, append_images=[drawn("Two"), drawn("Three")])
    parsed = parse(path, path.name)
    assert parsed.scans == (1, 2, 3)
    assert len(parsed.pages) == 3


def test_a_pixel_bomb_is_refused_before_it_is_decoded(sandbox: Sandbox, tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
                    for kind, data in chunks)  # fmt: skip
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    with pytest.raises(UnreadableFile, match="60,000 by 60,000 pixels"):
        sandbox.parse(path, path.name)


def test_a_broken_picture_is_one_line_with_a_remedy(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "half.png"
    drawn(*LINES).save(path)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(UnreadableFile, match="damaged"):
        read(sandbox, path)
    path.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with pytest.raises(UnreadableFile, match="damaged"):
        sandbox.parse(path, path.name)


def test_a_cancelled_document_is_not_read_on(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    drawn(*LINES).save(path)
    parsed = sandbox.parse(path, path.name)
    assert scanned.read(sandbox, path, path.name, parsed, lambda _done, _total: False) is parsed


def test_the_models_are_loaded_from_the_package_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")  # as it sets them itself; undone at the end
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    before = threading.active_count()
    assert recognition.load() is not None
    assert threading.active_count() == before


def line(text: str, x0: float, top: float, score: float = 0.98, height: float = 12.0) -> ScannedLine:
    return ScannedLine(text, x0, top, x0 + 6.0 * len(text), top + height, score)


def test_words_share_their_lines_box_in_reading_order() -> None:
    words = scans.to_words([line("second line", 10, 40, height=13), line("first one", 10, 20)])
    assert [word.text for word in words] == ["first", "one", "second", "line"]
    assert (words[1].x0, words[1].x1) == (46.0, 64.0)
    assert len({word.size for word in words}) == 1  # a little more height is no other font


def test_words_where_the_page_has_its_own_are_left_out() -> None:
    printed = Word("STAMP", 10, 60, 18, 34, 10, False, 0)
    left = scans.beside(scans.to_words([line("STAMP", 10, 20), line("below", 10, 60)]), [printed])
    assert [word.text for word in left] == ["below"]


def test_a_page_that_is_hard_to_read_says_so() -> None:
    draft = DocumentDraft(Limits(), "image/png")
    scans.note(draft, {1: [line("clear print here", 0, 0)], 2: [line("smudge", 0, 0, 0.6)]})
    assert draft.notes == [
        "2 pages (1, 2) were read by OCR",
        "page 2 was hard to read: compare the text with the scan",
    ]
