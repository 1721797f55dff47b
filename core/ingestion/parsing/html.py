"""HTML as people see it: headings, paragraphs, lists, tables. No scripts, styles, navigation or hidden elements.

Only the parsed tree is read; nothing is fetched, run or rendered. The walk keeps its own stack, so that no
depth of nesting can exhaust Python's.
"""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from core.ingestion.limits import Limits
from core.ingestion.parsed import BlockKind, ParsedDocument
from core.ingestion.parsing.draft import DocumentDraft, PageDraft
from core.ingestion.parsing.hiding import take_hidden
from core.ingestion.parsing.lists import HtmlLists
from core.ingestion.parsing.pipes import header_rows

MEDIA_TYPE = "text/html"
_SKIPPED = {
    "script",
    "style",
    "noscript",
    "template",
    "iframe",
    "object",
    "embed",
    "svg",
    "math",
    "canvas",
    "audio",
    "video",
    "head",
    "nav",
    "select",
}
_SKIPPED |= {"-comment", "-doctype", "applet", "frameset", "map", "datalist", "dialog"}
_BREAKS = {
    "p",
    "div",
    "section",
    "article",
    "main",
    "aside",
    "header",
    "footer",
    "blockquote",
    "dl",
    "dt",
    "dd",
    "ul",
    "ol",
    "li",
    "form",
    "fieldset",
    "figure",
    "figcaption",
    "address",
    "details",
    "summary",
    "center",
    "hr",
    "body",
    "html",
    "table",
    "caption",
    "tr",
    "td",
    "th",
    "legend",
    "option",
}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_ICON = 32
"""Pixels of a side: a picture up to here is a sign, not a figure."""
_NAVIGATION = re.compile(r"navigation|banner|search|menubar|contentinfo", re.IGNORECASE)


def parse_html(text: str, limits: Limits) -> ParsedDocument:
    """A whole HTML page."""
    draft = DocumentDraft(limits, MEDIA_TYPE)
    tree = LexborHTMLParser(text.replace("\x00", ""))
    title = tree.css_first("title")
    draft.title = title.text(strip=True) if title is not None else ""
    page = draft.page()
    root = tree.body or tree.root
    if root is not None:
        drop_hidden(draft, 1, tree)
        walk = _Walk(page)
        walk.write(root)
        drop_pictures(draft, walk.pictures)
    return draft.finish()


def drop_hidden(draft: DocumentDraft, number: int, tree: LexborHTMLParser) -> None:
    """Takes what people do not see out of the tree and says so."""
    hidden = take_hidden(tree)
    if hidden:
        words = " · ".join(text for text in hidden if text)
        draft.drop(number, f"{len(hidden)} hidden element(s): {words}".rstrip(": "), "people do not see them")


def drop_pictures(draft: DocumentDraft, count: int) -> None:
    """Says how many pictures a document shows, of which only the descriptions are read."""
    if count:
        draft.drop(0, f"{count} picture{'s' if count > 1 else ''}", "pictures are not read, only their descriptions")


def add_html(page: PageDraft, text: str) -> int:
    """A piece of HTML (inside Markdown, an e-mail's body), added to a page; returns how many pictures it shows."""
    tree = LexborHTMLParser(text.replace("\x00", ""))
    root = tree.body or tree.root
    if root is not None:
        drop_hidden(page.document, page.number, tree)
        walk = _Walk(page)
        walk.write(root)
        return walk.pictures
    return 0


