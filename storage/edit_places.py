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

    With "" for `text` the words were replaced together with those before them, by an edit that was split since.
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


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Words of a chunk are replaced by an edit that shows in another: `whole`: all it would say.

    `ordinals` are the chunks that show it; empty when that is known no more.
    """

    ordinals: tuple[int, ...]
    whole: bool


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
    """For each chunk by id: the words it is to have instead of its own (None for its own), and whether it is off.

    One that is off keeps its new words, so that they are there when it is switched on again.
    """
    ordered = sorted(chunks, key=lambda chunk: chunk.ordinal)
    first = {at: shown_in(at, ordered) for at in placed}
    return {chunk.id: _edited(chunk, [at for at in placed if at.touches(chunk)], first) for chunk in ordered}


def shown_in(at: Placed, ordered: Iterable[ChunkRow]) -> ChunkRow | None:
    """The chunk that has an edit's new words: the first that it touches; `ordered` are those of one cut."""
    return next((chunk for chunk in ordered if at.touches(chunk)), None)


def instead(
    chunk: ChunkRow, text: str | None, off: bool, ordered: Sequence[ChunkRow], touching: Iterable[Placed], page: str
) -> list[Edit]:
    """The edits that take the place of those `touching` a chunk when a person changes it.

    Those whose new words the chunk shows are its own: the new edit covers all that they covered, and undoing it
    undoes them. Of the others the parts outside the chunk stay.

    Args:
        text: new words, None for the chunk's own. With None and not `off`, the chunk is undone.
        ordered: the chunks of its cut.
        page: the text of its page.
    """
    made, start, end = [], chunk.start, chunk.end
    for at in touching:
        if at.edit.text and shown_in(at, ordered) == chunk:
            start, end = min(start, at.start), max(end, at.end)
        else:
            made += around(at, chunk, page)
    if off or text is not None:
        original = chunk.text if (start, end) == (chunk.start, chunk.end) else page[start:end]
        made.append(Edit(original, text, off, chunk.page, start, end))
    return made


def around(at: Placed, chunk: ChunkRow, page: str) -> list[Edit]:
    """What stays of an edit outside a chunk: before it as it was; after it new words that stand before it are no more.

    Args:
        page: the text of their page.
    """
    after = None if at.edit.text is None else ""
    parts = (at.start, min(at.end, chunk.start), at.edit.text), (max(at.start, chunk.end), at.end, after)
    made = []
    for start, end, text in parts:
        words = page[start:end] if start < end else ""
        start += len(words) - len(words.lstrip())
        if words := words.strip():
            made.append(Edit(words, text, at.edit.off, at.page, start, start + len(words)))
    return made


def elsewhere(chunk: ChunkRow, ordered: Sequence[ChunkRow], placed: Iterable[Placed]) -> Elsewhere | None:
    """Whether words of a chunk are replaced by an edit that shows in another of its cut; None when they are not."""
    here = [at for at in placed if at.touches(chunk)]
    first = {at: shown_in(at, ordered) for at in here}
    others = [at for at in here if at.edit.text == "" or (at.edit.text and first[at] != chunk)]
    if not others:
        return None
    shown = {row.ordinal for at in others if at.edit.text and (row := first[at]) is not None}
    return Elsewhere(tuple(sorted(shown)), not _said(chunk, here, first, as_if_on=True))


def _edited(
    chunk: ChunkRow, here: Sequence[Placed], first: Mapping[Placed, ChunkRow | None]
) -> tuple[str | None, bool]:
    if not here:
        return None, False
    text = _said(chunk, here, first)
    off = not text
    text = text or _said(chunk, here, first, as_if_on=True)
    return (None if not text or text == chunk.text else text), off


def _said(
    chunk: ChunkRow, here: Sequence[Placed], first: Mapping[Placed, ChunkRow | None], as_if_on: bool = False
) -> str:
    """What a chunk says with edits, "" when nothing is left; `as_if_on`: were none of its words switched off."""
    text, at = "", 0
    for each in sorted(here, key=lambda placed: placed.start):
        start, end = max(each.start - chunk.start, at), min(each.end, chunk.end) - chunk.start
        own = chunk.text[start:end]
        text += chunk.text[at:start] + ("" if each.edit.off and not as_if_on else _words(each, chunk, first, own))
        at = max(at, end)
    return (text + chunk.text[at:]).strip()


def _words(each: Placed, chunk: ChunkRow, first: Mapping[Placed, ChunkRow | None], own: str) -> str:
    if each.edit.text is None:
        return own
    return each.edit.text if first[each] == chunk else ""
