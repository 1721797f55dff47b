"""Files to pages of text with blocks: the one entrance, `parse`, chooses the reader by what the bytes are.

Runs in the process that calls it: uploads go through `core.ingestion.sandbox`, which calls this in a child.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import UnreadableFile
from core.ingestion.limits import Limits
from core.ingestion.parsed import Dropped, ParsedDocument
from core.ingestion.parsing.cleaning import Noticed, noticing
from core.ingestion.parsing.kinds import READ, kind_of
from core.ingestion.parsing.scans import Scans

if TYPE_CHECKING:
    from core.ingestion.parsing.pdf.halves import Late


def parse(
    path: Path,
    name: str,
    limits: Limits | None = None,
    web: bool = False,
    found: Scans | None = None,
    late: "Late | None" = None,
) -> ParsedDocument:
    """Reads a file.

    Args:
        path: where the bytes are.
        name: what people call the file; only its ending is used, and its words in messages.
        limits: what it may cost.
        web: it is a page as fetched from the web, with navigation around its text.
        found: lines of scanned pages, read by OCR (`recognition`).
        late: gives the pages of the later half of a long PDF, where another process reads them.

    Raises:
        UnreadableFile: it is empty, broken, encrypted, over a limit, or of a kind that is not read.
    """
    with noticing() as noticed:
        parsed = _parse(path, name, limits or Limits(), web, found or {}, late)
    return with_hidden(parsed, noticed)


def parse_line(text: str, title: str) -> ParsedDocument:
    """The text of one corpus.jsonl line, which is plain text already."""
    from core.ingestion.parsing.text import parse_text

    with noticing() as noticed:
        parsed = parse_text(text, title)
    return with_hidden(parsed, noticed)


def with_hidden(parsed: ParsedDocument, noticed: Noticed) -> ParsedDocument:
    """The document with the invisible characters that were taken out among what was dropped."""
    return replace(parsed, dropped=parsed.dropped + tuple(Dropped(0, what[:200], why) for what, why in noticed.told()))


def _parse(path: Path, name: str, limits: Limits, web: bool, found: Scans, late: "Late | None") -> ParsedDocument:
    size = path.stat().st_size
    if size > limits.upload:
        raise UnreadableFile(f"{name} is larger than {limits.upload >> 20} MB.", "Split it and add the parts.")
    kind = kind_of(path, name)
    if kind == "pdf":
        from core.ingestion.parsing.pdf.document import parse_pdf

        return parse_pdf(path, name, limits, found, late)
    if kind == "image":
        from core.ingestion.parsing.image import parse_image

        return parse_image(path, name, limits, found)
    if kind in ("docx", "pptx", "xlsx", "ole"):
        return _office(kind, path, name, limits)
    if kind == "empty":
        raise UnreadableFile(f"{name} is empty (0 bytes).", "Add the file again from its source.")
    if kind == "zip":
        raise UnreadableFile(f"{name} is an archive inside an archive or of an unknown kind.", "Unpack it first.")
    if kind == "binary":
        raise UnreadableFile(f"{name} is not of a kind that is read.", f"Add {READ}.")
    if web and kind == "html":
        return _web(path.read_bytes(), limits)
    return _textual(kind, path.read_bytes(), name, limits)


def _office(kind: str, path: Path, name: str, limits: Limits) -> ParsedDocument:
    if kind == "docx":
        from core.ingestion.parsing.office.docx import parse_docx

        return parse_docx(path, name, limits)
    if kind == "pptx":
        from core.ingestion.parsing.office.pptx import parse_pptx

        return parse_pptx(path, name, limits)
    from core.ingestion.parsing.office.xlsx import parse_xlsx

    return parse_xlsx(path, name, limits)


def _web(data: bytes, limits: Limits) -> ParsedDocument:
    from core.ingestion.parsing.encodings import decode
    from core.ingestion.parsing.web import parse_web

    return parse_web(decode(data), limits)


def _textual(kind: str, data: bytes, name: str, limits: Limits) -> ParsedDocument:
    from core.ingestion.parsing.encodings import decode

    if kind == "xml":
        from core.ingestion.parsing.xml import parse_xml

        return parse_xml(data, name, limits)
    if kind == "mail":
        from core.ingestion.parsing.mail import parse_mail

        return parse_mail(data, limits)
    text = decode(data)
    if kind == "html":
        from core.ingestion.parsing.html import parse_html

        return parse_html(text, limits)
    if kind == "markdown":
        from core.ingestion.parsing.markdown import parse_markdown

        return parse_markdown(text, limits)
    if kind == "csv":
        from core.ingestion.parsing.delimited import parse_delimited

        return parse_delimited(text, name, limits)
    if kind == "jsonl":
        from core.ingestion.parsing.jsonl import parse_jsonl

        return parse_jsonl(text, name, limits)
    from core.ingestion.parsing.text import parse_text

    return parse_text(text, "", limits)
