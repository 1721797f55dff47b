"""The pieces a page is made of on its way to text: words, segments (words with no wide gap), rows (one baseline).

Coordinates are points from the top left of the page as it is shown, y downwards.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Word:
    """A run of glyphs with no white space between them. `order` is its place in the file's own text order."""

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    size: float
    bold: bool
    order: int


@dataclass(slots=True)
class Cell:
    """What stands between the rules of one cell: its lines from top to bottom, and whether they are bold.

    `spanned` says that they stand in a cell further left, which reaches over this column.
    """

    lines: list[str]
    bold: bool
    spanned: bool


@dataclass(slots=True)
class Ruled:
    """A table whose cells are fenced by ruling lines. `rows` are of one width; `edges` are its columns' sides."""

    rows: list[list[Cell]]
    edges: list[float]


@dataclass(slots=True)
class Segment:
    """Words of one row with no wide gap between them: a line of prose, or one cell of a table.

    Attributes:
        words: what it was made of, left to right, where that is known.
        ruled: the table that stands here, when it is a whole ruled table and no line of text.
    """

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    size: float
    bold: bool
    words: list[Word] = field(default_factory=list)
    ruled: Ruled | None = None


@dataclass(slots=True)
class Row:
    """Segments that share a baseline, left to right."""

    segments: list[Segment]
    top: float
    bottom: float

    @property
    def x0(self) -> float:
        """Left edge of the first segment."""
        return self.segments[0].x0

    @property
    def x1(self) -> float:
        """Right edge of the last segment."""
        return max(segment.x1 for segment in self.segments)

    @property
    def text(self) -> str:
        """The segments' text as one line."""
        return " ".join(segment.text for segment in self.segments)

    @property
    def ruled(self) -> Ruled | None:
        """The ruled table that stands here in place of text."""
        return self.segments[0].ruled if len(self.segments) == 1 else None

    @property
    def size(self) -> float:
        """Font size in points of most of the row."""
        return max(self.segments, key=lambda segment: len(segment.text)).size

    @property
    def bold(self) -> bool:
        """Whether every segment is bold."""
        return all(segment.bold for segment in self.segments)


@dataclass(slots=True)
class PageShape:
    """One page as read: its rows from top to bottom, its size in points, and what was not shown to people.

    `scanned`: a picture covers most of it, and it has little text of its own.
    """

    number: int
    width: float
    height: float
    rows: list[Row]
    sideways: list[str]
    hidden: list[tuple[str, str]]
    has_images: bool
    garbled: bool
    scanned: bool = False
