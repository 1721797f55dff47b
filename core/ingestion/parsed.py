"""What parsing yields: pages of plain text, and blocks that say what each stretch of it is.

Knows nothing of formats (parsing does) and nothing of chunk sizes (chunking does). Offsets are
counted in Python characters of `Page.text`, half open, so a citation can be highlighted by slicing.
"""

from dataclasses import dataclass
from typing import Literal

BlockKind = Literal["heading", "paragraph", "list_item", "table_row", "question", "answer", "code"]


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of one page's text that should stay together.

    Attributes:
        kind: what it is. A `question` is followed by its `answer` blocks (FAQ, Q&A rows).
        start, end: offsets into the page's text, half open.
        level: heading depth, 1 is the top; 0 for everything that is not a heading.
        header: for a `table_row`, the header line(s) of its table exactly as they stand in a page's
            text (so that a row that is cut from its table still says what its cells mean); else "".
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    header: str = ""


@dataclass(frozen=True, slots=True)
class ScannedLine:
    """A line of text in points of the page as shown, y downwards; `score` is the recogniser's confidence, 0 to 1."""

    text: str
    x0: float
    top: float
    x1: float
    bottom: float
    score: float


@dataclass(frozen=True, slots=True)
class Page:
    """One page, slide, sheet, or the whole of a format that has no pages.

    Attributes:
        number: 1-based, as a reader of the file would count.
        label: what people call it ("Slide 3", "Sheet Fees"); "" for a plain page number.
        text: plain text in reading order. Tables are written as `| a | b |` lines, one a row.
        blocks: in order, not overlapping; they need not cover white space between them.
        scanned: what OCR read off the page's picture and where it stands there; empty when it was not read by OCR.
    """

    number: int
    label: str
    text: str
    blocks: tuple[Block, ...]
    scanned: tuple[ScannedLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something that was left out on purpose: a repeated footer, an image, a macro, hidden text."""

    page: int
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A file's readable content.

    Attributes:
        title: from the file's own metadata or first heading; "" when it says nothing useful.
        media_type: what the bytes turned out to be, not what the name claims.
        pages: in order; may be empty when the file is fine but holds no text (then `notes` says so).
        dropped: what was left out, and why.
        scans: numbers of pages that are pictures of text and were not read (yet).
        notes: one-line remarks for the person who added the file ("no text was found: ...").
    """

    title: str
    media_type: str
    pages: tuple[Page, ...]
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()
    scans: tuple[int, ...] = ()
