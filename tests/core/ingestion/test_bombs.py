"""Files made to exhaust or to escape, through the uploader and the job that indexes them: each ends in text or in one
line, nothing is written outside, and the server does not grow. All are made here."""

import io
import struct
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from core.ingestion import intake
from core.ingestion.intake import Intake
from core.ingestion.limits import MIB
from core.workspace import Workspace
from tests.core.test_zips import empty_entries

GIB = 1024 * MIB


GROWN = 100 * MIB
"""Bytes that the process may have grown by, once the embedding model and all else that is loaded once is there."""


@pytest.fixture
def warm(ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """The corpus of a workspace in which a file was indexed and found; what is temporary has a folder of its own."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    corpus = intake.create_corpus(ws, "Bombs", "legal").id
    for number in range(3):
        uploaded(ws, corpus, f"good{number}.txt", f"The notice period is {number} days. ".encode() * 500)
    return corpus


def uploaded(ws: Workspace, corpus: int, name: str, content: bytes) -> Intake:
    took = intake.add_files(ws, corpus, [(name, content)])
    while ws.jobs.waiting():
        assert ws.dispatcher.run_one() is not None
    return took


def text_of(ws: Workspace, document_id: int) -> str:
    pages = ws.corpora.documents_by_ids([document_id])[document_id].page_count
    return "".join(ws.corpora.page(document_id, number).text for number in range(1, min(pages, 20) + 1))


def nothing_outside(ws: Workspace, tmp_path: Path) -> None:
    assert {path.name for path in tmp_path.iterdir()} == {"temporary", ws.home.name}
    assert [path.name for path in (tmp_path / "temporary").iterdir() if path.name.startswith("triptych-parse")] == []
    assert list(ws.scratch.iterdir()) == []


def deflated_zeros(size: int) -> bytes:
    """`size` zero bytes as a raw deflate stream."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join(packer.compress(bytes(MIB)) for _ in range(size // MIB)) + packer.flush()


def zip_of_zeros(entries: int, size: int) -> bytes:
    """A ZIP of so many files with names of their own, each of `size` zero bytes."""
    stream, crc = deflated_zeros(size), 0
    for _ in range(size // MIB):
        crc = zlib.crc32(bytes(MIB), crc)
    local, central = bytearray(), bytearray()
    for number in range(entries):
        name, at = b"%05d" % number, len(local)
        local += struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, crc, len(stream), size, 5, 0) + name + stream
        central += struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, crc, len(stream), size, 5, 0, 0, 0, 0,
                               0, at) + name  # fmt: skip
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, entries, entries, len(central), len(local), 0)
    return bytes(local + central + end)


def packed(**parts: str | bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def word(document: str, **more: bytes) -> bytes:
    """A Word file with this XML as its document."""
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    types = f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/word/document.xml" ContentType="{kind}"/></Types>'  # noqa: E501
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    links = f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="{relation}" Target="word/document.xml"/></Relationships>'  # noqa: E501
    return packed(**{"[Content_Types].xml": types, "_rels/.rels": links, "word/document.xml": document, **more})


W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def laughs() -> bytes:
    """Ten entities, each ten of the one before."""
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY l0 "laugh">{lines}]><r><t>&l9;</t></r>'.encode()


def external(target: str) -> bytes:
    return f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "{target}">]><r><t>before &x; after</t></r>'.encode()


def deep_tables(depth: int) -> bytes:
    opening, closing = "<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>"
    text = "<w:p><w:r><w:t>deep</w:t></w:r></w:p>"
    return word(f"<w:document {W}><w:body>{opening * depth}{text}{closing * depth}</w:body></w:document>")


def many_pages(count: int) -> bytes:
    """A PDF of so many pages that share one stream."""
    stream = b"BT /F1 12 Tf 72 700 Td (One page of many.) Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%s]>>" % (count, b" ".join(b"%d 0 R" % (5 + n) for n in range(count))),
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 3 0 R/Resources<</Font<</F1 4 0 R>>>>>>"
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate([*objects, *([page] * count)], start=1):
        places.append(len(out))
        out += b"%d 0 obj%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(out + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(places) + 1, start))


