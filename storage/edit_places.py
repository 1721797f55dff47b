"""Where edits of chunks apply in a document as it is cut now. Pure.

An edit is kept by the words it was made for. When a document is read or cut anew, those words are looked for
in its pages (white space does not count), and whichever chunks hold them are changed: the first gets the new
words in their place, the others lose their part. An edit whose words are gone applies nowhere.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from storage.rows import ChunkRow


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person wants of the words `original`: other words (`text`, None for the same), or none at all (`off`).

    `page`, `start` and `end` say where they stood last.
    """

    original: str
    text: str | None
    off: bool
    page: int
    start: int
    end: int
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """An edit and the place of its words in the pages as they are now, half open."""

    edit: Edit
    page: int
    start: int
    end: int

    def touches(self, chunk: ChunkRow) -> bool:
        """Whether they share words."""
        return self.page == chunk.page and self.start < chunk.end and self.end > chunk.start


def said_at(chunks: Iterable[ChunkRow], start: int, end: int) -> str:
    """The new words that stand for a stretch of a page, of the page's edited chunks in order.

    All of each that it touches: cut anew since, the words may lie in other chunks.
    """
    touching = (chunk.edited for chunk in chunks if chunk.start < end and chunk.end > start)
    return "\n".join(filter(None, touching))


def place(edit: Edit, pages: Mapping[int, str]) -> Placed | None:
    """Where an edit's words are: where they stood, else the nearest place that holds them, else None.

    Args:
        pages: texts of the document's pages by number.
    """
    if pages.get(edit.page, "")[edit.start : edit.end] == edit.original:
        return Placed(edit, edit.page, edit.start, edit.end)
    words = edit.original.split()
    if not words:
        return None
    pattern = re.compile(r"\s+".join(map(re.escape, words)))
    found = [Placed(edit, number, *match.span()) for number, text in pages.items() for match in pattern.finditer(text)]
    return min(found, key=lambda at: (abs(at.page - edit.page), abs(at.start - edit.start)), default=None)


def applied(chunks: Iterable[ChunkRow], placed: Sequence[Placed]) -> dict[int, tuple[str | None, bool]]:
    """For each chunk by id: the words it is to have instead of its own (None for its own), and whether it is off."""
    ordered = sorted(chunks, key=lambda chunk: chunk.ordinal)
    first = {at: next((chunk.id for chunk in ordered if at.touches(chunk)), None) for at in placed}
    return {chunk.id: _edited(chunk, [at for at in placed if at.touches(chunk)], first) for chunk in ordered}


def _edited(chunk: ChunkRow, here: Sequence[Placed], first: Mapping[Placed, int | None]) -> tuple[str | None, bool]:
    if not here:
        return None, False
    if len(here) == 1 and (here[0].start, here[0].end) == (chunk.start, chunk.end):
        return here[0].edit.text, here[0].edit.off
    text, at = "", 0
    for each in sorted(here, key=lambda placed: placed.start):
        start, end = max(each.start - chunk.start, at), min(each.end, chunk.end) - chunk.start
        text += chunk.text[at:start] + _instead(each, chunk, first, chunk.text[start:end])
        at = max(at, end)
    text = (text + chunk.text[at:]).strip()
    return (None if not text or text == chunk.text else text), not text


def _instead(each: Placed, chunk: ChunkRow, first: Mapping[Placed, int | None], own: str) -> str:
    if each.edit.off:
        return ""
    if each.edit.text is None:
        return own
    return each.edit.text if first[each] == chunk.id else ""
