"""A picture of pages (PNG, JPEG, WebP, TIFF with several frames): its text is what OCR read off it."""

from pathlib import Path

from core.errors import UnreadableFile
from core.ingestion.limits import Limits
from core.ingestion.parsed import ParsedDocument
from core.ingestion.parsing import scans
from core.ingestion.parsing.draft import DocumentDraft
from core.ingestion.parsing.pdf.document import write_pages
from core.ingestion.parsing.pdf.rows import to_rows
from core.ingestion.parsing.pdf.shapes import PageShape
from core.ingestion.parsing.recognition import PAGE_POINTS, opened
from core.ingestion.parsing.scans import Scans


def parse_image(path: Path, name: str, limits: Limits, found: Scans) -> ParsedDocument:
    """The pages of a picture; those that are not in `found` are named in the result's `scans`.

    Raises:
        UnreadableFile: it is broken, over a limit, or cannot be read here because OCR is not installed.
    """
    if not scans.installed():
        raise UnreadableFile(f"{name} is a picture; its text is read by OCR, which is not installed.", f"{scans.HOW}.")
    with opened(path, name, limits) as image:
        count = int(getattr(image, "n_frames", 1))
        media_type = str(image.get_format_mimetype() or "image/*")
    if count > limits.pages:
        raise UnreadableFile(f"{name} has {count:,} pages; the limit is {limits.pages:,}.", "Split it and try again.")
    draft = DocumentDraft(limits, media_type)
    numbers = range(1, count + 1)
    shapes = [
        PageShape(number, PAGE_POINTS, PAGE_POINTS, to_rows(scans.to_words(found.get(number, ()))), [], [], True, False)
        for number in numbers
    ]
    write_pages(shapes, draft, found)
    return draft.finish(tuple(number for number in numbers if number not in found))
