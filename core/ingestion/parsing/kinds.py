"""What a file is, by its bytes first and its name second. Nothing is parsed here."""

import re
import zipfile
from pathlib import Path
from typing import Literal

from core import zips

Kind = Literal[
    "pdf",
    "docx",
    "pptx",
    "xlsx",
    "ole",
    "zip",
    "html",
    "markdown",
    "csv",
    "jsonl",
    "xml",
    "mail",
    "text",
    "image",
    "binary",
    "empty",
]

_BY_NAME: dict[str, Kind] = {
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    **dict.fromkeys((".md", ".mdx", ".markdown"), "markdown"),
    **dict.fromkeys((".csv", ".tsv", ".tab"), "csv"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "jsonl"),
    **dict.fromkeys((".txt", ".text", ".log", ".rst"), "text"),
    ".xml": "xml",
    ".eml": "mail",
    ".pdf": "pdf",
    ".docx": "docx",
    ".pptx": "pptx",
    ".xlsx": "xlsx",
    ".docm": "docx",
    ".pptm": "pptx",
    ".xlsm": "xlsx",
}
_HTML = re.compile(rb"^\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_BINARY_HEADS = (
    b"GIF8",
    b"PK\x03\x04",
    b"MZ",
    b"\x7fELF",
    b"\x1f\x8b",
    b"Rar!",
    b"7z\xbc\xaf",
)
_IMAGE_HEADS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
READ = "PDF, DOCX, PPTX, XLSX, CSV, JSONL, HTML, Markdown, text, XML, EML, and pictures (PNG, JPEG, TIFF, WebP)"


def kind_of(path: Path, name: str) -> Kind:
    """What the file at `path`, called `name`, is."""
    with path.open("rb") as file:
        head = file.read(4096)
    by_name = _BY_NAME.get(Path(name.replace("\\", "/")).suffix.lower())
    if not head:
        return "empty"
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(_OLE):
        return "ole"
    if head.startswith(_IMAGE_HEADS) or (head.startswith(b"RIFF") and head[8:12] == b"WEBP"):
        return "image"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        office = _office_kind(path)
        return office or (by_name if by_name in ("docx", "pptx", "xlsx") else "zip")
    if by_name in ("pdf", "docx", "pptx", "xlsx"):
        return by_name
    if head.startswith(_BINARY_HEADS) or (by_name not in ("html", "mail", "xml") and _is_binary(head)):
        return "binary"
    if by_name in (None, "text") and _HTML.match(head):
        return "html"
    return by_name or ("xml" if head.lstrip().startswith(b"<?xml") else "text")


def _office_kind(path: Path) -> Kind | None:
    try:
        with zips.opened(path) as archive:
            names = {name.lower().replace("\\", "/").lstrip("/").split("/")[0] for name in archive.namelist()[:20_000]}
    except zipfile.BadZipFile:
        return None
    for folder, kind in (("word", "docx"), ("ppt", "pptx"), ("xl", "xlsx")):
        if folder in names:
            return kind  # type: ignore[return-value]
    return None


def _is_binary(head: bytes) -> bool:
    """Control bytes that no text encoding uses, in bulk. UTF-16 and UTF-32 have NULs in a pattern, not at random."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        return False
    nuls = [head[k::4].count(0) for k in range(4)]
    if sum(nuls) > 0.3 * len(head) and min(nuls) < 0.1 * max(nuls):
        return False
    control = sum(head.count(bytes([code])) for code in (*range(0, 7), *range(14, 27), *range(28, 32)))
    return control > 0.1 * len(head) and control > 4
