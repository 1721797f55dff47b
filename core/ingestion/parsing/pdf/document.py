"""A PDF file as a parsed document: pages in order, what was left out listed, one line when there is no text."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pypdfium2 as pdfium_python
import pypdfium2.raw as pdfium

from core.errors import UnreadableFile
from core.ingestion.limits import Limits
from core.ingestion.parsed import ParsedDocument
from core.ingestion.parsing import scans
from core.ingestion.parsing.draft import DocumentDraft, PageDraft, row_line
from core.ingestion.parsing.pdf.columns import flows
from core.ingestion.parsing.pdf.furniture import remove_furniture
from core.ingestion.parsing.pdf.grid import Grid
from core.ingestion.parsing.pdf.halves import Late, pages_of
from core.ingestion.parsing.pdf.headers import continued
from core.ingestion.parsing.pdf.paragraphs import Typography, to_pieces
from core.ingestion.parsing.pdf.shapes import PageShape
from core.ingestion.parsing.pdf.tables import with_tables
from core.ingestion.parsing.pdf.titles import title_of
from core.ingestion.parsing.scans import Scans

MEDIA_TYPE = "application/pdf"


def parse_pdf(path: Path, name: str, limits: Limits, found: Scans, late: Late | None = None) -> ParsedDocument:
    """Reads a PDF.

    Args:
        found: the lines of its scanned pages; those that are not in it are named in the result's `scans`.
        late: gives the pages of the later half of a long one, where another process reads them.

    Raises:
        UnreadableFile: it is encrypted, broken or over a limit.
    """
    draft = DocumentDraft(limits, MEDIA_TYPE)
    with opened(path, name) as document:
        if document is None:
            draft.note("it has no pages")
            return draft.finish()
        count = pdfium.FPDF_GetPageCount(document)
        if count > limits.pages:
            raise UnreadableFile(
                f"{name} has {count:,} pages; the limit is {limits.pages:,}.", "Split it and try again."
            )
        draft.title = _title(document)
        pages = pages_of(document, count, found, late)
        _note_extras(document, draft)
    write_pages(pages, draft, found)
    parsed = draft.finish(tuple(page.number for page in pages if page.scanned and page.number not in found))
    return parsed if draft.title else replace(parsed, title=title_of(parsed.pages, parsed.title))


@contextmanager
def opened(path: Path, name: str) -> Iterator[object | None]:
    """PDFium's handle; None for a sound file with no pages, which PDFium refuses without an error."""
    try:
        document = pdfium_python.PdfDocument(path)
    except (pdfium_python.PdfiumError, OSError) as error:
        if "PDFium: Success" in str(error):
            yield None
            return
        if "password" in str(error).lower() or "security" in str(error).lower():
            remedy = "Remove the password and add it again."
            raise UnreadableFile(f"{name} is password-protected.", remedy) from error
        raise UnreadableFile(f"{name} is not a PDF that can be read: it is damaged.", "Save it again.") from error
    try:
        yield document.raw
    finally:
        document.close()


def _title(document: object) -> str:
    length = pdfium.FPDF_GetMetaText(document, b"Title", None, 0)
    if not 2 < length < 2000:
        return ""
    buffer = bytearray(length)
    pdfium.FPDF_GetMetaText(document, b"Title", (pdfium.ctypes.c_char * length).from_buffer(buffer), length)
    title = buffer.decode("utf-16-le", "replace").strip("\x00 ")
    words = [word for word in title.split() if sum(sign.isalpha() for sign in word) > 2]
    return title if len(words) >= 2 or (words and " " in title) else ""


def _note_extras(document: object, draft: DocumentDraft) -> None:
    """Says what else the file carries that is not read."""
    attached = pdfium.FPDFDoc_GetAttachmentCount(document)
    if attached > 0:
        draft.drop(0, f"{attached} attached file(s)", "attachments of a PDF are not read")
    if pdfium.FPDFDoc_GetJavaScriptActionCount(document) > 0:
        draft.drop(0, "JavaScript", "scripts are never run")
    if pdfium.FPDF_GetFormType(document) in (pdfium.FORMTYPE_XFA_FULL, pdfium.FORMTYPE_XFA_FOREGROUND):
        draft.note("it holds an XFA form, which is not read: only its fallback pages are")


def write_pages(pages: list[PageShape], draft: DocumentDraft, found: Scans) -> None:
    """Second pass, when all pages are known: furniture out, columns, tables, paragraphs in."""
    scans.note(draft, found)
    empty = [page for page in pages if not page.rows]
    _list_dropped(pages, remove_furniture(pages), draft)
    typography = Typography(pages)
    before: Grid | None = None
    for page in pages:
        before = _write_page(page, typography, draft.page(number=page.number), before)
        page.rows = []
    _note_empty(pages, empty, draft, found)
    garbled = sum(1 for page in pages if page.garbled)
    if garbled:
        draft.note(f"the text of {garbled} page(s) is garbled: the file's fonts do not say which characters they show")


def _write_page(page: PageShape, typography: Typography, out: PageDraft, before: Grid | None) -> Grid | None:
    """Writes the page; `before` is the table that ended the page before. Returns the one that ends this page."""
    pieces = [piece for flow in flows(page.rows) for piece in to_pieces(with_tables(flow), typography)]
    for piece in pieces:
        if isinstance(piece, Grid):
            inherited = continued(piece, before)
            out.add_table(piece.header, [] if inherited else piece.body)
            for cells in piece.body if inherited else []:
                out.add("table_row", row_line(cells), header="\n".join(map(row_line, inherited)))
            if inherited and before:
                piece.header, piece.bold_header = inherited, before.bold_header
        else:
            out.add(piece.kind, piece.text, typography.level(piece) if piece.kind == "heading" else 0)
        before = None
    for text in page.sideways:
        out.add("paragraph", text)
    last = pieces[-1] if pieces else None
    return last if isinstance(last, Grid) else None


PAGE_DIGITS = 6
"""More digits than a page number has: a number that is listed, since it may be somebody's."""


def _list_dropped(pages: list[PageShape], furniture: dict[int, list[str]], draft: DocumentDraft) -> None:
    said: set[str] = set()
    for page in pages:
        for text in furniture.get(page.number, []):
            shape = "".join("#" if sign.isdigit() else sign for sign in text)
            if shape not in said and (any(sign.isalpha() for sign in shape) or shape.count("#") > PAGE_DIGITS):
                draft.drop(page.number, text, "repeated header, footer or page number")
            said.add(shape)
        for text, why in page.hidden:
            draft.drop(page.number, text, why)


def _note_empty(pages: list[PageShape], empty: list[PageShape], draft: DocumentDraft, found: Scans) -> None:
    blank = [page for page in empty if not page.sideways]
    scanned = any(page.has_images for page in blank)
    if not pages:
        draft.note("it has no pages")
    elif blank and (scanned or len(blank) == len(pages)):
        looks = f": it looks scanned{_more(found)}" if scanned else ""
        draft.note(f"no text was found on {len(blank)} page{'s' if len(blank) > 1 else ''}{looks}")
    unread = [page.number for page in pages if page.scanned and page not in blank and page.number not in found]
    if unread and not scans.installed():  # else they are still to be read
        draft.note(f"{scans.pages(unread)} mostly a picture, of which nothing was read: it looks scanned{_more(found)}")


def _more(found: Scans) -> str:
    """What was, or could be, done about a page that looks scanned; nothing while it is still to be read."""
    if not scans.installed():
        return f" (to have scans read: {scans.HOW}; then press Read again)"
    return ", and OCR found nothing to read on it" if found else ""
