"""The text of Word paragraphs, and what their styles make of them (heading, list item, its number)."""

from dataclasses import dataclass

from lxml import etree

from core.ingestion.parsing.office.numbering import Numbering, list_of
from core.ingestion.parsing.office.package import attribute, child, children, local, value

_SKIPPED = {"del", "moveFrom", "instrText", "delText", "Fallback", "pPr", "commentReference", "object"}
_SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}


_TINY = 4
"""Half points: letters of two points and less are read by nobody."""
_COLOURED = {"tc", "txbxContent", "background"}
"""White words in these may stand on a fill: they are kept."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a paragraph is: heading level (0: none), list item, the label before it, a page break before it."""

    level: int
    listed: bool
    label: str
    page_break_before: bool


class Styles:
    """Resolves styles and numbering of one document."""

    def __init__(self, styles: etree._Element | None, numbering: etree._Element | None) -> None:
        self._styles = {attribute(e, "styleId"): e for e in children(styles, "style")}
        self._numbering = Numbering(numbering)

    def look(self, properties: etree._Element | None) -> Look:
        """What the paragraph with these properties is. Counts it when it is numbered."""
        chain = self._chain(value(properties, "pStyle"))
        level = self._level(properties, chain)
        numbered = list_of(properties)
        for style in chain:
            numbered = numbered or list_of(child(style, "pPr"))
        listed = numbered is not None and numbered[0] not in ("", "0")
        label = self._numbering.label(*numbered) if listed and numbered is not None else ""
        before = child(properties, "pageBreakBefore")
        is_break = before is not None and attribute(before, "val") not in ("0", "false")
        return Look(level, listed and not level, label if label != "•" or not level else "", is_break)

    def _chain(self, style_id: str) -> list[etree._Element]:
        chain: list[etree._Element] = []
        while style_id in self._styles and len(chain) < 12:
            chain.append(self._styles[style_id])
            style_id = value(chain[-1], "basedOn")
        return chain

    def _level(self, properties: etree._Element | None, chain: list[etree._Element]) -> int:
        for outline in (value(properties, "outlineLvl"), *(value(s, "pPr", "outlineLvl") for s in chain)):
            if outline.isdigit():
                return int(outline) + 1 if int(outline) < 9 else 0
        for style in chain:
            name = value(style, "name").lower()
            if name.startswith("heading ") and name[8:].strip().isdigit():
                return min(int(name[8:]), 9)
            if name == "title":
                return 1
        return 0


class Words:
    """Reads paragraphs' text. Collects what stands beside it: footnotes referred to, text boxes, hidden text.

    Args:
        rendered: whether Word's own marks (not the author's breaks) say where pages begin.
    """

    def __init__(self, rendered: bool) -> None:
        self.rendered = rendered
        self.hidden: list[str] = []
        self._notes: list[tuple[str, str]] = []
        self._boxes: list[etree._Element] = []

    def text(self, paragraph: etree._Element) -> str:
        """The whole paragraph, page breaks as blanks."""
        return " ".join(self.parts(paragraph))

    def parts(self, paragraph: etree._Element) -> list[str]:
        """The paragraph's text, cut where a new page begins."""
        pieces: list[str] = []
        stack = list(reversed(paragraph))
        while stack:
            element = stack.pop()
            kind = local(element)
            if kind == "t":
                pieces.append(element.text or "")
            elif kind == "r" and self._is_hidden(element):
                self.hidden.append("".join(t.text or "" for t in element.iter("{*}t")))
            elif kind in _SIGNS or kind == "lastRenderedPageBreak":
                pieces.append(self._sign(element, kind))
            elif kind in ("footnoteReference", "endnoteReference"):
                self._notes.append((kind.removesuffix("Reference"), attribute(element, "id")))
                pieces.append(f"[{attribute(element, 'id')}]")
            elif kind == "txbxContent":
                self._boxes.append(element)
            elif kind == "sym":
                pieces.append("•")
            elif kind and kind not in _SKIPPED:
                stack.extend(reversed(element))
        return "".join(pieces).split("\f")

    def _sign(self, element: etree._Element, kind: str) -> str:
        if kind == "lastRenderedPageBreak":
            return "\f" if self.rendered else ""
        if kind == "br" and attribute(element, "type") == "page":
            return "\n" if self.rendered else "\f"
        return _SIGNS[kind]

    def _is_hidden(self, run: etree._Element) -> bool:
        vanish = child(run, "rPr", "vanish")
        if vanish is not None and attribute(vanish, "val") not in ("0", "false"):
            return True
        size = value(run, "rPr", "sz")
        if size.isdigit() and int(size) <= _TINY:
            return True
        return value(run, "rPr", "color").upper() == "FFFFFF" and not _has_ground(run)

    def taken_notes(self) -> list[tuple[str, str]]:
        """Footnotes referred to since the last call: (kind, id)."""
        notes, self._notes = self._notes, []
        return notes

    def taken_boxes(self) -> list[etree._Element]:
        """Text boxes met since the last call."""
        boxes, self._boxes = self._boxes, []
        return boxes


def _has_ground(run: etree._Element) -> bool:
    """Whether white words could lie on something dark: shading, highlight, a style, a table cell, a page colour."""
    properties = child(run, "rPr")
    if any(child(properties, name) is not None for name in ("shd", "highlight", "rStyle")):
        return True
    for above in run.iterancestors():
        if local(above) in _COLOURED or (local(above) == "document" and child(above, "background") is not None):
            return True
        own = child(above, "pPr") if local(above) == "p" else None
        if own is not None and (child(own, "shd") is not None or child(own, "pStyle") is not None):
            return True
    return False