class _Walk:
    """Visits the tree in reading order and gathers text until an element that stands on its own."""

    def __init__(self, page: PageDraft) -> None:
        self.pictures = 0
        self._page = page
        self._lists = HtmlLists()
        self._text: list[str] = []
        self._kind: BlockKind = "paragraph"
        self._level = 0
        self._answering = 0

    def write(self, root: LexborNode) -> None:
        """Adds the blocks below `root`."""
        stack: list[tuple[LexborNode, bool]] = [(root, False)]
        while stack:
            node, leaving = stack.pop()
            tag = node.tag or ""
            if leaving:
                self._leave(tag)
            elif tag == "-text":
                self._text.append(node.text_content or "")
            elif not self._skips(node, tag) and self._enter(node, tag):
                stack.append((node, True))
                stack.extend((child, False) for child in reversed(list(node.iter(include_text=True))))
        self._flush()

    def _skips(self, node: LexborNode, tag: str) -> bool:
        if tag in _SKIPPED or tag.startswith("-"):
            return True
        attributes = node.attributes
        return bool(_NAVIGATION.fullmatch(attributes.get("role") or ""))

    def _enter(self, node: LexborNode, tag: str) -> bool:
        """Opens an element; False when its content was taken already."""
        if tag == "br":
            self._text.append("\n")
        elif tag == "img":
            self._text.append(" " + (node.attributes.get("alt") or "") + " ")
            self.pictures += not _is_decoration(node)
        elif tag == "pre":
            self._flush()
            self._page.add_code(node.text(deep=True))
            return False
        elif tag == "table" and is_data_table(node):
            self._flush()
            add_table(self._page, node)
            return False
        elif tag in _HEADINGS:
            self._flush()
            self._kind, self._level = "heading", _HEADINGS[tag]
        elif tag in _BREAKS:
            self._flush()
            self._kind = "list_item" if tag == "li" else self._kind if self._kind == "list_item" else "paragraph"
            self._lists.enter(node, tag)
        return True

    def _leave(self, tag: str) -> None:
        if tag in _HEADINGS or tag in _BREAKS:
            self._flush()
            self._lists.leave(tag)
            if tag in ("li", "ul", "ol") or tag in _HEADINGS:
                self._kind = "paragraph"

    def _flush(self) -> None:
        text = "\n".join(" ".join(line.split()) for line in "".join(self._text).split("\n\n")).strip()
        self._text = []
        if not text:
            return
        text = " ".join(text.split())
        kind = self._kind
        if kind == "heading":
            self._answering = 0 if self._level <= self._answering else self._answering
            if text.endswith("?"):
                kind, self._answering = "question", self._level
        elif kind == "paragraph" and self._answering:
            kind = "answer"
        self._page.add(kind, self._lists.take() + text if kind == "list_item" else text, self._level)


def _is_decoration(picture: LexborNode) -> bool:
    """Whether a picture says of itself that it shows nothing: an empty description, or the size of an icon."""
    told = picture.attributes
    sizes = [int(side) for side in (told.get("width"), told.get("height")) if side and side.isdigit()]
    return (told.get("alt", "?") or "") == "" or min(sizes, default=_ICON + 1) <= _ICON


def is_data_table(table: LexborNode) -> bool:
    """Whether a table holds data: rows of several short cells. Tables inside tables and long cells are layout."""
    if table.css_first("table table") is not None or len(table.css("table")) > 1:
        return False
    rows = table.css("tr")[:2000]
    widths = [len(_cells(row)) for row in rows]
    longest = max((len(cell.text(deep=True)) for row in rows[:50] for cell in _cells(row)), default=0)
    return sum(1 for width in widths if width > 1) >= 1 and longest < 3000


def add_table(page: PageDraft, table: LexborNode) -> None:
    """Adds a data table: its caption, its header rows (`th`, `thead`), its rows. Spans are repeated as empty cells."""
    caption = table.css_first("caption")
    if caption is not None:
        page.add("paragraph", caption.text(deep=True, separator=" "))
    rows = table.css("tr")
    texts = [_row(row) for row in rows]
    count = 0
    while count < min(len(rows) - 1, 4) and all(cell.tag == "th" for cell in _cells(rows[count])):
        count += 1
    count = count or header_rows(texts)
    page.add_table(texts[:count], texts[count:])


def _cells(row: LexborNode) -> list[LexborNode]:
    return [node for node in row.iter() if node.tag in ("td", "th")]


def _row(row: LexborNode) -> list[str]:
    texts: list[str] = []
    for cell in _cells(row):
        texts.append(cell.text(deep=True, separator=" "))
        span = cell.attributes.get("colspan") or "1"
        texts.extend([""] * (min(int(span), 50) - 1 if span.isdigit() else 0))
    return texts