def pixel_bomb() -> bytes:
    """A PNG that claims 60,000 by 60,000 pixels."""
    head = struct.pack(">2L5B", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(10 * MIB))), (b"IEND", b"")]
    made = [struct.pack(">L", len(d)) + k + d + struct.pack(">L", zlib.crc32(k + d)) for k, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


PLAIN = f"<w:document {W}><w:body><w:p><w:r><w:t>The fee is due.</w:t></w:r></w:p></w:body></w:document>"
BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "billion laughs": ("a.xml", laughs),
    "billion laughs in Word": ("a.docx", lambda: word(laughs().decode())),
    "external entity, a file": ("a.xml", lambda: external("file:///etc/passwd")),
    "external entity, an address": ("a.xml", lambda: external("http://192.0.2.1/x")),
    "external entity in Word": ("a.docx", lambda: word(external("file:///etc/passwd").decode())),
    "tables 2,000 deep in Word": ("a.docx", lambda: deep_tables(2000)),
    "tables 100,000 deep in HTML": ("a.html", lambda: b"<table><tr><td>" * 100_000 + b"deep"),
    "pixels": ("a.png", pixel_bomb),
    "macros": ("a.docm", lambda: word(PLAIN, **{"word/vbaProject.bin": b"\xd0\xcf\x11\xe0" + bytes(5000)})),
    "10,000 pages": ("a.pdf", lambda: many_pages(10_000)),
    "wrong ending: a PDF called CSV": ("a.csv", lambda: many_pages(1)),
    "wrong ending: HTML called PDF": ("a.pdf", lambda: b"<html><body><p>Words.</p></body></html>"),
    "wrong ending: a program called text": ("a.txt", lambda: b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 40),
    "polyglot: PDF and ZIP": ("a.pdf", lambda: many_pages(1) + packed(**{"evil.txt": "other words"})),
    "polyglot: HTML in a GIF": ("a.gif", lambda: b"GIF89a/*<script>*/=1;<html><body>words</body></html>"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_ends_in_text_or_one_line_within_its_limits(bomb: str, ws: Workspace, warm: int, tmp_path: Path) -> None:
    name, make = BOMBS[bomb]
    content = make()
    before = psutil.Process().memory_info().rss
    took = uploaded(ws, warm, name, content)
    (told,) = [each.reason for each in took.rejected] + [
        row.error for row in ws.corpora.documents_by_ids(each.document_id for each in took.accepted).values()
    ]
    texts = [text_of(ws, each.document_id) for each in took.accepted]
    assert bool(told.strip()) != bool("".join(texts).strip()), "neither text nor a reason, or both"
    assert "\n" not in told
    assert "defect" not in told
    assert "root:" not in "".join(texts)
    assert psutil.Process().memory_info().rss - before < GROWN
    nothing_outside(ws, tmp_path)


def test_a_zip_of_50_kb_that_would_be_4_gb_is_stopped_at_its_total(ws: Workspace, warm: int, tmp_path: Path) -> None:
    """Each of its files is small enough, none is a duplicate: what stops it is their sum."""
    inner = zip_of_zeros(entries=512, size=8 * MIB)
    content = packed(**{"inner.zip": inner})
    assert len(content) < 64 * 1024
    before = psutil.Process().memory_info().rss
    took = uploaded(ws, warm, "a.zip", content)
    reasons = Counter(each.reason for each in took.rejected)
    assert sum(reasons.values()) == 512
    assert not took.accepted
    assert reasons.pop("the archive inflates to more than 1024 MB") == 512 - (GIB - len(inner)) // (8 * MIB)
    assert all("Files of this kind are not read" in reason for reason in reasons)
    assert psutil.Process().memory_info().rss - before < GROWN
    nothing_outside(ws, tmp_path)


def test_a_zip_of_two_million_files_of_nothing_is_stopped_before_its_list_is_read(
    ws: Workspace, warm: int, tmp_path: Path
) -> None:
    content = empty_entries(ws.scratch / "many.zip", 2_000_000).read_bytes()
    (ws.scratch / "many.zip").unlink()
    before = psutil.Process().memory_info().rss
    (told,) = uploaded(ws, warm, "many.zip", content).rejected
    assert "holds too many files" in told.reason
    assert psutil.Process().memory_info().rss - before < GROWN
    nothing_outside(ws, tmp_path)


def test_archives_in_archives_in_archives_end_at_their_depth(ws: Workspace, warm: int, tmp_path: Path) -> None:
    data = packed(**{"deepest.txt": "words"})
    for _ in range(40):
        data = packed(**{"a.zip": data})
    took = uploaded(ws, warm, "a.zip", data)
    assert not took.accepted
    assert [each.reason for each in took.rejected] == ["archives are unpacked one level deep, not further"]
    nothing_outside(ws, tmp_path)


def test_after_a_bomb_the_next_file_is_read_as_ever(ws: Workspace, warm: int) -> None:
    uploaded(ws, warm, "a.xml", laughs())
    (good,) = uploaded(ws, warm, "next.txt", b"The notice period is 30 days.").accepted
    assert text_of(ws, good.document_id) == "The notice period is 30 days."
