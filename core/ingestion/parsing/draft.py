"""Collects pages and blocks while a file is read, and counts them against the limits.

The one place where a page's text and its blocks' offsets are put together, so that they cannot disagree.
"""

from collections.abc import Sequence

from core.errors import UnreadableFile
from core.ingestion.limits import Limits
from core.ingestion.parsed import Block, BlockKind, Dropped, Page, ParsedDocument
from core.ingestion.parsing.cleaning import clean, one_line, tidy

_TIGHT = {("table_row", "table_row"), ("list_item", "list_item")}


def row_line(cells: Sequence[str]) -> str:
    """A table row as it stands in a page's text: `| a | b |`, one line whatever the cells hold."""
    return one_line("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")


DROPPED = 10_000
"""Characters that are looked at of something that was left out."""


class DocumentDraft:
    """A document in the making. `finish()` gives the frozen result."""

    def __init__(self, limits: Limits, media_type: str) -> None:
        self.limits = limits
        self.media_type = media_type
        self.pages: list[PageDraft] = []
        self.dropped: list[Dropped] = []
        self.notes: list[str] = []
        self.title = ""
        self._characters = 0
        self._blocks = 0

    def page(self, label: str = "", number: int | None = None) -> "PageDraft":
        """Opens the next page; `number` only where pages are not counted from 1 up without gaps."""
        number = number if number is not None else len(self.pages) + 1
        if number > self.limits.pages:
            raise UnreadableFile(f"It has more than {self.limits.pages:,} pages.", "Split it and add the parts.")
        draft = PageDraft(self, number, one_line(label))
        self.pages.append(draft)
        return draft

    def spend(self, characters: int) -> None:
        """Counts text against the limit; raises `UnreadableFile` when there is too much of it."""
        self._characters += characters
        self._blocks += 1
        if self._characters > self.limits.characters or self._blocks > self.limits.blocks:
            raise UnreadableFile("It holds more text than one document may.", "Split it and add the parts.")

    def drop(self, page: int, what: str, why: str) -> None:
        """Remembers something left out on purpose; the list itself stays short."""
        if len(self.dropped) < 500:
            self.dropped.append(Dropped(page, one_line(what)[:DROPPED], why))

    def note(self, text: str) -> None:
        """A remark for the person who added the file, once."""
        if text not in self.notes and len(self.notes) < 20:
            self.notes.append(one_line(text)[:300])

    def finish(self, scans: tuple[int, ...] = ()) -> ParsedDocument:
        """The document as read, pages `scans` still to be read; says so in the notes when there is no text at all."""
        pages = tuple(page.finish() for page in self.pages)
        if not any(page.text for page in pages) and not self.notes:
            self.note("no text was found in it")
        title = self.title or next((page.first_heading for page in self.pages[:3] if page.first_heading), "")
        return ParsedDocument(
            one_line(title)[:300], self.media_type, pages, tuple(self.dropped), tuple(self.notes), scans
        )


class PageDraft:
    """A page in the making: blocks are added in reading order, separated by white space that belongs to none."""

    def __init__(self, document: DocumentDraft, number: int, label: str) -> None:
        self.number = number
        self.label = label
        self.first_heading = ""
        self.document = document
        self._parts: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0

    def add(self, kind: BlockKind, text: str, level: int = 0, header: str = "") -> None:
        """Adds one block; empty text adds nothing. `text` of rows comes from `row_line`."""
        text = one_line(text) if kind in ("table_row", "heading") else tidy(text)
        if not text.strip("| \n"):
            return
        self.document.spend(len(text))
        if self._blocks:
            tight = (self._blocks[-1].kind, kind) in _TIGHT
            self._append("\n" if tight else "\n\n")
        if kind == "heading" and not self.first_heading:
            self.first_heading = text
        start = self._length
        self._append(text)
        self._blocks.append(Block(kind, start, self._length, level if kind == "heading" else 0, header))

    def add_code(self, text: str) -> None:
        """Adds text whose line ends and indents mean something."""
        text = "\n".join(line.rstrip() for line in clean(text).strip("\n").split("\n"))
        if text.strip():
            self.document.spend(len(text))
            self._append("\n\n" if self._blocks else "")
            self._blocks.append(Block("code", self._length, self._length + len(text)))
            self._append(text)

    def add_table(self, header: Sequence[Sequence[str]], rows: Sequence[Sequence[str]]) -> None:
        """Adds a table: header lines first, then every row carrying them."""
        lines = [row_line(cells) for cells in header]
        for line in lines:
            self.add("table_row", line)
        for cells in rows:
            self.add("table_row", row_line(cells), header="\n".join(lines))

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)

    @property
    def empty(self) -> bool:
        """Whether nothing was added yet."""
        return not self._blocks

    def finish(self) -> Page:
        """The frozen page."""
        return Page(self.number, self.label, "".join(self._parts), tuple(self._blocks))
