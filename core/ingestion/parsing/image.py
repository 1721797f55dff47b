"""A picture of pages (PNG, JPEG, WebP, TIFF with several frames): its text is what OCR read off it."""

from pathlib import Path
from typing import Any

from core.errors import UnreadableFile
from core.ingestion.limits import Limits
from core.ingestion.parsed import ParsedDocument
from core.ingestion.parsing import scans
from core.ingestion.parsing.draft import DocumentDraft
from core.ingestion.parsing.pdf.document import write_pages
from core.ingestion.parsing.pdf.picture import TALLEST, encoded
from core.ingestion.parsing.pdf.rows import to_rows
from core.ingestion.parsing.pdf.shapes import PageShape
from core.ingestion.parsing.recognition import PAGE_POINTS, frame, opened
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


def picture_of(path: Path, name: str, number: int, width: int, limits: Limits) -> dict[str, Any]:
    """Frame `number` (1-based) at most `width` pixels wide, as `pdf.picture.picture_of` gives a page; it has no words.

    Raises:
        UnreadableFile: it is broken, over a limit, or has no such frame.
    """
    from PIL import Image

    with opened(path, name, limits) as image:
        if not 1 <= number <= int(getattr(image, "n_frames", 1)):
            raise UnreadableFile(f"{name} has no page {number}.", "Look at another page.")
        drawn = frame(image, number, name, limits)
    scale = min(1.0, width / drawn.width, TALLEST * width / drawn.height)
    across = PAGE_POINTS * drawn.width / max(drawn.size)
    if scale < 1.0:
        size = max(1, round(drawn.width * scale)), max(1, round(drawn.height * scale))
        drawn = drawn.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return {"image": encoded(drawn), "width": drawn.width, "height": drawn.height, "across": across, "words": []}
